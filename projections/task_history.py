"""The index of task histories: one row per event of a task. The log has its content."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from domain import codec, task
from domain.event import RecordedEvent
from domain.task import TaskNumbersTaken
from projections.projection import Projection, key_by_position


class TaskHistoryRow(Struct, frozen=True):
    """One event; its id is its position."""

    id: int
    task_id: UUID
    version: int
    type: str
    actor_id: UUID
    at: datetime


def fold(key: int, _: TaskHistoryRow | None, recorded: RecordedEvent) -> TaskHistoryRow | None:
    """A row for each event of a task; none for other events, nor for `TaskNumbersTaken` on its guard stream."""
    event = recorded.event
    if type(event).__module__ != task.__name__ or isinstance(event, TaskNumbersTaken):
        return None
    return TaskHistoryRow(
        key, recorded.stream, recorded.version, codec.stored_name_of(event), recorded.actor.id, recorded.at
    )


def scopes(_: TaskHistoryRow) -> Iterable[UUID]:
    """None: nothing read from this table is cached."""
    return ()


projection = Projection(
    "task_history", 2, TaskHistoryRow, key_by_position, fold, scopes, golden_lines=91, indexes=("(task_id, id)",)
)
