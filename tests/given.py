"""Given a history, when a user sends commands, then expect events, a refusal, or nothing.

given(workspace(), project(), task()).when(CompleteTask()).then(COMPLETED)
given(workspace(), project(), task(TRASHED)).when(CompleteTask()).then_refused(TaskIsTrashed)
given(workspace(), project(), task(COMPLETED)).when(CompleteTask()).then_nothing()
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar, cast
from uuid import UUID

from commands import permissions
from commands.command import Command, OtherStreamEvent
from commands.handling.column_tasks import ColumnTasksKey
from commands.handling.command_on import CommandOn
from commands.handling.decision import Decision
from commands.handling.decision_options import DecisionOptions
from commands.handling.stream_cache import StreamState
from domain.attachment import Attachment
from domain.column import ColumnTasks
from domain.comment import Comment
from domain.errors import Refusal, VersionConflict
from domain.event import Actor, Event, RecordedEvent, State, fold
from domain.instance import INSTANCE_STREAM_ID, RULE_ACTOR, Instance
from domain.invitation import Invitation
from domain.label import Label, label_stream_id
from domain.mention import PersonName
from domain.project import Project
from domain.proposal import Proposal
from domain.saved_filter import SavedFilter
from domain.task import Task
from domain.time_entry import TimeEntry
from domain.user import User
from domain.watch import ProjectWatch, TaskWatch
from domain.workspace import Workspace
from tests.examples import (
    ADA,
    ATTACHMENT,
    COMMAND_ID,
    COMMENT,
    INVITATION,
    PROJECT,
    PROJECT_WATCH,
    PROPOSAL,
    SAVED_FILTER,
    TASK,
    TASK_WATCH,
    TIME_ENTRY,
    WORKSPACE,
    Fact,
    Facts,
)
from tests.ranks import without_ranks

R = TypeVar("R", bound=Refusal)

OCCURRED_AT = datetime(2026, 1, 1, tzinfo=UTC)
DEFAULT_TARGETS: dict[type[State], UUID] = {
    Task: TASK,
    Project: PROJECT,
    Workspace: WORKSPACE,
    User: ADA.id,
    Instance: INSTANCE_STREAM_ID,
    Invitation: INVITATION,
    Label: label_stream_id(WORKSPACE, "shop"),
    SavedFilter: SAVED_FILTER,
    Proposal: PROPOSAL,
    Comment: COMMENT,
    Attachment: ATTACHMENT,
    TimeEntry: TIME_ENTRY,
    TaskWatch: TASK_WATCH,
    ProjectWatch: PROJECT_WATCH,
}


class EventHistory:
    """Events, in the order of the log."""

    def __init__(self, facts: Iterable[Fact] = ()) -> None:
        self.facts: Facts = []
        self.streams: dict[UUID, list[RecordedEvent]] = {}
        self.append(facts)

    def append(self, facts: Iterable[Fact], actor: Actor = ADA, command_id: UUID = COMMAND_ID) -> int:
        """Append events, and return the position of the last."""
        for stream, event in facts:
            self.facts.append((stream, event))
            history = self.streams.setdefault(stream, [])
            position, version = len(self.facts), len(history) + 1
            history.append(
                RecordedEvent(position, stream, version, event, actor, command_id, None, OCCURRED_AT, OCCURRED_AT)
            )
        return len(self.facts)

    def options(self) -> DecisionOptions:
        """What a request brings to a decision on this history: the tasks of every column, the names of every user."""
        return DecisionOptions(
            column_tasks=TasksByColumn(self), command_id=COMMAND_ID, member_names=NamesByWorkspace(self)
        )

    def version(self, stream: UUID) -> int:
        return len(self.streams.get(stream, ()))

    def events(self, stream: UUID) -> list[Event]:
        return [recorded.event for recorded in self.streams.get(stream, ())]

    def decide(self, *commands: CommandOn, actor: Actor | None = None) -> Decision:
        """The decision on these commands; raises the Refusal of the rule that they break."""
        decision = Decision(self, actor or default_actor(*commands), options=self.options())
        try:
            for command in commands:
                decision.decide(command)
        except VersionConflict as late:
            stale = late.stale_command
            raise stale.explained_refusal(self.streams.get(stale.stream, ())) from late
        return decision

    def get(self, stream: UUID) -> StreamState:
        """The state of a stream, of every type."""
        return StreamState.from_history(self.streams.get(stream, ()), State.__subclasses__())


class TasksByColumn(dict[ColumnTasksKey, ColumnTasks]):
    """The tasks in each column, folded from a history."""

    def __init__(self, history: EventHistory) -> None:
        super().__init__()
        self._history = history

    def __missing__(self, key: ColumnTasksKey) -> ColumnTasks:
        folded = ((stream, fold(Task, self._history.events(stream))) for stream in self._history.streams)
        ids = tuple(
            stream
            for stream, task in folded
            if task
            and task.is_on_board
            and task.project_id == key.project_id
            and key.column_id in {None, task.column}
            and key.status in {None, task.status}
        )
        return ColumnTasks(len(ids), ids)


class NamesByWorkspace(dict[UUID, Mapping[UUID, PersonName]]):
    """The names of all users in a history, for each workspace: a read model may name one who is no member."""

    def __init__(self, history: EventHistory) -> None:
        super().__init__()
        self._history = history

    def __missing__(self, workspace_id: UUID) -> Mapping[UUID, PersonName]:
        folded = ((stream, fold(User, self._history.events(stream))) for stream in self._history.streams)
        return {stream: PersonName(user.name, user.email) for stream, user in folded if user}


class When:
    """Commands on a history, and the checks of their outcome."""

    def __init__(self, history: EventHistory, commands: Sequence[CommandOn], actor: Actor | None) -> None:
        self._history, self._commands, self._actor = history, commands, actor

    def then(self, *expected: Event | OtherStreamEvent) -> None:
        """Expect exactly these events in this order; a bare event belongs to the first command's target.

        Whatever their ranks: tests of those look at the decision.
        """
        target = self._commands[0].target
        facts = [(one.stream, one.event) if isinstance(one, OtherStreamEvent) else (target, one) for one in expected]
        outcome = self._outcome()
        assert not isinstance(outcome, Refusal), outcome
        assert without_ranks(outcome) == without_ranks(facts)

    def decision(self) -> Decision:
        """The decision itself; raises the Refusal of the rule that was broken."""
        return self._history.decide(*self._commands, actor=self._actor)

    def then_nothing(self) -> None:
        self.then()

    def then_refused(self, refusal: type[R], **params: object) -> R:
        """Expect this refusal, with at least these params, and return it for further checks."""
        answer = self._outcome()
        assert isinstance(answer, refusal), answer
        assert {name: answer.params.get(name) for name in params} == params
        return answer

    def _outcome(self) -> Refusal | Facts:
        try:
            return self._history.decide(*self._commands, actor=self._actor).new_events
        except Refusal as refusal:
            return refusal


class Given:
    def __init__(self, history: EventHistory) -> None:
        self._history = history

    def when(self, *commands: Command[Any], on: UUID | None = None, actor: Actor | None = None) -> When:
        """Commands of one call; the default target is the canonical example of the command's state type."""
        targeted = [CommandOn(on or DEFAULT_TARGETS[command.state_type], command) for command in commands]
        return When(self._history, targeted, actor)


def default_actor(*commands: CommandOn) -> Actor:
    """The default actor: the example user, or the rule actor for commands that only a rule may send."""
    return (
        RULE_ACTOR
        if any(permissions.REQUIRED_PERMISSIONS[type(one.command).__name__].rule_only for one in commands)
        else ADA
    )


def given(*histories: Iterable[Fact]) -> Given:
    return Given(EventHistory(fact for history in histories for fact in history))


def intervening_events(conflict: Refusal) -> list[Event]:
    """The events that a version conflict reports."""
    return [recorded.event for recorded in cast("Sequence[RecordedEvent]", conflict.params["intervening_events"])]
