"""A lost race: told to the loser, or merged with what others did where both changed different fields."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from msgspec import Struct

from commands.command import Command, OtherStreamEvent
from domain.errors import ColumnNotCounted, Refusal, VersionConflict
from domain.event import Actor, Event, RecordedEvent, State, changes, fold

if TYPE_CHECKING:
    from commands.handling.decision import Decision

S = TypeVar("S", bound=State)

MAX_INTERVENING_EVENTS = 50
"""The most intervening events that an answer carries."""


class Intervening(Struct, frozen=True):
    """What others did to a stream since the version that a call was made on: from when to when, and to which fields."""

    base_version: int
    base_state: State | None
    current_version: int
    changed_fields: frozenset[str]

    @classmethod
    def from_history(
        cls, state_type: type[State], history: Sequence[RecordedEvent], base_version: int
    ) -> "Intervening":
        """What a whole history says of it."""
        before = fold(state_type, (recorded.event for recorded in history[:base_version]))
        return cls(base_version, before, base_version, frozenset()).with_events(
            [recorded.event for recorded in history[base_version:]]
        )

    def with_events(self, events: Sequence[Event]) -> "Intervening":
        """The same with what they did next."""
        return Intervening(
            self.base_version,
            self.base_state,
            self.current_version + len(events),
            self.changed_fields | _changed_fields(events),
        )

    def overlaps(self, event: Event) -> bool:
        """Whether it changes what they changed: a wish that is merged leaves that alone."""
        return not self.changed_fields.isdisjoint(changes(event))

    def compare(self, command: Command[Any], decision: "Decision") -> tuple[list[str], bool]:
        """The fields that a wish changes as well, and whether it can be merged.

        What a wish changes is what it would have changed on what its author saw, with the wishes of the same
        call before it. A field that it leaves as it was seen, and others changed, stays as they left it.
        """
        own = [event for stream, event in decision.new_events if stream == decision.target]
        decided_on_base = _decide_hypothetically(fold(command.state_type, own, self.base_state), command, decision)
        decided_on_current = _decide_hypothetically(decision(command.state_type, decision.target), command, decision)
        if decided_on_base is None or decided_on_current is None:
            return sorted(_changed_fields(_own_events(decided_on_base or ())) & self.changed_fields), False
        conflicting = sorted(_changed_fields(_own_events(decided_on_base)) & self.changed_fields)
        return conflicting, self.current_version > self.base_version and not conflicting and self._can_omit_overlap(
            decided_on_current
        )

    def _can_omit_overlap(self, decided: Sequence[Event | OtherStreamEvent]) -> bool:
        """Whether what is to be left alone can be left out, with nothing else that belongs to it."""
        left_out = [event for event in _own_events(decided) if self.overlaps(event)]
        return not left_out or (
            all(changes(event).keys() <= self.changed_fields for event in left_out)
            and not any(isinstance(event, OtherStreamEvent) for event in decided)
        )


class StaleVersion(Exception):
    """The wish names a version that the stream is not at: the history says what happened in between."""

    command_index: int = 0

    def __init__(self, command: Command[Any], decision: "Decision") -> None:
        super().__init__(decision.target)
        self.stream = decision.target
        self._command, self._decision = command, decision

    def ends_history(self, history: Sequence[RecordedEvent]) -> bool:
        """Whether the decision was on the end of this history."""
        return self._decision.read_versions[self.stream] == (history[-1].version if history else 0)

    def intervening(self, history: Sequence[RecordedEvent]) -> Intervening:
        """What others did since the version that the wish was made on."""
        return Intervening.from_history(self._command.state_type, history, self._decision.base_version(self._command))

    def to_conflict(self, history: Sequence[RecordedEvent]) -> VersionConflict:
        """The refusal, with the events since, the fields both sides changed, and the present state."""
        since = self.intervening(history)
        conflicting, possible = since.compare(self._command, self._decision)
        version = self._decision.read_versions[self.stream]
        conflict = VersionConflict(
            f"You expected version {since.base_version}; the present version is {version}.",
            expected_version=since.base_version,
            current_version=version,
            conflicting_fields=conflicting,
            rebase_possible=possible,
            intervening_events=history[since.base_version :][-MAX_INTERVENING_EVENTS:],
            current=fold(
                self._command.state_type, (one.event for one in history[since.base_version :]), since.base_state
            ),
        )
        conflict.command_index, conflict.workspace_id = self.command_index, self._decision.workspace_id
        return conflict


class Hypothetical(Struct, frozen=True):
    """A decision that is asked what it would come to: it takes no number."""

    decision: "Decision"

    @property
    def target(self) -> UUID:
        return self.decision.target

    @property
    def actor(self) -> Actor:
        return self.decision.actor

    def __call__(self, state_type: type[S], stream: UUID) -> S | None:
        return self.decision(state_type, stream)

    def require_permission(self, action: str) -> None:
        self.decision.require_permission(action)

    def allocate_task_number(self, project_id: UUID) -> int:
        del project_id
        return 0

    def version(self, stream: UUID) -> int:
        return self.decision.version(stream)

    def warn(self, warning: Refusal) -> None:
        """Nobody is to hear of what is only imagined."""


def _decide_hypothetically(
    state: State | None, command: Command[Any], decision: "Decision"
) -> list[Event | OtherStreamEvent] | None:
    """What the command would come to on that state; None where a rule would say no."""
    try:
        return list(command.decide(state, Hypothetical(decision)))
    except ColumnNotCounted:
        raise  # it is no rule that says no: once it is counted, this can be answered
    except Refusal:
        return None


def _own_events(decided: Iterable[Event | OtherStreamEvent]) -> list[Event]:
    return [event for event in decided if not isinstance(event, OtherStreamEvent)]


def _changed_fields(events: Iterable[Event]) -> frozenset[str]:
    return frozenset(name for event in events for name in changes(event))
