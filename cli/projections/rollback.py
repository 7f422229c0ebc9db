"""`taskledger projections rollback`: serves the previous build of a read model again."""

from pathlib import Path

import click

from cli import options
from cli.database import database_connection
from cli.output import print_line
from cli.projections import arguments
from infra import settings
from infra.rebuilding.rollback import roll_back


@click.command
@options.data_option
@click.argument("name")
def command(data: Path, name: str) -> None:
    """Serve the build from before the last rebuild of NAME again, after it has caught up."""
    from cli.projections import access_record  # noqa: PLC0415 - what it needs takes long to import

    app_settings = settings.resolve(data)
    with database_connection(app_settings.database_url) as connection:
        build = roll_back(connection, arguments.require_projection(name))
    access_record.record_rollback(app_settings.database_url, name)
    print_line(f"{name}: build {build.number} is live again.")
