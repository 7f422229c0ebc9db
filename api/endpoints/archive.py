"""Archive of tasks over HTTP."""

from typing import Annotated

from msgspec import Meta

from api.command_endpoint import command
from api.http.problems import MalformedRequest
from commands.archive import ArchiveDoneTasks, ArchiveTask, UnarchiveTask
from commands.field_types import ColumnName
from commands.validation import describe, find_errors

ColumnInPath = Annotated[ColumnName, Meta(description="The id or the name of a column.", examples=["done"])]


def _parse_column(text: str) -> ColumnInPath:
    """The id or the name of a column; raises MalformedRequest."""
    if errors := find_errors(text, ColumnName, "#/column"):
        raise MalformedRequest("invalid_column", describe(errors))
    return text


archive_task = command(
    "POST",
    "/tasks/{task}/archive",
    ArchiveTask,
    """Archive a task that is done with, and all below it: it is kept for ever, and is left out of lists and boards.

    `is:archived` in a filter finds it. It cannot be changed until it is brought back.
    """,
)
unarchive_task = command(
    "POST",
    "/tasks/{task}/unarchive",
    UnarchiveTask,
    "Bring a task back from the archive to its old column, with what went there with it.",
)
archive_done_tasks = command(
    "POST",
    "/projects/{project}/columns/{column}/archive-done",
    ArchiveDoneTasks,
    """Archive the done tasks of a column, with what is below them; a task above an open one stays.

    At most 1,000 at once, the first by rank: a warning `more_tasks_done` says how many were done, and the same call
    archives the next ones.
    """,
    column=_parse_column,
)
