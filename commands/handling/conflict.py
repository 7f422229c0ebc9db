"""A version conflict: a command made on an old version, refused with what others did since, or merged with it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from msgspec import Struct

from commands.command import Command, DecisionContext, OtherStreamEvent
from domain.column import ColumnTasks
from domain.errors import ColumnNotCounted, Refusal, VersionConflict
from domain.event import Actor, Event, RecordedEvent, State, changed_fields, fold
from domain.mention import PersonName
from domain.task import TaskStatus

S = TypeVar("S", bound=State)

MAX_INTERVENING_EVENTS = 50
"""The most intervening events in an answer."""


class Intervening(Struct, frozen=True):
    """What others did to a stream since the version that a request was made on: the versions, and the fields."""

    base_version: int
    base_state: State | None
    current_version: int
    changed_fields: frozenset[str]

    @classmethod
    def from_history(
        cls, state_type: type[State], history: Sequence[RecordedEvent], base_version: int
    ) -> "Intervening":
        """Taken from a whole history."""
        before = fold(state_type, (recorded.event for recorded in history[:base_version]))
        return cls(base_version, before, base_version, frozenset()).with_events(
            [recorded.event for recorded in history[base_version:]]
        )

    def with_events(self, events: Sequence[Event]) -> "Intervening":
        """The same with later events."""
        return Intervening(
            self.base_version,
            self.base_state,
            self.current_version + len(events),
            self.changed_fields | _changed_fields(events),
        )

    def overlaps(self, event: Event) -> bool:
        """Whether an event changes a field that others changed: a merge leaves such an event out."""
        return not self.changed_fields.isdisjoint(changed_fields(event))

    def compare(self, stale: "StaleCommand") -> tuple[list[str], bool]:
        """The fields that the command changes as well, and whether it can be merged.

        What a command changes is what it would have changed on the state that its author saw, after the earlier
        commands of the same call. A field that it leaves as seen, and others changed, stays as they left it. Of a
        command that a rule refuses even so, the fields that it names are compared.
        """
        state_type, context = stale.command.state_type, stale.context
        decided_on_base = stale.decide_on(fold(state_type, stale.own_events, self.base_state))
        decided_on_current = stale.decide_on(context(state_type, stale.stream))
        if decided_on_base is None:
            return sorted(stale.command.named_fields() & self.changed_fields), False
        if decided_on_current is None:
            return sorted(_changed_fields(_own_events(decided_on_base)) & self.changed_fields), False
        conflicting = sorted(_changed_fields(_own_events(decided_on_base)) & self.changed_fields)
        return conflicting, self.current_version > self.base_version and not conflicting and self._can_omit_overlap(
            decided_on_current
        )

    def can_merge(self, stale: "StaleCommand") -> bool:
        """Whether this is all that happened since the command was made, and it can be merged."""
        is_all = (self.base_version, self.current_version) == (stale.base_version, stale.current_version)
        return is_all and self.compare(stale)[1]

    def _can_omit_overlap(self, decided: Sequence[Event | OtherStreamEvent]) -> bool:
        """Whether the events that overlap can be left out, with nothing else that belongs to them."""
        left_out = [event for event in _own_events(decided) if self.overlaps(event)]
        return not left_out or (
            all(changed_fields(event) <= self.changed_fields for event in left_out)
            and not any(isinstance(event, OtherStreamEvent) for event in decided)
        )


class StaleCommand(Struct, frozen=True):
    """A command that names a version which its stream is not at, with the facts that its decision had.

    `own_events` are those of earlier commands of the same call on that stream.
    """

    stream: UUID
    command: Command[Any]
    base_version: int
    current_version: int
    own_events: Sequence[Event]
    context: DecisionContext
    workspace_id: UUID | None

    def refusal(self, **params: Any) -> VersionConflict:
        """The one refusal of a lost race; `params` add the intervening events once the history is read."""
        conflict = VersionConflict(
            f"You expected version {self.base_version}; the present version is {self.current_version}.",
            expected_version=self.base_version,
            current_version=self.current_version,
            **params,
        )
        conflict.stale_command, conflict.workspace_id = self, self.workspace_id
        return conflict

    def is_current(self, history: Sequence[RecordedEvent]) -> bool:
        """Whether the command was decided on the end of this history."""
        return self.current_version == (history[-1].version if history else 0)

    def intervening(self, history: Sequence[RecordedEvent]) -> Intervening:
        """What others did since the version that the command was made on."""
        return Intervening.from_history(self.command.state_type, history, self.base_version)

    def explained_refusal(self, history: Sequence[RecordedEvent]) -> VersionConflict:
        """The refusal with the intervening events, the fields that both sides changed, and the present state."""
        since = self.intervening(history)
        conflicting, possible = since.compare(self)
        return self.refusal(
            conflicting_fields=conflicting,
            rebase_possible=possible,
            intervening_events=history[since.base_version :][-MAX_INTERVENING_EVENTS:],
            current=fold(
                self.command.state_type, (one.event for one in history[since.base_version :]), since.base_state
            ),
        )

    def decide_on(self, state: State | None) -> list[Event | OtherStreamEvent] | None:
        """The events that the command would lead to on that state; None if a rule would refuse it."""
        try:
            return list(self.command.decide(state, Hypothetical(self.context)))
        except ColumnNotCounted:
            raise  # it is no rule that refuses: once the column is counted, this can be answered
        except Refusal:
            return None


class Hypothetical(Struct, frozen=True):
    """The context of a decision that is only tried out: it allocates no id, number or rank, and reports no warning."""

    context: DecisionContext

    @property
    def target(self) -> UUID:
        return self.context.target

    @property
    def actor(self) -> Actor:
        return self.context.actor

    def __call__(self, state_type: type[S], stream: UUID) -> S | None:
        return self.context(state_type, stream)

    def load_all(self, state_type: type[S], streams: Sequence[UUID]) -> list[S | None]:
        return self.context.load_all(state_type, streams)

    def require_permission(self, action: str) -> None:
        self.context.require_permission(action)

    @property
    def workspace_id(self) -> UUID | None:
        return self.context.workspace_id

    @property
    def new_events(self) -> Sequence[tuple[UUID, Event]]:
        return self.context.new_events

    @property
    def now(self) -> datetime:
        return self.context.now

    def new_id(self) -> UUID:
        return UUID(int=0)

    def new_rank(self, *, is_first: bool) -> str:
        del is_first
        return ""

    def allocate_task_number(self, project_id: UUID) -> int:
        del project_id
        return 0

    def column_tasks(self, project_id: UUID, column_id: str, status: TaskStatus | None = None) -> ColumnTasks:
        """None: whether a conflict is one depends on what others changed, not on what a read model counts."""
        del project_id, column_id, status
        return ColumnTasks()

    def board_tasks(self, project_id: UUID) -> ColumnTasks:
        """None, as above."""
        del project_id
        return ColumnTasks()

    def member_names(self, workspace_id: UUID) -> Mapping[UUID, PersonName]:
        """None, as above."""
        del workspace_id
        return {}

    def version(self, stream: UUID) -> int:
        return self.context.version(stream)

    def seen_version(self, stream: UUID) -> int:
        return self.context.seen_version(stream)

    def warn(self, warning: Refusal) -> None:
        """A hypothetical decision reports no warnings."""

    def report(self, report: Struct) -> None:
        """Nothing, as above."""


def _own_events(decided: Iterable[Event | OtherStreamEvent]) -> list[Event]:
    return [event for event in decided if not isinstance(event, OtherStreamEvent)]


def _changed_fields(events: Iterable[Event]) -> frozenset[str]:
    return frozenset(name for event in events for name in changed_fields(event))
