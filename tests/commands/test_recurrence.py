"""Recurring tasks: completing one creates the next, skipping moves it, and the series ends."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from commands.column import ColumnSpec, SetColumns
from commands.command import Command
from commands.handling import results
from commands.handling.command_ids import time_of
from commands.handling.command_on import CommandOn
from commands.recurrence import RecurrenceSpec, SkipOccurrence
from commands.task import CompleteTask, CreateTask, EditTask, MoveTask, ReopenTask
from commands.trash import RestoreTask
from domain.checklist import ChecklistSet
from domain.column import DEFAULT_COLUMNS, NEW_BOARD_COLUMNS, Column, ColumnCounted, column_stream_id
from domain.errors import (
    ColumnIsFull,
    InvalidRecurrenceRule,
    RecurrenceNeedsDue,
    RecurrenceNeverOccurs,
    SeriesIsOver,
    TaskDoesNotRecur,
    TaskIsTrashed,
)
from domain.event import Change, Event
from domain.project import ColumnsSet, WipPolicy
from domain.recurrence import Recurrence
from domain.subtask import SubtaskCount, SubtaskPlaced, TaskParentSet, tree_stream_id
from domain.task import (
    DueDateSet,
    NextTask,
    OccurrenceSkipped,
    RecurrenceSet,
    StartDateSet,
    TaskAssigned,
    TaskCompleted,
    TaskCreated,
    TaskLabelled,
    TaskMoved,
    TaskZoneSet,
)
from domain.workspace import WorkspaceZoneSet
from tests.commands import recurrence_laws
from tests.examples import (
    ADA,
    BOB,
    CHECKLIST,
    COMMAND_ID,
    OTHER_TASK,
    POINTS,
    POINTS_SET,
    PROJECT,
    RECURRENCE_SET,
    TASK,
    TRASHED,
    WEEKLY,
    WORKSPACE,
    Facts,
    member,
    project,
    task,
    workspace,
)
from tests.given import EventHistory, Given, given

MONDAY, NEXT_MONDAY = "2030-12-02", "2030-12-09"
DUE = DueDateSet(Change(None, MONDAY))
RECURRING = (DUE, RECURRENCE_SET)
SPEC = RecurrenceSpec(rule="FREQ=WEEKLY;BYDAY=MO")
DONE_BOARD = ColumnsSet(Change(DEFAULT_COLUMNS, NEW_BOARD_COLUMNS), Change[WipPolicy]("warn", "warn"))


def history(*later: Event, board: Facts | None = None) -> EventHistory:
    return EventHistory([*workspace(), *project(), *(board or ()), *task(*later)])


def given_task(*later: Event) -> Given:
    return given(workspace(), project(), task(*later))


def recurring(rule: str, due: str = MONDAY) -> tuple[Event, Event]:
    return DueDateSet(Change(None, due)), RecurrenceSet(Change(None, Recurrence(rule)))


def created_by(past: EventHistory, command: Command[Any], on: UUID = TASK) -> dict[UUID, TaskCreated]:
    """The tasks that a command creates beside its target."""
    events = past.decide(CommandOn(on, command)).new_events
    return {stream: event for stream, event in events if isinstance(event, TaskCreated) and stream != on}


def the_next(past: EventHistory, command: Command[Any]) -> TaskCreated:
    (created,) = created_by(past, command).values()
    return created


def test_completing_an_instance_creates_the_next_in_the_same_append() -> None:
    past = history(*RECURRING)
    events = past.decide(CommandOn(TASK, CompleteTask())).new_events
    (numbers, completed, created) = events
    assert isinstance(created[1], TaskCreated)
    assert completed == (
        TASK,
        TaskCompleted(PROJECT, "todo", recurrence=Change(WEEKLY, None), next=NextTask(created[0], "HOME-2")),
    )
    assert created[0].version == 7
    assert (created[1].due, created[1].recurrence) == (NEXT_MONDAY, WEEKLY)
    assert (created[1].number, created[1].key, created[1].column) == (2, "HOME-2", "todo")
    assert numbers[0] not in {TASK, created[0]}


def test_the_next_has_what_the_task_had() -> None:
    past = history(
        *RECURRING,
        StartDateSet(Change(None, "2030-11-28T08:00:00+01:00")),
        TaskZoneSet(Change(None, "Europe/Vienna")),
        TaskLabelled("Shop", Change((), ("Shop",))),
        TaskAssigned(ADA.id, Change((), (ADA.id,))),
        ChecklistSet(Change((), CHECKLIST)),
        POINTS_SET,
    )
    created = the_next(past, CompleteTask())
    assert (created.title, created.labels, created.assignees) == ("Buy milk", ("Shop",), (ADA.id,))
    assert created.fields == {POINTS.key: 3}
    assert (created.start, created.zone) == ("2030-12-05T08:00:00+01:00", "Europe/Vienna")
    assert [(item.text, item.done) for item in created.checklist] == [("Red ones", False), ("Green ones", False)]
    assert {item.id for item in created.checklist}.isdisjoint(item.id for item in CHECKLIST)


def test_the_next_is_below_the_same_parent() -> None:
    parent = Change(None, OTHER_TASK)
    tree = tree_stream_id(PROJECT)
    put_below = TaskParentSet(parent, (), SubtaskCount(0, 1), ancestors=(OTHER_TASK,))
    past = EventHistory(
        [
            *workspace(),
            *project(),
            *task(*RECURRING, put_below),
            *task(task_id=OTHER_TASK, number=2),
            (tree, SubtaskPlaced(TASK, parent)),
        ]
    )
    events = past.decide(CommandOn(TASK, CompleteTask())).new_events
    ((id_, created),) = [(stream, event) for stream, event in events if isinstance(event, TaskCreated)]
    assert (created.parent_id, created.ancestors) == (OTHER_TASK, (OTHER_TASK,))
    assert (tree, SubtaskPlaced(id_, parent)) in events


def test_a_former_member_is_not_assigned_to_the_next() -> None:
    past = history(*RECURRING, TaskAssigned(BOB.id, Change((), (BOB.id, ADA.id))))
    assert the_next(past, CompleteTask()).assignees == (ADA.id,)
    past.append(member(BOB))
    assert the_next(past, CompleteTask()).assignees == (BOB.id, ADA.id)


@pytest.mark.parametrize(
    "command",
    [
        CompleteTask(),
        MoveTask(column="done", expected_version=3),
        EditTask(status="done", expected_version=3),
        EditTask(column="done", expected_version=3),
    ],
    ids=repr,
)
def test_each_way_to_complete_a_task_creates_the_next(command: Command[Any]) -> None:
    past = history(*RECURRING, board=[(PROJECT, DONE_BOARD)])
    created = the_next(past, command)
    assert (created.column, created.due) == ("todo", NEXT_MONDAY)


def test_restoring_to_the_done_column_creates_the_next() -> None:
    past = history(*RECURRING, TRASHED, board=[(PROJECT, DONE_BOARD)])
    assert the_next(past, RestoreTask(column="done")).due == NEXT_MONDAY


def test_removing_a_column_into_the_done_one_creates_the_next_of_its_tasks() -> None:
    moved = TaskMoved(Change(PROJECT, PROJECT), Change("todo", "doing"), "open")
    past = history(*RECURRING, moved, board=[(PROJECT, DONE_BOARD)])
    columns = (ColumnSpec(name="To do", id="todo"), ColumnSpec(name="Done", id="done", done=True))
    removal = SetColumns(columns=columns, move={"doing": "done"}, expected_version=2)
    events = past.decide(CommandOn(PROJECT, removal)).new_events
    assert [stream for stream, event in events if isinstance(event, TaskCompleted)] == [TASK]
    assert [event.due for _, event in events if isinstance(event, TaskCreated)] == [NEXT_MONDAY]


def test_a_task_created_in_the_done_column_is_followed_by_the_next() -> None:
    past = history(board=[(PROJECT, DONE_BOARD)])
    create = CreateTask(project_id=PROJECT, title="Water", column="done", due=MONDAY, recurrence=SPEC)
    assert [one.due for one in created_by(past, create, OTHER_TASK).values()] == [NEXT_MONDAY]


def test_the_next_is_never_put_into_the_done_column() -> None:
    done_first = (replace(NEW_BOARD_COLUMNS[2]), *NEW_BOARD_COLUMNS[:2])
    board = ColumnsSet(Change(DEFAULT_COLUMNS, done_first), Change[WipPolicy]("warn", "warn"))
    assert the_next(history(*RECURRING, board=[(PROJECT, board)]), CompleteTask()).column == "todo"


def test_an_edit_that_completes_is_taken_over_by_the_next() -> None:
    edit = EditTask(title="Oat milk", due="2030-12-04", labels=("soon",), status="done", expected_version=3)
    created = the_next(history(*RECURRING), edit)
    assert (created.title, created.due, created.labels) == ("Oat milk", NEXT_MONDAY, ("soon",))


def test_the_next_is_due_in_the_zone_of_the_task_or_of_its_workspace() -> None:
    timed = recurring("FREQ=MONTHLY", "2031-03-15T08:00:00+00:00")
    past = history(*timed)
    assert the_next(past, CompleteTask()).due == "2031-04-15T08:00:00+00:00"
    past.append([(WORKSPACE, WorkspaceZoneSet(Change(None, "Europe/Vienna")))])
    assert the_next(past, CompleteTask()).due == "2031-04-15T09:00:00+02:00"
    past.append([(TASK, TaskZoneSet(Change(None, "America/New_York")))])
    assert the_next(past, CompleteTask()).due == "2031-04-15T04:00:00-04:00"


def test_an_overdue_instance_is_followed_by_one_after_today() -> None:
    """Today is the Monday on which the command was received."""
    now = time_of(COMMAND_ID)
    assert (now.weekday(), now.date()) == (0, date(2024, 6, 10))
    assert the_next(history(*recurring("FREQ=WEEKLY;BYDAY=MO", "2024-01-01")), CompleteTask()).due == "2024-06-17"
    every_third_day = RecurrenceSet(Change(None, Recurrence("FREQ=DAILY;INTERVAL=3", "completion")))
    past = history(DueDateSet(Change(None, "2024-01-01")), every_third_day)
    assert the_next(past, CompleteTask()).due == "2024-06-13"


def test_completing_twice_creates_one() -> None:
    past = history(*RECURRING)
    past.append(past.decide(CommandOn(TASK, CompleteTask())).new_events)
    assert past.decide(CommandOn(TASK, CompleteTask())).new_events == []


def test_reopening_and_completing_again_creates_no_second_one() -> None:
    """The recurrence has gone to the next instance."""
    past = history(*RECURRING)
    for command in (CompleteTask(), ReopenTask()):
        past.append(past.decide(CommandOn(TASK, command)).new_events)
    again = past.decide(CommandOn(TASK, CompleteTask())).new_events
    assert again == [(TASK, TaskCompleted(PROJECT, "todo"))]


def test_the_next_is_an_answer_while_the_task_is_done() -> None:
    past = history(*RECURRING)
    complete = [CommandOn(TASK, CompleteTask())]
    decided = past.decide(*complete)
    (answer,) = results.from_decision(complete, decided)
    (next_id,) = (stream for stream, event in decided.new_events if isinstance(event, TaskCreated))
    assert answer.next == NextTask(next_id, "HOME-2")
    assert results.decode(results.encode([answer])) == (answer,)
    past.append(decided.new_events)
    (again,) = results.from_decision(complete, past.decide(*complete))
    assert again.next == answer.next
    reopen = [CommandOn(TASK, ReopenTask())]
    (reopened,) = results.from_decision(reopen, past.decide(*reopen))
    assert reopened.next is None


def test_a_batch_completes_a_task_and_its_next() -> None:
    past = history(*RECURRING)
    next_id = next(iter(created_by(past, CompleteTask())))
    decision = past.decide(CommandOn(TASK, CompleteTask()), CommandOn(next_id, CompleteTask()))
    dues = [event.due for _, event in decision.new_events if isinstance(event, TaskCreated)]
    assert dues == [NEXT_MONDAY, "2030-12-16"]


def test_the_last_instance_has_no_next() -> None:
    for rule in ("FREQ=DAILY;COUNT=1", "FREQ=DAILY;UNTIL=20301202"):
        past = history(*recurring(rule))
        ended = TaskCompleted(PROJECT, "todo", recurrence=Change(Recurrence(rule), None))
        assert past.decide(CommandOn(TASK, CompleteTask())).new_events == [(TASK, ended)]


def test_a_count_counts_the_instances_that_are_left() -> None:
    created = the_next(history(*recurring("FREQ=DAILY;COUNT=3")), CompleteTask())
    assert created.recurrence == Recurrence("FREQ=DAILY;COUNT=2")


LIMITED = (replace(DEFAULT_COLUMNS[0], wip_limit=1), *NEW_BOARD_COLUMNS[1:])


def limited_board(wip: WipPolicy, columns: tuple[Column, ...] = LIMITED) -> Facts:
    """A board whose first column, where the next instance goes, is full with one task."""
    return [
        (PROJECT, ColumnsSet(Change(DEFAULT_COLUMNS, columns), Change("warn", wip))),
        (column_stream_id(PROJECT, "todo"), ColumnCounted(1)),
    ]


def test_the_next_takes_the_place_of_a_task_that_leaves_a_full_column() -> None:
    past = history(*RECURRING, board=limited_board("refuse"))
    counts = [event for _, event in past.decide(CommandOn(TASK, CompleteTask())).new_events]
    assert [event.tasks for event in counts if isinstance(event, ColumnCounted)] == [0, 1]


def test_a_full_column_that_refuses_the_next_refuses_the_completion() -> None:
    """As a done column that is full does."""
    stays = (LIMITED[0], *DEFAULT_COLUMNS[1:])
    complete = CommandOn(TASK, CompleteTask())
    refusing = given(workspace(), project(), limited_board("refuse", stays), task(*RECURRING))
    refusing.when(CompleteTask()).then_refused(ColumnIsFull, column="todo")
    decision = history(*RECURRING, board=limited_board("warn", stays)).decide(complete)
    assert [type(warning) for _, warning in decision.warnings] == [ColumnIsFull]


def test_a_recurrence_is_set_and_ended() -> None:
    given_task(DUE).when(EditTask(recurrence=SPEC, expected_version=2)).then(RECURRENCE_SET)
    lower_case = RecurrenceSpec(rule="freq=weekly;byday=mo")
    given_task(*RECURRING).when(EditTask(recurrence=lower_case, expected_version=3)).then_nothing()
    end = EditTask(recurrence=None, expected_version=3)
    given_task(*RECURRING).when(end).then(RecurrenceSet(Change(WEEKLY, None)))


def test_a_recurrence_needs_a_due_date() -> None:
    given_task().when(EditTask(recurrence=SPEC, expected_version=1)).then_refused(RecurrenceNeedsDue)
    given_task(*RECURRING).when(EditTask(due=None, expected_version=3)).then_refused(RecurrenceNeedsDue)
    create = CreateTask(project_id=PROJECT, title="Water", recurrence=SPEC)
    given_task().when(create, on=OTHER_TASK).then_refused(RecurrenceNeedsDue)
    both = EditTask(due=None, recurrence=None, expected_version=3)
    given_task(*RECURRING).when(both).then(DueDateSet(Change(MONDAY, None)), RecurrenceSet(Change(WEEKLY, None)))


def test_a_rule_that_cannot_be_read_or_never_occurs_is_refused() -> None:
    hourly = EditTask(recurrence=RecurrenceSpec(rule="FREQ=HOURLY"), expected_version=2)
    refusal = given_task(DUE).when(hourly).then_refused(InvalidRecurrenceRule, part="FREQ")
    assert refusal.pointer == "#/recurrence/rule"
    never = RecurrenceSpec(rule="FREQ=DAILY;INTERVAL=7;BYDAY=TU")
    given_task(DUE).when(EditTask(recurrence=never, expected_version=2)).then_refused(RecurrenceNeverOccurs)
    create = CreateTask(project_id=PROJECT, title="Water", due=MONDAY, recurrence=never)
    given_task().when(create, on=OTHER_TASK).then_refused(RecurrenceNeverOccurs)


def test_a_skip_moves_the_task_to_its_next_date() -> None:
    start = StartDateSet(Change(None, "2030-11-30"))
    given_task(*RECURRING, start).when(SkipOccurrence()).then(
        OccurrenceSkipped(Change(MONDAY, NEXT_MONDAY), Change("2030-11-30", "2030-12-07"), Change(WEEKLY, WEEKLY))
    )


def test_a_skip_uses_up_one_of_a_count() -> None:
    three, two = Recurrence("FREQ=DAILY;COUNT=3"), Recurrence("FREQ=DAILY;COUNT=2")
    given_task(*recurring(three.rule)).when(SkipOccurrence()).then(
        OccurrenceSkipped(Change(MONDAY, "2030-12-03"), Change(None, None), Change(three, two))
    )


def test_nothing_is_skipped_without_a_series_or_at_its_end() -> None:
    given_task(DUE).when(SkipOccurrence()).then_refused(TaskDoesNotRecur)
    given_task(*recurring("FREQ=DAILY;COUNT=1")).when(SkipOccurrence()).then_refused(SeriesIsOver)
    given_task(*RECURRING, TRASHED).when(SkipOccurrence()).then_refused(TaskIsTrashed)


def test_a_recurrence_has_one_next() -> None:
    recurrence_laws.a_recurrence_has_one_next()


def test_one_request_has_one_next() -> None:
    recurrence_laws.one_request_has_one_next()
