"""`taskledger import`: a task list out of a JSON file."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

import click
from rich.console import Console
from rich.progress import track

from cli import options
from cli.import_ import places
from cli.import_.importing import Outcome, carry_out
from cli.import_.mapping import tasks_of
from cli.import_.parsing import parse
from cli.import_.reading import text_of
from cli.import_.report import report
from cli.import_.rows import Row, rows_of
from cli.opened import opened
from infra import settings
from infra.errors import OperatorError
from infra.settings import Settings

T = TypeVar("T")


@click.command("import")
@options.data
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--workspace", required=True, metavar="W", help="The workspace to import into: its id, or its name.")
@click.option("--project", required=True, metavar="KEY", help="The project to import into, by its key.")
@click.option("--as", "email", required=True, metavar="EMAIL", help="The user who imports.")
@click.option("--dry-run", "dry", is_flag=True, help="Decide on every row, say what would become of it, write nothing.")
def command(data: Path, file: Path, *, workspace: str, project: str, email: str, dry: bool) -> None:
    """Import a task list from a JSON file, gzip or not.

    FILE is a list of objects, an object with such a list, or one object a line. Importing a file again changes
    nothing: a row is known again by its list, its id and its title. Exits with 1 if any row was refused.
    """
    found = rows_of(parse(text_of(file), str(file)), str(file))
    outcome = Outcome(dry)
    try:
        asyncio.run(_import(settings.resolve(data), found.rows, (workspace, project, email), outcome))
    except (OperatorError, KeyboardInterrupt):
        if outcome != Outcome(dry):
            report(outcome, file.name, found.beside)
            click.echo("Not all of it: run the same command again to go on.")
        raise
    report(outcome, file.name, found.beside)
    if outcome.refused:
        raise SystemExit(1)


async def _import(found: Settings, rows: tuple[Row, ...], words: tuple[str, str, str], outcome: Outcome) -> None:
    async with opened(found) as instance:
        place = await places.find(instance.log, found.database_url, *words)
        await carry_out(instance, tasks_of(_watched(rows), place.project), place.user, outcome)


def _watched(rows: tuple[T, ...]) -> Iterable[T]:
    """A progress bar for people; nothing where nobody is looking."""
    console = Console(stderr=True)
    return track(rows, "Importing", console=console, transient=True, disable=not console.is_terminal)
