"""A lost race: told to the loser, or merged with what others did where both changed different fields."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from msgspec import Struct

from commands.command import Command, Elsewhere
from domain.errors import ColumnNotCounted, Refusal, VersionConflict
from domain.event import Actor, Event, Recorded, State, changes, fold

if TYPE_CHECKING:
    from commands.handling.decision import Decision

S = TypeVar("S", bound=State)

SHOWN = 50
"""The most intervening events that an answer carries."""


class Since(Struct, frozen=True):
    """What others did to a stream since the version that a call was made on: from when to when, and to which fields."""

    base: int
    before: State | None
    version: int
    fields: frozenset[str]

    @classmethod
    def of(cls, kind: type[State], history: Sequence[Recorded], base: int) -> "Since":
        """What a whole history says of it."""
        before = fold(kind, (recorded.event for recorded in history[:base]))
        return cls(base, before, base, frozenset()).then([recorded.event for recorded in history[base:]])

    def then(self, events: Sequence[Event]) -> "Since":
        """The same with what they did next."""
        return Since(self.base, self.before, self.version + len(events), self.fields | _fields(events))

    def touches(self, event: Event) -> bool:
        """Whether it changes what they changed: a wish that is merged leaves that alone."""
        return not self.fields.isdisjoint(changes(event))

    def compare(self, command: Command[Any], given: "Decision") -> tuple[list[str], bool]:
        """The fields that a wish changes as well, and whether it can be merged.

        What a wish changes is what it would have changed on what its author saw, with the wishes of the same
        call before it. A field that it leaves as it was seen, and others changed, stays as they left it.
        """
        own = [event for stream, event in given.written if stream == given.target]
        then = _decided(fold(command.about, own, self.before), command, given)
        now = _decided(given(command.about, given.target), command, given)
        if then is None or now is None:
            return sorted(_fields(_here(then or ())) & self.fields), False
        conflicting = sorted(_fields(_here(then)) & self.fields)
        return conflicting, self.version > self.base and not conflicting and self._can_be_parted(now)

    def _can_be_parted(self, decided: Sequence[Event | Elsewhere]) -> bool:
        """Whether what is to be left alone can be left out, with nothing else that belongs to it."""
        left_out = [event for event in _here(decided) if self.touches(event)]
        return not left_out or (
            all(changes(event).keys() <= self.fields for event in left_out)
            and not any(isinstance(event, Elsewhere) for event in decided)
        )


class Late(Exception):
    """The wish names a version that the stream is not at: the history says what happened in between."""

    place: int = 0

    def __init__(self, command: Command[Any], decision: "Decision") -> None:
        super().__init__(decision.target)
        self.stream = decision.target
        self._command, self._given = command, decision

    def is_about(self, history: Sequence[Recorded]) -> bool:
        """Whether the decision was on the end of this history."""
        return self._given.seen[self.stream] == (history[-1].version if history else 0)

    def since(self, history: Sequence[Recorded]) -> Since:
        """What others did since the version that the wish was made on."""
        return Since.of(self._command.about, history, self._given.made_on(self._command))

    def told(self, history: Sequence[Recorded]) -> VersionConflict:
        """The refusal, with the events since, the fields both sides changed, and the present state."""
        since = self.since(history)
        conflicting, possible = since.compare(self._command, self._given)
        version = self._given.seen[self.stream]
        conflict = VersionConflict(
            f"You expected version {since.base}; the present version is {version}.",
            expected_version=since.base,
            current_version=version,
            conflicting_fields=conflicting,
            rebase_possible=possible,
            intervening_events=history[since.base :][-SHOWN:],
            current=fold(self._command.about, (one.event for one in history[since.base :]), since.before),
        )
        conflict.place, conflict.workspace_id = self.place, self._given.workspace_id
        return conflict


class Imagined(Struct, frozen=True):
    """A decision that is asked what it would come to: it takes no number."""

    decision: "Decision"

    @property
    def target(self) -> UUID:
        return self.decision.target

    @property
    def actor(self) -> Actor:
        return self.decision.actor

    def __call__(self, kind: type[S], stream: UUID) -> S | None:
        return self.decision(kind, stream)

    def may(self, operation: str) -> None:
        self.decision.may(operation)

    def number(self, project: UUID) -> int:
        del project
        return 0

    def version(self, stream: UUID) -> int:
        return self.decision.version(stream)

    def warn(self, warning: Refusal) -> None:
        """Nobody is to hear of what is only imagined."""


def _decided(state: State | None, command: Command[Any], given: "Decision") -> list[Event | Elsewhere] | None:
    """What the command would come to on that state; None where a rule would say no."""
    try:
        return list(command.decide(state, Imagined(given)))
    except ColumnNotCounted:
        raise  # it is no rule that says no: once it is counted, this can be answered
    except Refusal:
        return None


def _here(decided: Iterable[Event | Elsewhere]) -> list[Event]:
    return [event for event in decided if not isinstance(event, Elsewhere)]


def _fields(events: Iterable[Event]) -> frozenset[str]:
    return frozenset(name for event in events for name in changes(event))
