"""`taskledger import`: creates tasks from a JSON file, or a project with its past from the export of a board."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import click
from msgspec import Struct
from rich.console import Console
from rich.progress import Progress

from cli import options
from cli.import_.board_columns import BoardColumns
from cli.import_.board_import import HistoryJob, import_history, read_emails, read_file
from cli.import_.file_reader import read_text
from cli.import_.history.target import Destination
from cli.import_.importer import ImportOutcome, import_tasks
from cli.import_.mapping import ImportProject, map_rows
from cli.import_.parsing import parse_json
from cli.import_.priority import OPTION, AmbiguousScale, PriorityScale, parse_scale, recognize_scale
from cli.import_.report import ImportReport, print_report, print_stop
from cli.import_.rows import Row
from cli.import_.target import find_target
from cli.import_.task_lists import FileRows, find_rows
from cli.open_instance import open_instance
from cli.termination import sigterm_as_interrupt
from infra import settings
from infra.errors import OperatorError
from infra.processes.gc_tuning import frozen_and_relaxed
from infra.settings import Settings

T = TypeVar("T")


class _Import(Struct, frozen=True):
    """What is imported, and into which project, by the names that the operator gave."""

    rows: tuple[Row, ...]
    priority_scale: PriorityScale
    workspace: str
    project: str
    email: str


def _run_history(data: Path, job: HistoryJob) -> None:
    """Import a board; exits with 1 if anything was refused."""
    with frozen_and_relaxed(), _progress_bar() as bar:
        outcome = asyncio.run(import_history(settings.resolve(data, needs_address_key=True), job, bar))
    if outcome.refused:
        raise SystemExit(1)


def _parse_scale_option(_context: click.Context, _option: click.Parameter, text: str | None) -> PriorityScale | None:
    try:
        return parse_scale(text) if text is not None else None
    except AmbiguousScale as error:
        raise click.BadParameter(str(error)) from None
    except (ValueError, KeyError):
        raise click.BadParameter("say 0-4 or 5-1, the most urgent first, or 1=urgent,2=high,3=none.") from None


@click.command("import")
@options.data_option
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--workspace", required=True, metavar="W", help="The workspace to import into: its id or name.")
@click.option("--project", required=True, metavar="KEY", help="The key of the project to import into.")
@click.option("--as", "email", required=True, metavar="EMAIL", help="The user to import as, by email address.")
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["json", "trello"]),
    default="json",
    show_default=True,
    help="What FILE is: JSON with tasks, or the export of a Trello board, which becomes a new project with its past.",
)
@click.option(
    "--people",
    type=click.Path(path_type=Path),
    metavar="JSON",
    help="For a board: an object that gives user names of the file the email addresses of members here.",
)
@click.option(
    OPTION,
    "scale",
    metavar="SCALE",
    callback=_parse_scale_option,
    help="What numbers mean as priorities: 0-4 or 5-1, the most urgent first, or 1=urgent,2=high.  [default: "
    "recognized from the whole file]",
)
@click.option("--dry-run", "dry", is_flag=True, help="Check every row and report the result without writing anything.")
@click.option("--all", "lists_all", is_flag=True, help="List every refused row, not only the first of each kind.")
def command(
    data: Path,
    file: Path,
    *,
    workspace: str,
    project: str,
    email: str,
    format_name: str,
    people: Path | None,
    scale: PriorityScale | None,
    dry: bool,
    lists_all: bool,
) -> None:
    """Import tasks from a JSON file, or a board with its past, plain or gzip.

    FILE holds a list of objects, an object with such a list, or one object per line. Importing a file again changes
    nothing: a row is recognized by its list, id and title, also if it comes twice in FILE; rows without an id may be
    alike and are different tasks. Exits with 1 if any row was refused.

    With --format trello, FILE is the export of a board: it becomes a new project with the key KEY, and its actions
    become events with their own times and people. All of it is written, or nothing.
    """
    if format_name == "trello":
        with sigterm_as_interrupt():
            job = HistoryJob(
                read_file(file), Destination(workspace, project, email), read_emails(people), dry, lists_all
            )
            _run_history(data, job)
        return
    outcome = ImportOutcome(dry)
    with sigterm_as_interrupt():
        rows, scale = _read(file, scale, outcome)
        report = ImportReport(
            file.name, len(rows.rows), rows.other_fields, scale.description, lists_all, rows.pull_requests
        )
        _run(data, _Import(rows.rows, scale, workspace, project, email), outcome, report)
    print_report(outcome, report)
    if outcome.refused_rows:
        raise SystemExit(1)


def _read(file: Path, scale: PriorityScale | None, outcome: ImportOutcome) -> tuple[FileRows, PriorityScale]:
    """The rows of the file, and the scale of their priorities, unless it is given."""
    try:
        rows = find_rows(parse_json(read_text(file), str(file)), str(file))
        return rows, scale or recognize_scale(rows.rows)
    except KeyboardInterrupt:
        print_stop(outcome, ImportReport(file.name))
        raise


def _run(data: Path, job: _Import, outcome: ImportOutcome, report: ImportReport) -> None:
    """Import; if that ends early, say what was written and raise the cause."""
    try:
        with frozen_and_relaxed():
            asyncio.run(_import(settings.resolve(data, needs_address_key=True), job, outcome))
    except (OperatorError, KeyboardInterrupt) as cause:
        if outcome.row_count or isinstance(cause, KeyboardInterrupt):
            print_stop(outcome, report)
        raise


async def _import(app_settings: Settings, job: _Import, outcome: ImportOutcome) -> None:
    async with open_instance(app_settings) as instance:
        target = await find_target(instance, app_settings.database_url, job.workspace, job.project, job.email)
        project = ImportProject(target.project_id, BoardColumns(target.columns), job.priority_scale)
        with _progress_bar() as bar:
            await import_tasks(instance, map_rows(_track(job.rows, bar), project), target.user_id, outcome)


def _progress_bar() -> Progress:
    """A bar on standard error, if that is a terminal; closed before any report is printed."""
    console = Console(stderr=True)
    return Progress(console=console, transient=True, disable=not console.is_terminal)


def _track(rows: tuple[T, ...], bar: Progress) -> Iterator[T]:
    yield from bar.track(rows, total=len(rows), description="Importing")
