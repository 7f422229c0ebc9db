"""A decision: what a command was given, what it looked at, and the events that it came to."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

from msgspec import Struct

from commands.command import Command, Elsewhere
from commands.conflict import version_conflict
from domain.errors import CrossesWorkspaces, Forbidden, IdTaken, NotFound, VersionRequired
from domain.event import Actor, Event, Recorded, State, fold
from domain.workspace import Member, member_of

S = TypeVar("S", bound=State)
Streams = Mapping[UUID, Sequence[Recorded]]


class Wish(Struct, frozen=True):
    """A command and the stream that it is about."""

    target: UUID
    command: Command[Any]


class NotLoaded(Exception):
    """The decision needs a stream that has not been read yet: read it and decide again."""

    def __init__(self, stream: UUID, kind: type[State]) -> None:
        super().__init__(stream)
        self.stream = stream
        self.kind = kind


class Decision:
    """Commands decided one after the other, each on the states that those before it leave.

    `seen` holds every stream looked at with the version it was at: the append asserts them all, so a
    rule that asked for a state cannot forget to guard it. Deciding is pure and can be done again.
    """

    def __init__(self, streams: Streams, actor: Actor) -> None:
        self.actor = actor
        self.target = actor.id
        self.workspace_id: UUID | None = None
        self.seen: dict[UUID, int] = {}
        self.written: list[tuple[UUID, Event]] = []
        self._streams = streams

    def __call__(self, kind: type[S], stream: UUID) -> S | None:
        return fold(kind, self._look(kind, stream))

    def version(self, stream: UUID) -> int:
        """The version of a stream that was looked at, with what is written so far; 0 where it has not begun."""
        return self.seen[stream] + len(self._written_to(stream))

    def make(self, wish: Wish) -> None:
        """Decide one more command; raises a Refusal, or NotLoaded."""
        command, self.target = wish.command, wish.target
        state = self(command.about, wish.target)
        if state is None and not command.creates:
            raise NotFound
        self._authorise(command, state)
        if command.creates and self.version(wish.target):
            raise IdTaken
        self._check_version(command)
        for event in command.decide(state, self):
            if isinstance(event, Elsewhere):
                self._look(State, event.stream)
                self.written.append((event.stream, event.event))
            else:
                self.written.append((wish.target, event))

    def _authorise(self, command: Command[State], state: State | None) -> None:
        workspace_id = command.workspace(state, self)
        if workspace_id and command.members_only:
            member = self(Member, member_of(workspace_id, self.actor.id))
            if member is None:
                raise NotFound
            if member.role == "viewer":
                raise Forbidden
        if self.workspace_id not in {None, workspace_id}:
            raise CrossesWorkspaces
        self.workspace_id = workspace_id

    def _check_version(self, command: Command[State]) -> None:
        if command.expected_version is None:
            if command.must_name_version:
                raise VersionRequired
        elif command.expected_version != self.version(self.target):
            raise version_conflict(self._streams[self.target], self.version(self.target), command, self)

    def _look(self, kind: type[State], stream: UUID) -> list[Event]:
        """The events of a stream with what is written so far; from now on the append asserts it."""
        if stream not in self._streams:
            raise NotLoaded(stream, kind)
        history = self._streams[stream]
        self.seen[stream] = history[-1].version if history else 0
        return [recorded.event for recorded in history] + self._written_to(stream)

    def _written_to(self, stream: UUID) -> list[Event]:
        return [event for at, event in self.written if at == stream]
