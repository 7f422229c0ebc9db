"""Relations between two tasks of a workspace, and the graph of which task blocks which."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import ClassVar, Literal, Self
from uuid import UUID, uuid5

from msgspec import Raw, Struct
from msgspec.structs import replace

from domain.encoded_map import EDGES, ChangedEdges, EncodedParts
from domain.event import Change, Event, State
from domain.subtask import NO_SUBTASKS, SubtaskCount, SubtaskEvent

RelationKind = Literal["blocks", "blocked_by", "relates", "duplicates", "duplicated_by"]
INVERSE_KINDS: dict[RelationKind, RelationKind] = {
    "blocks": "blocked_by",
    "blocked_by": "blocks",
    "relates": "relates",
    "duplicates": "duplicated_by",
    "duplicated_by": "duplicates",
}


class Relation(Struct, frozen=True):
    """What a task is to another one: it `blocks` it, say."""

    kind: RelationKind
    task_id: UUID

    def inverse(self, task_id: UUID) -> "Relation":
        """What the other task is to this one."""
        return Relation(INVERSE_KINDS[self.kind], task_id)


Relations = tuple[Relation, ...]


class RelationAdded(Event, frozen=True):
    """On both tasks, as each of them sees it; `waits`: the other task is open, and blocks this one."""

    changes_part_of: ClassVar = "relations"

    project_id: UUID
    relation: Change[Relation | None]
    waits: bool = False

    def after_part_change(self, value: Relations) -> Relations:
        return (*value, self.relation.new) if self.relation.new else value


class RelationRemoved(Event, frozen=True):
    """On both tasks, as each of them sees it."""

    changes_part_of: ClassVar = "relations"

    project_id: UUID
    relation: Change[Relation | None]

    def after_part_change(self, value: Relations) -> Relations:
        return tuple(relation for relation in value if relation != self.relation.old)


class BlockerEvent(SubtaskEvent, frozen=True, kw_only=True):
    """An event after which other tasks wait for this one, or no longer do; `blocks` are the tasks that it blocks."""

    blocks: tuple[UUID, ...] = ()

    def touches(self) -> Collection[UUID]:
        return dict.fromkeys((*self.ancestors, *self.blocks))

    def count_at(self, touched: UUID) -> SubtaskCount:
        return self.counted if touched in self.ancestors else NO_SUBTASKS

    @property
    def keeps_waiting(self) -> bool:
        """Whether the tasks that it blocks wait for it from now on."""
        raise NotImplementedError


class BlockAdded(Event, frozen=True):
    """On the workspace's stream of blocks: a task blocks another one."""

    blocker_id: UUID
    blocked_id: UUID


class BlockRemoved(Event, frozen=True):
    """On the workspace's stream of blocks: a task no longer blocks another one."""

    blocker_id: UUID
    blocked_id: UUID


class BlockGraph(State, frozen=True):
    """Which task of a workspace blocks which: the tasks that each one blocks, and those that block each."""

    blocked: Mapping[str, Raw] = {}
    blockers: Mapping[str, Raw] = {}

    @classmethod
    def evolve(cls, state: Self | None, event: Event) -> Self | None:
        return cls.evolve_all(state, (event,))

    @classmethod
    def evolve_all(cls, state: Self | None, events: Iterable[Event]) -> Self | None:
        blocks = [event for event in events if isinstance(event, BlockAdded | BlockRemoved)]
        return (state or cls()).with_blocks(blocks) if blocks else state

    def waits_for(self, task_id: UUID, other_id: UUID) -> bool:
        """Whether a task is blocked by another one, directly or through others.

        It searches from both ends by turns, so that it ends as soon as one of them leads no further.
        """
        up, down = self._reached(self.blockers, task_id), self._reached(self.blocked, other_id)
        above, below = set[UUID](), set[UUID]()
        while True:
            for search, reached, others in ((up, above, below), (down, below, above)):
                found = next(search, None)
                if found is None:
                    return False
                reached.add(found)
                if found in others:
                    return True

    @staticmethod
    def _reached(edges: EncodedParts, task_id: UUID) -> Iterator[UUID]:
        """The task itself, and all that its edges lead to, the nearest first."""
        found = {task_id: None}
        pending = [task_id]
        for each in pending:
            yield each
            new = [one for one in EDGES.get(edges, each) or () if one not in found]
            found |= dict.fromkeys(new)
            pending += new

    def with_blocks(self, blocks: Iterable[BlockAdded | BlockRemoved]) -> Self:
        """With more blocks, or less, set one after the other."""
        blocked, blockers = ChangedEdges(self.blocked), ChangedEdges(self.blockers)
        for event in blocks:
            if isinstance(event, BlockAdded):
                blocked.add(event.blocker_id, event.blocked_id)
                blockers.add(event.blocked_id, event.blocker_id)
            else:
                blocked.remove(event.blocker_id, event.blocked_id)
                blockers.remove(event.blocked_id, event.blocker_id)
        return replace(self, blocked=blocked.encoded(), blockers=blockers.encoded())


@lru_cache(maxsize=10_000)
def blocks_stream_id(workspace_id: UUID) -> UUID:
    """The guard stream of the blocks of a workspace."""
    return uuid5(workspace_id, "blocks")
