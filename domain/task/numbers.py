"""The numbers of the tasks of a project."""

from functools import lru_cache
from typing import ClassVar, Self
from uuid import UUID, uuid5

from domain.event import Event, State


class TaskNumbersTaken(Event, frozen=True):
    """On the project's number stream: a block of numbers, both ends included, allocated to future tasks.

    `PROJ-12` belongs to one task for ever; an allocated number that is never used leaves a gap.
    """

    first: int
    last: int


class TaskNumbers(State, frozen=True):
    """The task numbers allocated in one project."""

    is_last_event_enough: ClassVar = True

    last: int = 0

    @classmethod
    def evolve(cls, state: Self | None, event: Event) -> Self | None:
        return cls(event.last) if isinstance(event, TaskNumbersTaken) else state


@lru_cache(maxsize=10_000)
def task_numbers_stream_id(project_id: UUID) -> UUID:
    """The guard stream of a project's task numbers."""
    return uuid5(project_id, "task numbers")
