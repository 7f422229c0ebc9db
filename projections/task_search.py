"""The text of tasks: one row per task with the lexemes of its texts, for full-text search, and its title to sort by."""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from domain.event import OpaqueEvent, RecordedEvent, apply_changes
from domain.task import TaskCreated, TaskDescribed, TaskMoved, TaskMovedToProject, TaskPurged, TaskRenamed
from projections.projection import Past, Projection, key_by_stream
from projections.search_vector import description_vector, title_vector
from projections.text_folding import fold_text
from projections.tsvector import TsVector

MAX_TITLE_KEY_CHARACTERS: Final = 200
"""Titles that begin with the same characters are in no order."""


class TaskSearchRow(Struct, frozen=True):
    """What a task's texts are searched and sorted by, and its workspace and project.

    `title_words` also has the words of the key; `title_key` is the folded title.
    """

    id: UUID
    workspace_id: UUID
    project_id: UUID
    key: str
    title_words: TsVector
    description_words: TsVector
    title_key: str


DOCUMENT_SQL: Final = "(search.title_words || search.description_words)"
"""The words of a task, of which there is an index."""


def fold(key: UUID, text: TaskSearchRow | None, recorded: RecordedEvent) -> TaskSearchRow | None:
    event = recorded.event
    if isinstance(event, TaskCreated):
        return row_of(key, event.workspace_id, event.project_id, event.key, event.title, event.description)
    if text is None or isinstance(event, TaskPurged):
        return None
    match event:
        case TaskRenamed():
            title = event.title.new
            return replace(text, title_words=_title_words(text.key, title), title_key=title_key(title))
        case TaskMovedToProject():
            moved = apply_changes(text, event)
            return replace(moved, title_words=_title_words(moved.key, event.title))
        case TaskDescribed():
            return replace(text, description_words=description_vector(event.description.new))
    return apply_changes(text, event)


def row_of(id_: UUID, workspace_id: UUID, project_id: UUID, key: str, title: str, description: str) -> TaskSearchRow:  # noqa: PLR0913, PLR0917 - the parts of a task
    """The row of a task with these texts."""
    words = _title_words(key, title), description_vector(description)
    return TaskSearchRow(id_, workspace_id, project_id, key, *words, title_key(title))


def title_key(title: str) -> str:
    """The text by which titles are sorted: folded, and no longer than an index can hold."""
    return fold_text(title)[:MAX_TITLE_KEY_CHARACTERS]


def _title_words(key: str, title: str) -> TsVector:
    return title_vector(f"{key.replace('-', ' ')} {title}")


def scopes(text: TaskSearchRow) -> Iterable[UUID]:
    return text.project_id, text.workspace_id


projection = Projection(
    "task_search",
    5,
    TaskSearchRow,
    key_by_stream,
    fold,
    scopes,
    golden_lines=200,
    indexes=(
        "using gin ((title_words || description_words))",
        "(workspace_id, title_key, id)",
        "(workspace_id, id)",
        "(project_id, id)",
    ),
    event_types=(TaskCreated, TaskRenamed, TaskDescribed, TaskMoved, TaskMovedToProject, TaskPurged, OpaqueEvent),
    past=Past(purged_by=(TaskPurged,), indexes=(("project", "(project_id, id)"), ("workspace", "(workspace_id, id)"))),
)
