"""Sub-tasks: the tree of the tasks of a project, and how many of those below a task are done."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Self
from uuid import UUID, uuid5

from msgspec import Raw, Struct
from msgspec.structs import replace

from domain.encoded_map import EDGES, ChangedEdges, EncodedMap
from domain.event import Change, Event, State

MAX_SUBTASKS_PER_COMMAND = 1_000
"""The most tasks below one that a command takes along."""


class SubtaskCount(Struct, frozen=True):
    """How many of the tasks below a task, at any depth, are done, of those that are not in the trash."""

    done: int = 0
    total: int = 0

    def __add__(self, other: "SubtaskCount") -> "SubtaskCount":
        return SubtaskCount(self.done + other.done, self.total + other.total)

    def __neg__(self) -> "SubtaskCount":
        return SubtaskCount(-self.done, -self.total)


NO_SUBTASKS = SubtaskCount()


def count_of(status: str) -> SubtaskCount:
    """What one task counts for."""
    return SubtaskCount(int(status == "done"), 1)


class SubtaskEvent(Event, frozen=True, kw_only=True):
    """An event of a task that may be a sub-task; `ancestors` are the tasks that it is below, the nearest first."""

    ancestors: tuple[UUID, ...] = ()

    def touches(self) -> Collection[UUID]:
        return self.ancestors

    @property
    def counted(self) -> SubtaskCount:
        """What it adds to the count of each ancestor."""
        raise NotImplementedError

    def count_at(self, touched: UUID) -> SubtaskCount:
        """What it adds to the count of a task that it touches."""
        del touched
        return self.counted


class TaskParentSet(SubtaskEvent, frozen=True):
    """Another parent, or none; `moved` counts the task and those below it.

    `ancestors` are those that it joins, `former_ancestors` those that it leaves.
    """

    parent_id: Change[UUID | None]
    former_ancestors: tuple[UUID, ...]
    moved: SubtaskCount

    def touches(self) -> Collection[UUID]:
        return set(self.former_ancestors) ^ set(self.ancestors)

    def count_at(self, touched: UUID) -> SubtaskCount:
        return self.moved if touched in self.ancestors else -self.moved


class SubtaskPlaced(Event, frozen=True):
    """On the project's tree stream: a task gets this parent, or none."""

    task_id: UUID
    parent_id: Change[UUID | None]


_PARENTS = EncodedMap(dict[UUID, UUID])


class TaskTree(State, frozen=True):
    """Which task of a project is below which: the parent of each sub-task, and the sub-tasks of each parent."""

    parents: Mapping[str, Raw] = {}
    subtasks: Mapping[str, Raw] = {}

    @classmethod
    def evolve(cls, state: Self | None, event: Event) -> Self | None:
        return cls.evolve_all(state, (event,))

    @classmethod
    def evolve_all(cls, state: Self | None, events: Iterable[Event]) -> Self | None:
        placed = [event for event in events if isinstance(event, SubtaskPlaced)]
        return (state or cls()).with_parents(placed) if placed else state

    def ancestors_of(self, task_id: UUID) -> tuple[UUID, ...]:
        """The parent of a task, its parent, and so on."""
        found, above = list[UUID](), _PARENTS.get(self.parents, task_id)
        while above is not None:
            found.append(above)
            above = _PARENTS.get(self.parents, above)
        return tuple(found)

    def iter_below(self, task_id: UUID) -> Iterator[UUID]:
        """All tasks below one, each parent before its sub-tasks."""
        pending = [task_id]
        while pending:
            below = EDGES.get(self.subtasks, pending.pop()) or ()
            yield from below
            pending += reversed(below)

    def with_parents(self, placed: Sequence[SubtaskPlaced]) -> Self:
        """With other parents of some tasks, set one after the other."""
        edges = ChangedEdges(self.subtasks)
        for event in placed:
            if event.parent_id.old is not None:
                edges.remove(event.parent_id.old, event.task_id)
            if event.parent_id.new is not None:
                edges.add(event.parent_id.new, event.task_id)
        parents = _PARENTS.with_values(self.parents, {event.task_id: event.parent_id.new for event in placed})
        return replace(self, parents=parents, subtasks=edges.encoded())


@lru_cache(maxsize=10_000)
def tree_stream_id(project_id: UUID) -> UUID:
    """The guard stream of the tree of a project."""
    return uuid5(project_id, "tree")
