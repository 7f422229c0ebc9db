"""The tasks of a column, which no stream has: a decision that needs them has them queried and is made again."""

from collections.abc import Iterable
from uuid import UUID

from msgspec import Struct

from domain.column import ColumnTasks
from domain.event import Event
from domain.task import TaskStatus, places_of


class ColumnTasksKey(Struct, frozen=True):
    """Which tasks: those in a column of a project, or on its whole board, of one status or of any."""

    project_id: UUID
    column_id: str | None
    status: TaskStatus | None = None


class ColumnTasksNotLoaded(Exception):
    """The decision needs the tasks of a column, which no stream has: query them and decide again."""

    def __init__(self, key: ColumnTasksKey) -> None:
        super().__init__(key)
        self.key = key


def with_new_events(queried: ColumnTasks, key: ColumnTasksKey, new_events: Iterable[tuple[UUID, Event]]) -> ColumnTasks:
    """The tasks of a column after events that the query did not see."""
    place = key.project_id, key.column_id
    total, ids = queried.total, dict.fromkeys(queried.ids)
    for stream, event in new_events:
        left, entered = places_of(event)
        if place in {left, entered} and left != entered:
            total += (entered == place) - (left == place)
            ids.update({stream: None})
    return ColumnTasks(total, tuple(ids))
