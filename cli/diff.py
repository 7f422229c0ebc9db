"""`taskledger diff`: what differs between two times."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, cast
from uuid import UUID

import click
from psycopg import Connection
from psycopg.rows import TupleRow

from cli import options
from cli.database import database_connection
from cli.events.streams import find_project, resolve_stream_id
from cli.output import print_line
from cli.past_diff import PastDiff
from domain.diff import DiffChange
from domain.event import fold
from domain.sentences.wording import Language
from domain.task import Task
from infra import clock, log, settings
from infra.errors import OperatorError
from infra.log.moments import read_moment_at
from projections.diff import DiffTarget
from projections.moment import Moment
from projections.span import Span

_BEGINNING: Final = Moment(0, datetime.min.replace(tzinfo=UTC))
_TASK_KEY: Final = re.compile(r"[A-Za-z][A-Za-z0-9]*-[0-9]+")
_SIGNS: Final[dict[DiffChange, tuple[str, str]]] = {
    "added": ("+", "green"),
    "removed": ("-", "red"),
    "changed": ("~", "yellow"),
}


@click.command
@options.data_option
@click.argument("key")
@click.option("--from", "start", type=options.TIME, help="What was there at this time: 2026-03-01, or RFC 3339; UTC.")
@click.option("--to", "end", type=options.TIME, help="What was there at this later time; now if it is left out.")
@click.option("--language", type=click.Choice(["en", "ru"]), default="en", show_default=True)
def command(data: Path, key: str, start: datetime | None, end: datetime | None, language: str) -> None:
    """Show what differs in a task or a project between two times, with who changed it.

    KEY is the key of a task, such as KIT-1, or of a project, such as KIT, or the id of either. What was added has a
    plus, what was removed a minus.
    """
    if start and start > (end or clock.now()):
        raise OperatorError("--from is later than --to, which is now if it is left out.")
    with database_connection(settings.resolve(data).database_url) as connection:
        target = _find_target(connection, key)
        first = read_moment_at(connection, start) if start else _BEGINNING
        span = Span(first, read_moment_at(connection, end or clock.now()))
        for one in PastDiff(connection, target, span).say(cast("Language", language)):
            sign, colour = _SIGNS[one.change]
            for sentence in one.sentences:
                print_line(f"{sign} {sentence}", colour=colour)


def _find_target(connection: Connection[TupleRow], key: str) -> DiffTarget:
    """The task or project with a key or an id; raises OperatorError."""
    task = _find_task(connection, key)
    if task is not None:
        return task
    project, workspace = find_project(connection, key)
    return DiffTarget("project", project, workspace)


def _find_task(connection: Connection[TupleRow], key: str) -> DiffTarget | None:
    """The task, if the key or the id is that of one."""
    try:
        id_ = UUID(key)
    except ValueError:
        if not _TASK_KEY.fullmatch(key):
            return None
        id_ = resolve_stream_id(connection, key)
    state = fold(Task, (one.event for one in log.load_stream(connection, id_)))
    if state and state.purged:
        raise OperatorError(f"{key} was purged: nothing is left to compare.")
    return DiffTarget("task", id_, state.workspace_id) if state else None
