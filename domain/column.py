"""A column of a project's board, and the task count of a column with a WIP limit, on a guard stream."""

from functools import lru_cache
from typing import ClassVar, Self
from uuid import UUID, uuid5

from msgspec import Struct

from domain.event import Event, State
from domain.label import normalize_label


class Column(Struct, frozen=True, omit_defaults=True):
    """A column of the board. The id is permanent, the name may change; `wip_limit` is the intended maximum of tasks.

    In the column that is `done`, of which a board has one at most, tasks are done.
    """

    id: str
    name: str
    wip_limit: int | None = None
    done: bool = False


class ColumnTasks(Struct, frozen=True):
    """The tasks in a column, without those in the trash or archived: how many, and the ids of the first of them."""

    total: int = 0
    ids: tuple[UUID, ...] = ()


DEFAULT_COLUMNS = (Column("todo", "To do"), Column("doing", "In progress"), Column("done", "Done"))
"""The columns of a board that was created before columns could be done."""
NEW_BOARD_COLUMNS = (*DEFAULT_COLUMNS[:2], Column("done", "Done", done=True))


class ColumnCounted(Event, frozen=True):
    """On the column's guard stream: the number of its tasks, without those in the trash or archived; null: not counted.

    Written whenever a task enters or leaves the column, and when its limit is set or removed.
    """

    tasks: int | None


class ColumnCount(State, frozen=True):
    """The number of tasks in a column; None while they are not counted."""

    is_last_event_enough: ClassVar = True

    tasks: int | None

    @classmethod
    def evolve(cls, state: Self | None, event: Event) -> Self | None:
        return cls(event.tasks) if isinstance(event, ColumnCounted) else state


@lru_cache(maxsize=10_000)
def comparable_name(name: str) -> str:
    """The form by which names of columns are compared: as labels are."""
    return normalize_label(name)


@lru_cache(maxsize=10_000)
def column_stream_id(project_id: UUID, column_id: str) -> UUID:
    """The guard stream of a column of a project."""
    return uuid5(project_id, f"column {column_id}")
