"""The text of tasks: one row per task, for full-text search in Russian and English."""

from collections.abc import Iterable
from uuid import UUID

from msgspec import Struct

from domain.event import OpaqueEvent, RecordedEvent, apply_changes
from domain.task import TaskCreated, TaskDescribed, TaskMoved, TaskPurged, TaskRenamed
from projections.projection import Projection, key_by_stream


class TaskSearchRow(Struct, frozen=True):
    """The text of a task, and its workspace and project."""

    id: UUID
    workspace_id: UUID
    project_id: UUID
    key: str
    title: str
    description: str


def fold(key: UUID, text: TaskSearchRow | None, recorded: RecordedEvent) -> TaskSearchRow | None:
    event = recorded.event
    if isinstance(event, TaskCreated):
        return TaskSearchRow(key, event.workspace_id, event.project_id, event.key, event.title, event.description)
    return None if text is None or isinstance(event, TaskPurged) else apply_changes(text, event)


def scopes(text: TaskSearchRow) -> Iterable[UUID]:
    return text.project_id, text.workspace_id


# The configuration `russian` stems words in Latin letters as English. Key and title have a higher weight.
_DOCUMENT_COLUMN_SQL = """tsvector generated always as (
    setweight(to_tsvector('russian', key || ' ' || title), 'A') || setweight(to_tsvector('russian', description), 'B')
    ) stored"""

projection = Projection(
    "task_search",
    1,
    TaskSearchRow,
    key_by_stream,
    fold,
    scopes,
    golden_lines=91,
    indexes=("using gin (document)",),
    generated_columns=(("document", _DOCUMENT_COLUMN_SQL),),
    event_types=(TaskCreated, TaskRenamed, TaskDescribed, TaskMoved, TaskPurged, OpaqueEvent),
)
