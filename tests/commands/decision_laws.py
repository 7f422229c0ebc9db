"""The laws of decisions: each is a check that fails if its law does not hold."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import chain, takewhile
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from hypothesis import strategies as st

from commands import permissions
from commands.access import AccessCommand
from commands.archive import ArchiveByRule, ArchiveDoneTasks, ArchiveTask, UnarchiveTask
from commands.column import ColumnSpec, CountColumn, SetColumns
from commands.command import Command
from commands.handling.command_on import CommandOn
from commands.handling.decision import Decision
from commands.handling.handler import CommandHandler
from commands.handling.idempotency import IdempotencyKey
from commands.handling.outcome import Committed, DryRunOutcome
from commands.handling.request import CommandRequest
from commands.handling.stream_cache import StreamState
from commands.instance import AppointAdministrator
from commands.project import RestoreProject
from commands.recurrence import SkipOccurrence
from commands.relation import RelateTask, UnrelateTask
from commands.subtask import SetParent
from commands.task import CompleteTask, CreateTask, EditTask, MoveTask
from commands.trash import PurgeTask, RestoreTask, TrashProject, TrashTask
from domain.column import DEFAULT_COLUMNS, ColumnCount, column_stream_id
from domain.custom_field import TaskFieldSet
from domain.errors import Forbidden, IdTaken, NotFound, Purged, Refusal, UnknownColumn, VersionConflict
from domain.event import Change, Event, State, changed_fields, fold
from domain.member import member_stream_id
from domain.planned_event import PlannedEvent
from domain.task import OccurrenceSkipped, Task, TaskCompleted
from tests.examples import (
    ADA,
    BOB,
    CAT,
    COMMAND_ID,
    COMPLETED,
    FIELDS_SET,
    OTHER_TASK,
    PROJECT,
    TASK,
    WORKSPACE,
    fixed_uuid7,
    member,
    project,
    task,
    user,
    workspace,
)
from tests.given import EventHistory, default_actor
from tests.in_memory_event_log import InMemoryEventLog
from tests.law import law
from tests.ranks import without_ranks
from tests.strategies import COMMAND_STRATEGIES, STATE_TYPES, command_sequences

OutcomeType = TypeVar("OutcomeType", Committed, DryRunOutcome)

_task_change_types: list[type[Command[Any]]] = [
    kind
    for kind in COMMAND_STRATEGIES
    if kind.state_type is Task and not kind.creates and kind not in {TrashTask, PurgeTask, ArchiveTask, ArchiveByRule}
]
_edits = st.one_of([COMMAND_STRATEGIES[kind] for kind in _task_change_types] + [COMMAND_STRATEGIES[EditTask]] * 2)
edits = st.lists(_edits.map(lambda command_on: command_on.command), max_size=3)
"""Edits of one task."""
on_command_sequences = law(command_sequences, examples=150)


class Step(msgspec.Struct, frozen=True):
    """One accepted command, with the histories before and after it."""

    before: EventHistory
    command_on: CommandOn
    decision: Decision
    after: EventHistory


@on_command_sequences
def repeating_a_command_changes_nothing(walk: list[CommandOn]) -> None:
    """Except that a skip is of what is due, that a recurrence which is set and completed at once has moved on, and
    that each record of access is of another time.
    """
    for step in accepted_steps(walk):
        if isinstance(step.command_on.command, SkipOccurrence | AccessCommand) or _sets_and_completes_series(step):
            continue
        again = at_current_version(step.command_on, step.after)
        try:
            written = step.after.decide(again).new_events
        except IdTaken:
            assert again.command.creates
        except (Forbidden, NotFound):
            assert gave_up_own_access(step) or target_was_deleted(step)
        except UnknownColumn:  # named by a name that it has lost
            assert isinstance(again.command, SetColumns)
        except Purged:
            assert type(again.command).__name__.startswith("Purge")
        else:
            assert written == []


@on_command_sequences
def deciding_is_deterministic(walk: list[CommandOn]) -> None:
    for step in accepted_steps(walk):
        again = step.before.decide(step.command_on)
        assert (again.new_events, again.read_versions) == (step.decision.new_events, step.decision.read_versions)


@on_command_sequences
def decided_states_equal_folded_states(walk: list[CommandOn]) -> None:
    for step in accepted_steps(walk):
        for stream in step.decision.read_versions:
            for kind in STATE_TYPES:
                assert step.decision(kind, stream) == fold(kind, step.after.events(stream))
            assert step.decision.version(stream) == step.after.version(stream)


@on_command_sequences
def an_event_records_the_value_it_replaced(walk: list[CommandOn]) -> None:
    """Every field that an event changes is a field of the state with the old value, or None before the first event."""
    for step in accepted_steps(walk):
        about, target = step.command_on.command.state_type, step.command_on.target
        history = step.before.events(target)
        for stream, event in step.decision.new_events:
            if stream == target:
                if not event.changes_part_of:
                    _assert_replaces(fold(about, history), event)
                history.append(event)


@on_command_sequences
def a_batch_equals_its_commands_one_by_one(walk: list[CommandOn]) -> None:
    """For commands of one workspace; those of other workspaces cannot share a batch, and are in the history.

    Commands of the rule actor cannot share a batch with those of users. Moves to the top or the bottom are left out:
    one by one, they have one command id here, and so one rank. So is ArchiveDoneTasks: in a batch it archives the tasks
    that were done before the batch.
    """
    walk = [one for one in walk if not isinstance(one.command, ArchiveDoneTasks)]
    walk = [one for one in walk if not (isinstance(one.command, MoveTask) and (one.command.top or one.command.bottom))]
    steps = list(takewhile(lambda step: default_actor(step.command_on) is ADA, accepted_steps(walk)))
    here = [step for step in steps if step.decision.workspace_id == WORKSPACE]
    elsewhere = [fact for step in steps if step not in here for fact in step.decision.new_events]
    one_by_one = [fact for step in here for fact in step.decision.new_events]
    before = EventHistory([*initial_history().facts, *elsewhere])
    assert without_ranks(before.decide(*(step.command_on for step in here)).new_events) == without_ranks(one_by_one)


@on_command_sequences
def every_loaded_stream_is_guarded_at_its_version(walk: list[CommandOn]) -> None:
    for step in accepted_steps(walk):
        watched = RecordingStreams(step.before)
        decision = Decision(watched, default_actor(step.command_on), options=step.before.options())
        decision.decide(step.command_on)
        assert decision.read_versions == {stream: step.before.version(stream) for stream in watched.loaded}
        assert {stream for stream, _ in decision.new_events} <= decision.read_versions.keys()


@on_command_sequences
def a_non_member_gets_not_found(walk: list[CommandOn]) -> None:
    """Only a member can find out that an object of a workspace exists, or write inside the workspace."""
    for step in accepted_steps(walk):
        if permissions.REQUIRED_PERMISSIONS[type(step.command_on.command).__name__].role:
            try:
                written = step.after.decide(at_current_version(step.command_on, step.after), actor=BOB).new_events
            except NotFound:
                continue
            except Refusal as refusal:
                raise AssertionError(f"a non-member got {refusal.code()}") from refusal
            raise AssertionError(f"a non-member wrote {written}")


@law(command_sequences, examples=50)
def a_dry_run_predicts_the_write_and_writes_nothing(walk: list[CommandOn]) -> None:
    asyncio.run(_dry_run_then_commit(walk))


async def _dry_run_then_commit(walk: list[CommandOn]) -> None:
    log = InMemoryEventLog(initial_history().facts)
    handling, key = CommandHandler(log), [IdempotencyKey("mine", b"")]
    for drawn in walk:
        command_on, before = at_current_version(drawn, log.history), list(log.history.facts)
        tried = await _outcome(
            handling.dry_run, CommandRequest([command_on], default_actor(command_on), COMMAND_ID, key)
        )
        assert (log.history.facts, log.outcomes_by_key) == (before, {})
        done = await _outcome(handling.handle, CommandRequest([command_on], default_actor(command_on), COMMAND_ID))
        if isinstance(done, Committed):
            assert isinstance(tried, DryRunOutcome), tried
            assert tried.planned_events == _expected_dry_run_events(log.history, len(before))
        else:
            assert (type(tried), str(tried)) == (type(done), str(done))


@law(edits, edits, examples=500)
def a_rebase_merges_different_fields_only(theirs: list[Command[Task]], mine: list[Command[Task]]) -> None:
    """The commands of one call expect the versions that the commands before them leave; meanwhile others are stored."""
    seen, accepted = _decide_in_turn(initial_history(), mine)
    there, _ = _decide_in_turn(initial_history(), theirs)
    ours, others = (_changed_fields(past) for past in (seen, there))
    log = InMemoryEventLog(there.facts)
    answer = asyncio.run(
        _outcome(CommandHandler(log).handle, CommandRequest(accepted, ADA, COMMAND_ID, can_rebase=True))
    )
    if _leaves_a_graph(accepted, others - ours):
        return
    if ours & others or (_events_of(seen, TaskCompleted) and _task(there).recurrence is not None):
        assert isinstance(answer, VersionConflict), answer
        assert set(answer.params["conflicting_fields"]) <= ours & others
        assert log.history.facts == there.facts
    else:
        assert isinstance(answer, Committed), answer
        wanted = fold(Task, seen.events(TASK))
        changed = {name: getattr(wanted, name) for name in ours & set(Task.__struct_fields__)}
        found = _task(log.history)
        changed |= {name: getattr(found, name) for name in _dependent_fields(seen)}
        merged = msgspec.structs.replace(_task(there), **changed, fields=_merged_fields(there, seen, ours))
        assert _without_item_ids(found) == _without_item_ids(merged)
        assert log.history.version(TASK) == there.version(TASK) + seen.version(TASK) - initial_history().version(TASK)


def initial_history() -> EventHistory:
    """Ada's and Cat's workspace with a project, an open task and a completed one; Bob is not a member."""
    done = task(COMPLETED, task_id=OTHER_TASK, number=2)
    fields = [(PROJECT, FIELDS_SET)]
    return EventHistory([*user(), *workspace(), *member(CAT), *project(), *fields, *task(), *done])


def accepted_steps(walk: Sequence[CommandOn]) -> Iterator[Step]:
    """Each of Ada's commands that was accepted, in order."""
    before = initial_history()
    for drawn in walk:
        command_on = at_current_version(drawn, before)
        try:
            decision = before.decide(command_on)
        except Refusal:
            continue
        after = EventHistory([*before.facts, *decision.new_events])
        yield Step(before, command_on, decision, after)
        before = after


def gave_up_own_access(step: Step) -> bool:
    """Whether Ada's command removed the membership or role that it required, or handed the administration over."""
    if isinstance(step.command_on.command, AppointAdministrator):
        return True
    here = member_stream_id(step.decision.workspace_id or WORKSPACE, ADA.id)
    return step.after.version(here) > step.before.version(here)


def target_was_deleted(step: Step) -> bool:
    """Whether the command deleted its target."""
    return fold(step.command_on.command.state_type, step.after.events(step.command_on.target)) is None


def at_current_version(command_on: CommandOn, history: EventHistory) -> CommandOn:
    """The command, expecting the current version."""
    command = msgspec.structs.replace(command_on.command, expected_version=history.version(command_on.target))
    return CommandOn(command_on.target, command)


def _decide_in_turn(start: EventHistory, commands: list[Command[Task]]) -> tuple[EventHistory, list[CommandOn]]:
    """The history after the accepted commands of one request; and these, each with the version that it expects."""
    past, accepted = start, list[CommandOn]()
    for command in commands:
        wanted = [*accepted, at_current_version(CommandOn(TASK, command), past)]
        try:
            past = EventHistory([*start.facts, *start.decide(*wanted).new_events])
        except Refusal:
            continue
        accepted = wanted
    return past, accepted


def _leaves_a_graph(accepted: list[CommandOn], changed_by_others: set[str] | frozenset[str]) -> bool:
    """Whether a command leaves a parent or relation as seen that others changed: it writes to other streams then.

    Such a command is a conflict; with others that left it too, it is none.
    """
    of_graphs = [one.command for one in accepted if isinstance(one.command, SetParent | RelateTask | UnrelateTask)]
    return any(command.changed_fields & changed_by_others for command in of_graphs)


def _without_item_ids(task: Task) -> Task:
    """An id that is made for an item depends on the version that the command is decided on."""
    items = tuple(msgspec.structs.replace(item, id=TASK) for item in task.checklist)
    return msgspec.structs.replace(task, checklist=items)


def _dependent_fields(past: EventHistory) -> set[str]:
    """The fields whose values depend on other fields, or on the version that the command is decided on."""
    completed = {"completed_from", "next"} if _events_of(past, TaskCompleted) else set()
    return completed | ({"due", "start", "recurrence"} if _events_of(past, OccurrenceSkipped) else set())


def _events_of(past: EventHistory, kind: type[Event]) -> list[Event]:
    """The events of that type since the start."""
    return [event for event in past.events(TASK)[initial_history().version(TASK) :] if isinstance(event, kind)]


def _sets_and_completes_series(step: Step) -> bool:
    command = step.command_on.command
    completed = (event for _, event in step.decision.new_events if isinstance(event, TaskCompleted))
    return isinstance(command, EditTask) and bool(command.recurrence) and any(one.recurrence.old for one in completed)


def _merged_fields(there: EventHistory, seen: EventHistory, ours: set[str]) -> dict[str, object]:
    """The custom fields of the task that others left, and ours where we changed them."""
    mine = {key for name in ours if (key := name.removeprefix("fields.")) != name}
    theirs = {key: value for key, value in _task(there).fields.items() if key not in mine}
    return {**theirs, **{key: value for key, value in _task(seen).fields.items() if key in mine}}


def _changed_fields(past: EventHistory) -> set[str]:
    """The fields of the task that changed since the start."""
    return {name for event in past.events(TASK)[initial_history().version(TASK) :] for name in changed_fields(event)}


def _task(past: EventHistory) -> Task:
    task = fold(Task, past.events(TASK))
    assert task is not None
    return task


async def _outcome(
    handle: Callable[[CommandRequest], Awaitable[OutcomeType]], order: CommandRequest
) -> OutcomeType | Refusal:
    try:
        return await handle(order)
    except Refusal as refusal:
        return refusal


def _expected_dry_run_events(past: EventHistory, after: int) -> tuple[PlannedEvent, ...]:
    """The events of the log after a position, as a dry run plans them."""
    found = sorted((one for history in past.streams.values() for one in history), key=lambda one: one.position)
    return tuple(
        PlannedEvent(
            one.stream,
            type(one.event).__name__,
            one.version,
            {name: value for name, value in msgspec.to_builtins(one.event).items() if name != "type"},
        )
        for one in found
        if one.position > after
    )


def _assert_replaces(state: State | None, event: Event) -> None:
    if isinstance(event, TaskFieldSet):
        assert isinstance(state, Task)
        assert event.value.old == state.fields.get(str(event.field_id))
        return
    for name, value in msgspec.structs.asdict(event).items():
        if isinstance(value, Change):
            assert value.old == (getattr(state, name) if state else None)


class RecordingStreams:
    """All streams of a history; records those that are loaded."""

    def __init__(self, past: EventHistory) -> None:
        self.loaded: set[UUID] = set()
        self._history = past

    def get(self, stream: UUID) -> StreamState:
        self.loaded.add(stream)
        return self._history.get(stream)


_tasks = st.sampled_from([TASK, OTHER_TASK, fixed_uuid7(33), fixed_uuid7(34)])
_columns = st.sampled_from(["todo", "doing", "done"])
_COUNTED_CHANGES = (CompleteTask, TrashTask, RestoreTask, PurgeTask, ArchiveTask, UnarchiveTask)
_count_steps = st.one_of(
    st.builds(
        CommandOn, _tasks, st.builds(CreateTask, project_id=st.just(PROJECT), title=st.just("x"), column=_columns)
    ),
    *(st.builds(CommandOn, _tasks, st.builds(MoveTask, column=_columns)) for _ in range(3)),
    *(st.builds(CommandOn, _tasks, st.just(kind())) for kind in _COUNTED_CHANGES),
    st.just(CommandOn(PROJECT, ArchiveDoneTasks(column="done"))),
    st.builds(CommandOn, st.just(PROJECT), COMMAND_STRATEGIES[SetColumns].map(lambda command_on: command_on.command)),
    st.builds(CommandOn, st.just(PROJECT), st.sampled_from([TrashProject(), RestoreProject()])),
    *(st.tuples(st.sampled_from(["look", "count"]), _columns) for _ in range(4)),
)
"""A command; or a read of a column's task count, or a CountColumn with the count last read."""


_new_tasks = st.integers(1_000, 99_999).map(fixed_uuid7)


@st.composite
def _stale_counts(draw: st.DrawFn) -> list[CommandOn | tuple[str, str]]:
    """A column's count is read, a task enters the column, and the stale count is recorded."""
    column = draw(_columns)
    create = CreateTask(project_id=PROJECT, title="x", column=column)
    return [("look", column), CommandOn(draw(_new_tasks), create), ("count", column)]


_count_stories = st.lists(_count_steps.map(lambda step: [step]) | _stale_counts(), min_size=3, max_size=16).map(
    lambda parts: list(chain.from_iterable(parts))
)
_SET_LIMITS = SetColumns(columns=tuple(ColumnSpec(name=column.name, wip_limit=2) for column in DEFAULT_COLUMNS))


@law(_count_stories, examples=200)
def a_column_count_equals_the_fold(steps: list[CommandOn | tuple[str, str]]) -> None:
    past, pending_counts = EventHistory([*workspace(), *project()]), dict[str, CountColumn]()
    for step in [CommandOn(PROJECT, _SET_LIMITS), *steps]:
        if isinstance(step, tuple) and step[0] == "look":
            tasks, seen = task_count_in_column(past, step[1]), past.version(column_stream_id(PROJECT, step[1]))
            pending_counts[step[1]] = CountColumn(column=step[1], tasks=tasks, seen=seen)
            continue
        command_on = (
            step if isinstance(step, CommandOn) else CommandOn(PROJECT, pending_counts.get(step[1], CompleteTask()))
        )
        try:
            past.append(past.decide(at_current_version(command_on, past)).new_events)
        except Refusal:
            continue
        for column in ("todo", "doing", "done"):
            count = fold(ColumnCount, past.events(column_stream_id(PROJECT, column)))
            actual = task_count_in_column(past, column)
            assert count is None or count.tasks in {None, actual}, f"{column} has {actual} tasks, counted {count}"


def task_count_in_column(past: EventHistory, column: str) -> int:
    """The number of tasks in a column, by folding every task."""
    found = [fold(Task, past.events(stream)) for stream in past.streams]
    return sum(task is not None and task.column == column and task.is_on_board for task in found)
