"""The text of tasks: one row per task, for finding it by the words in it, in Russian and English."""

from collections.abc import Iterable
from uuid import UUID

from msgspec import Struct

from domain.event import Recorded, Unknown, applied
from domain.task import TaskCreated, TaskDescribed, TaskMoved, TaskPurged, TaskRenamed
from projections.projection import Projection, by_stream


class TextRow(Struct, frozen=True):
    """What is written in a task, and where that stands."""

    id: UUID
    workspace_id: UUID
    project_id: UUID
    key: str
    title: str
    description: str


def fold(key: UUID, text: TextRow | None, recorded: Recorded) -> TextRow | None:
    event = recorded.event
    if isinstance(event, TaskCreated):
        return TextRow(key, event.workspace_id, event.project_id, event.key, event.title, event.description)
    return None if text is None or isinstance(event, TaskPurged) else applied(text, event)


def scopes(text: TextRow) -> Iterable[UUID]:
    return text.project_id, text.workspace_id


# The configuration `russian` stems words in Latin letters as English. What is in the title weighs more.
_DOCUMENT = """tsvector generated always as (
    setweight(to_tsvector('russian', key || ' ' || title), 'A') || setweight(to_tsvector('russian', description), 'B')
    ) stored"""

projection = Projection(
    "task_search",
    1,
    TextRow,
    by_stream,
    fold,
    scopes,
    indexes=("using gin (document)",),
    generated=(("document", _DOCUMENT),),
    only=(TaskCreated, TaskRenamed, TaskDescribed, TaskMoved, TaskPurged, Unknown),
)
