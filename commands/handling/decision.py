"""A decision: what a command was given, what it looked at, and the events that it came to."""

from collections.abc import Mapping
from typing import Any, TypeVar, cast
from uuid import UUID

from msgspec import Struct

from commands import permissions
from commands.command import Command, Elsewhere, present
from commands.handling.conflict import Late, Since
from commands.handling.stream_cache import Knowledge, Known, NotLoaded
from commands.handling.task_numbers import Numbers, Supply
from domain.errors import (
    Contradicts,
    CrossesWorkspaces,
    Forbidden,
    IdTaken,
    NotFound,
    Purged,
    Refusal,
    ScopeTooNarrow,
    StreamIsFull,
    VersionRequired,
)
from domain.event import Actor, Event, State
from domain.member import Member, member_of
from domain.task import TaskNumbers, TaskNumbersTaken, numbers_of
from domain.user import Scope

S = TypeVar("S", bound=State)

MOST_EVENTS = 50_000
"""The longest that a stream may become, but for commands that go `past_the_end`. Guard streams have no end: nobody
reads them from the beginning."""


class Wish(Struct, frozen=True):
    """A command and the stream that it is about."""

    target: UUID
    command: Command[Any]


class Decision:
    """Commands decided one after the other, each on the states that those before it leave.

    `seen` holds every stream looked at with the version it was at: the append asserts them all, so a
    rule that asked for a state cannot forget to guard it. Deciding can be done again: it changes nothing but
    the supply of numbers.
    """

    def __init__(
        self,
        known: Knowledge,
        actor: Actor,
        supply: Supply | None = None,
        scope: Scope = "admin",
        since: Mapping[UUID, Since] | None = None,
    ) -> None:
        """`since` says what others did to streams that the wishes may be merged with; None: each race is told."""
        self.actor = actor
        self.target = actor.id
        self.made = 0
        self.workspace_id: UUID | None = None
        self.seen: dict[UUID, int] = {}
        self.written: list[tuple[UUID, Event]] = []
        self.leaves: dict[UUID, Known] = {}
        self.taken: dict[UUID, Numbers] = {}
        self.warnings: list[tuple[int, Refusal]] = []
        self._known = known
        self._supply = supply or Supply(Numbers())
        self._scope = scope
        self._since = since
        self._bases: dict[UUID, int] = {}

    def __call__(self, kind: type[S], stream: UUID) -> S | None:
        states = self._look(stream, kind).states
        if kind not in states:
            raise NotLoaded(stream, kind)
        return cast("S | None", states[kind])

    def may(self, operation: str) -> None:
        """Raise NotFound to who is no member or no rule, ScopeTooNarrow or Forbidden to who does not go so far."""
        needs = permissions.TABLE[operation]
        if needs.by_rule and self.actor.kind != "rule":
            raise NotFound
        member = self._member() if needs.role else None
        if not permissions.has_scope(self._scope, needs.scope):
            raise ScopeTooNarrow(needed=needs.scope)
        if needs.role and member and not permissions.has_role(member.role, needs.role):
            raise Forbidden(needed=needs.role)

    def number(self, project: UUID) -> int:
        """A task number of that project that nobody else gets: one in hand, or one of a block taken with this."""
        number = self._supply.in_hand.next(project)
        if number is not None:
            return number
        numbers = self(TaskNumbers, numbers_of(project)) or TaskNumbers()
        taken = self.taken.get(project, self._supply.coming)
        number = taken.next(project)
        if number is not None:
            return number
        first, last = numbers.last + 1, numbers.last + self._supply.block(project)
        self._write(numbers_of(project), TaskNumbersTaken(first, last))
        self.taken[project] = Numbers()
        self.taken[project].keep(project, range(first + 1, last + 1))
        return first

    def version(self, stream: UUID) -> int:
        """The version of a stream that was looked at, with what is written so far; 0 where it has not begun."""
        return self.leaves[stream].version

    def made_on(self, command: Command[Any]) -> int:
        """The version of the target that a wish was made on: the one it names, without what this call wrote."""
        return (command.expected_version or 0) - (self.version(self.target) - self.seen[self.target])

    def warn(self, warning: Refusal) -> None:
        """Keep it, with which command it is about."""
        self.warnings.append((self.made, warning))

    def make(self, wish: Wish) -> None:
        """Decide one more command; raises a Refusal, Late, or NotLoaded."""
        command, self.target = wish.command, wish.target
        state = self._about(command)
        if state is None and not (command.creates or command.begins):
            raise NotFound
        self._authorise(command, state)
        if command.creates and self.version(wish.target):
            raise IdTaken
        if getattr(state, "purged", False):
            raise Purged
        since, before = self._check_version(command), self.version(wish.target)
        for event in command.decide(state, self):
            if isinstance(event, Elsewhere):
                self._write(event.stream, event.event)
            elif since is None or not since.touches(event):
                self._write(wish.target, event)
        if before < self.version(wish.target) > MOST_EVENTS + command.past_the_end:
            raise StreamIsFull(most=MOST_EVENTS)
        self.made += 1

    def _about(self, command: Command[State]) -> State | None:
        """The state of the target. Whoever creates may take an unknown stream for one that has not begun."""
        if command.creates and self.target not in self.leaves and self._known.get(self.target) is None:
            self.seen[self.target], self.leaves[self.target] = 0, Known(states={command.about: None})
        return self(command.about, self.target)

    def _authorise(self, command: Command[State], state: State | None) -> None:
        before = self.workspace_id
        self.workspace_id = command.workspace(state, self)
        self.may(type(command).__name__)
        if self.made and before != self.workspace_id:
            raise CrossesWorkspaces

    def _member(self) -> Member:
        """What who asks is in the workspace; the append asserts it. Raises NotFound."""
        return present(self(Member, member_of(present(self.workspace_id), self.actor.person)))

    def _check_version(self, command: Command[State]) -> Since | None:
        """What others did since the version that is named, if anything, where the wish can be merged with it.

        All that a call says of one stream was made on one version.
        """
        if command.expected_version is None:
            if command.must_name_version:
                raise VersionRequired
            return None
        base, seen = self.made_on(command), self.seen[self.target]
        said = self._bases.setdefault(self.target, base)
        if base == said == seen:
            return None
        if self._contradicts(base, said):
            raise Contradicts(version=self.version(self.target))
        since = self._since and self._since.get(self.target)
        if since and (since.base, since.version) == (base, seen) and since.compare(command, self)[1]:
            return since
        raise Late(command, self)

    def _contradicts(self, base: int, said: int) -> bool:
        """Whether the version that is named cannot be the fault of others: this call wrote, or it names two."""
        seen = self.seen[self.target]
        wrote = self.version(self.target) != seen
        if self._since is None:
            return wrote
        return base != said or (wrote and not 0 <= base < seen)

    def _look(self, stream: UUID, kind: type[State]) -> Known:
        """The stream with what is written so far; from now on the append asserts it."""
        if stream not in self.leaves:
            known = self._known.get(stream)
            if known is None:
                raise NotLoaded(stream, kind)
            self.seen[stream], self.leaves[stream] = known.version, known
        return self.leaves[stream]

    def _write(self, stream: UUID, event: Event) -> None:
        self.leaves[stream] = self._look(stream, State).after(event)
        self.written.append((stream, event))
