"""The tasks of a column, which no stream has: a decision that needs them has them queried and is made again."""

from collections.abc import Iterable
from uuid import UUID

from domain.column import ColumnTasks
from domain.event import Event
from domain.task import places_of

ColumnKey = tuple[UUID, str]
"""A project, and a column of it by its id."""


class ColumnTasksNotLoaded(Exception):
    """The decision needs the tasks of a column, which no stream has: query them and decide again."""

    def __init__(self, project_id: UUID, column_id: str) -> None:
        super().__init__(project_id, column_id)
        self.key: ColumnKey = project_id, column_id


def with_new_events(queried: ColumnTasks, key: ColumnKey, new_events: Iterable[tuple[UUID, Event]]) -> ColumnTasks:
    """The tasks of a column after events that the query did not see."""
    total, ids = queried.total, dict.fromkeys(queried.ids)
    for stream, event in new_events:
        left, entered = places_of(event)
        if key in {left, entered} and left != entered:
            total += (entered == key) - (left == key)
            ids.update({stream: None})
    return ColumnTasks(total, tuple(ids))
