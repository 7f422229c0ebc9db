"""How many tasks stand in a column that has a limit: counted on a guard stream, which all who come and go assert."""

from functools import lru_cache
from typing import ClassVar, Self
from uuid import UUID, uuid5

from msgspec import Struct

from domain.event import Event, State


class Column(Struct, frozen=True, omit_defaults=True):
    """A place on the board. The id is for ever, the name may change; `wip_limit` is how many tasks it is meant for."""

    id: str
    name: str
    wip_limit: int | None = None


DEFAULT_COLUMNS = (Column("todo", "To do"), Column("doing", "In progress"), Column("done", "Done"))


class ColumnCounted(Event, frozen=True):
    """On the column's guard stream: so many tasks, done or not, stand there and not in the trash; None: nobody counts.

    Every task that comes or goes writes one, and so does whoever begins or ceases to limit the column.
    """

    tasks: int | None


class ColumnCount(State, frozen=True):
    """How many tasks stand in a column, where somebody counts them."""

    is_last_event_enough: ClassVar = True

    tasks: int | None

    @classmethod
    def evolve(cls, state: Self | None, event: Event) -> Self | None:
        return cls(event.tasks) if isinstance(event, ColumnCounted) else state


@lru_cache(maxsize=10_000)
def column_stream_id(project_id: UUID, column_id: str) -> UUID:
    """The guard stream of a column of a project."""
    return uuid5(project_id, f"column {column_id}")
