"""`taskledger projections parked`: lists the documents that stopped updating."""

from pathlib import Path

import click

from cli import options
from cli.database import database_connection
from cli.output import print_line
from cli.projections import arguments
from cli.projections.parked_documents import fetch_parked
from cli.projections.table import print_table
from infra import settings


@click.command
@options.data_option
@click.argument("name", required=False)
def command(data: Path, name: str | None) -> None:
    """Show documents that stopped updating because an event could not be applied, each with that event."""
    if name:
        arguments.require_projection(name)
    with database_connection(settings.resolve(data).database_url) as connection:
        rows = [
            (build.projection.name, one.document, str(one.position), f"{one.parked_at:%Y-%m-%d %H:%M}", one.reason)
            for build, one in fetch_parked(connection, name)
        ]
    if rows:
        print_table(("projection", "document", "position", "since", "because"), rows)
    else:
        print_line("No documents are parked.")
