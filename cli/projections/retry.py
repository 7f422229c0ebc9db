"""`taskledger projections retry`: folds parked documents again."""

from pathlib import Path

import click

from cli import options
from cli.database import database_connection
from cli.output import print_line
from cli.projections.parked_documents import retry_document, select_parked
from infra import settings


@click.command
@options.data_option
@click.argument("name")
@click.argument("document", required=False)
def command(data: Path, name: str, document: str | None) -> None:
    """Fold the parked documents of NAME, or one DOCUMENT, again; exits with 1 if any stays parked."""
    with database_connection(settings.resolve(data).database_url) as connection:
        parked_documents = select_parked(connection, name, document)
        results = [retry_document(connection, build, parked_document) for build, parked_document in parked_documents]
        if not parked_documents:
            print_line(f"No documents of {name} are parked.")
    raise SystemExit(0 if all(results) else 1)
