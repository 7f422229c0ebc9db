"""`taskledger projections`: how far the read models are, and rebuilding them."""

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from cli import options
from cli.opened import database
from infra import log, settings
from infra.errors import OperatorError
from projections import engine
from projections.projection import every


@click.group
def command() -> None:
    """See how far the read models are, and rebuild them from the log."""


@command.command("list")
@options.data
def show(data: Path) -> None:
    """Show each projection, the position that it has read to, and its lag in events."""
    with database(settings.locate(data).database_url) as connection:
        head = log.head(connection)
        table = Table("projection", "version", "position", "lag", "parked", box=None, pad_edge=False)
        for name, projection in every().items():
            position = engine.checkpoint(connection, name)
            behind = log.behind(connection, position)
            parked = engine.parked(connection, name)
            table.add_row(name, str(projection.version), f"{position} of {head}", str(behind), str(parked))
    Console().print(table)


@command.command
@options.data
@click.argument("name")
def rebuild(data: Path, name: str) -> None:
    """Fold the whole log afresh into the projection NAME; readers see the old rows until it is done."""
    if name not in every():
        raise OperatorError(f"There is no projection {name!r}: choose one of {', '.join(every())}.")
    with database(settings.locate(data).database_url) as connection:
        progress = engine.rebuild(connection, every()[name], log.after)
    click.echo(f"{name}: {progress.events} events folded, up to position {progress.position}.")
