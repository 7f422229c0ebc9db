"""`taskledger import`: creates tasks from a JSON file."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

import click
from rich.console import Console
from rich.progress import track

from cli import options
from cli.import_.file_reader import read_text
from cli.import_.importer import ImportOutcome, import_tasks
from cli.import_.mapping import map_rows
from cli.import_.parsing import parse_json
from cli.import_.report import print_report
from cli.import_.rows import Row, find_rows
from cli.import_.target import find_target
from cli.open_instance import open_instance
from cli.output import print_line
from infra import settings
from infra.errors import OperatorError
from infra.settings import Settings

T = TypeVar("T")


@click.command("import")
@options.data_option
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--workspace", required=True, metavar="W", help="The workspace to import into: its id or name.")
@click.option("--project", required=True, metavar="KEY", help="The key of the project to import into.")
@click.option("--as", "email", required=True, metavar="EMAIL", help="The user to import as, by email address.")
@click.option("--dry-run", "dry", is_flag=True, help="Check every row and report the result without writing anything.")
def command(data: Path, file: Path, *, workspace: str, project: str, email: str, dry: bool) -> None:
    """Import tasks from a JSON file, plain or gzip.

    FILE holds a list of objects, an object with such a list, or one object per line. Importing a file again changes
    nothing: a row is recognized by its list, id and title. Exits with 1 if any row was refused.
    """
    file_rows = find_rows(parse_json(read_text(file), str(file)), str(file))
    outcome = ImportOutcome(dry)
    try:
        asyncio.run(_import(settings.resolve(data), file_rows.rows, (workspace, project, email), outcome))
    except (OperatorError, KeyboardInterrupt):
        if outcome != ImportOutcome(dry):
            print_report(outcome, file.name, file_rows.other_fields)
            print_line("The import is incomplete: run the same command again to continue.")
        raise
    print_report(outcome, file.name, file_rows.other_fields)
    if outcome.refused_rows:
        raise SystemExit(1)


async def _import(
    app_settings: Settings, rows: tuple[Row, ...], target_names: tuple[str, str, str], outcome: ImportOutcome
) -> None:
    async with open_instance(app_settings) as instance:
        target = await find_target(instance.log, app_settings.database_url, *target_names)
        await import_tasks(instance, map_rows(_with_progress_bar(rows), target.project_id), target.user_id, outcome)


def _with_progress_bar(rows: tuple[T, ...]) -> Iterable[T]:
    """The rows, with a progress bar if standard error is a terminal."""
    console = Console(stderr=True)
    return track(rows, "Importing", console=console, transient=True, disable=not console.is_terminal)
