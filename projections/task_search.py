"""The text of tasks: one row per task with the lexemes of its texts, for full-text search, and its title to sort by."""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from domain.event import OpaqueEvent, RecordedEvent, apply_changes
from domain.task import TaskCreated, TaskDescribed, TaskMoved, TaskPurged, TaskRenamed
from projections.projection import Projection, key_by_stream
from projections.search_lexemes import lexemes
from projections.text_folding import fold_text

MAX_TITLE_KEY_CHARACTERS: Final = 200
"""Titles that begin with the same characters are in no order."""


class TaskSearchRow(Struct, frozen=True):
    """The lexemes of a task's text, each as a `tsvector` in text form, its folded title, its workspace and project."""

    id: UUID
    workspace_id: UUID
    project_id: UUID
    key_lexemes: str
    title_lexemes: str
    description_lexemes: str
    title_key: str


def fold(key: UUID, text: TaskSearchRow | None, recorded: RecordedEvent) -> TaskSearchRow | None:
    event = recorded.event
    if isinstance(event, TaskCreated):
        return row_of(key, event.workspace_id, event.project_id, event.key, event.title, event.description)
    if text is None or isinstance(event, TaskPurged):
        return None
    match event:
        case TaskRenamed():
            return replace(text, title_lexemes=_title_lexemes(event.title.new), title_key=title_key(event.title.new))
        case TaskDescribed():
            return replace(text, description_lexemes=_description_lexemes(event.description.new))
    return apply_changes(text, event)


def row_of(id_: UUID, workspace_id: UUID, project_id: UUID, key: str, title: str, description: str) -> TaskSearchRow:  # noqa: PLR0913, PLR0917 - the parts of a task
    """The row of a task with these texts."""
    return TaskSearchRow(
        id_,
        workspace_id,
        project_id,
        _title_lexemes(key),
        _title_lexemes(title),
        _description_lexemes(description),
        title_key(title),
    )


def title_key(title: str) -> str:
    """The text by which titles are sorted: folded, and no longer than an index can hold."""
    return fold_text(title)[:MAX_TITLE_KEY_CHARACTERS]


def _title_lexemes(title: str) -> str:
    return lexemes(title, "A", "B")


def _description_lexemes(description: str) -> str:
    return lexemes(description, "C", "D")


def scopes(text: TaskSearchRow) -> Iterable[UUID]:
    return text.project_id, text.workspace_id


_DOCUMENT_COLUMN_SQL = """tsvector generated always as (
    key_lexemes::tsvector || title_lexemes::tsvector || description_lexemes::tsvector) stored"""

projection = Projection(
    "task_search",
    2,
    TaskSearchRow,
    key_by_stream,
    fold,
    scopes,
    golden_lines=98,
    indexes=("using gin (document)", "(workspace_id, title_key, id)"),
    generated_columns=(("document", _DOCUMENT_COLUMN_SQL),),
    event_types=(TaskCreated, TaskRenamed, TaskDescribed, TaskMoved, TaskPurged, OpaqueEvent),
)
