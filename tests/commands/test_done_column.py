"""The done column: a task in it is done, and one that is done goes there."""

from typing import Any

import pytest
from msgspec.structs import replace

from commands.column import ColumnSpec, SetColumns
from commands.command import Command, OtherStreamEvent
from commands.handling.command_on import CommandOn
from commands.label import LabelTask
from commands.project import CreateProject
from commands.task import CompleteTask, CreateTask, EditTask, MoveTask, ReopenTask
from commands.trash import RestoreTask
from domain.column import (
    DEFAULT_COLUMNS,
    NEW_BOARD_COLUMNS,
    Column,
    ColumnCounted,
    column_stream_id,
)
from domain.errors import ColumnHasTasks, ColumnIsFull, Refusal, SeveralDoneColumns, StatusContradictsColumn
from domain.event import Actor, Change, Event
from domain.project import ColumnsSet, ProjectCreated, WipPolicy
from domain.task import TaskCompleted, TaskCreated, TaskMoved, TaskReopened, TaskRestored, TaskStatus, TaskTrashed
from tests.examples import ADA, OTHER_TASK, PROJECT, TASK, WORKSPACE, Facts, project, task, workspace
from tests.given import EventHistory, Given, given
from tests.ranks import without_ranks

IMPORT = Actor(ADA.id, "import")
DONE_BOARD = ColumnsSet(Change(DEFAULT_COLUMNS, NEW_BOARD_COLUMNS), Change[WipPolicy]("warn", "warn"))
COMPLETED_HERE, REOPENED = TaskCompleted(PROJECT, "todo"), TaskReopened(PROJECT, "done")


def moved(old: str, new: str, status: TaskStatus) -> TaskMoved:
    return TaskMoved(Change(PROJECT, PROJECT), Change(old, new), status)


INTO_DONE = moved("todo", "done", "done")


def given_done_board(*later: Event) -> Given:
    """A board with a done column, and a task with its later events."""
    return given(workspace(), project(), [(PROJECT, DONE_BOARD)], task(*later))


@pytest.mark.parametrize(
    "command",
    [
        CompleteTask(),
        MoveTask(column="Done", expected_version=1),
        EditTask(status="done", expected_version=1),
        EditTask(column="done", expected_version=1),
        EditTask(column="done", status="done", expected_version=1),
    ],
    ids=repr,
)
def test_completing_moves_to_the_done_column_and_moving_there_completes(command: Command[Any]) -> None:
    given_done_board().when(command).then(COMPLETED_HERE, INTO_DONE)
    again = replace(command, expected_version=3) if command.requires_version else command
    given_done_board(COMPLETED_HERE, INTO_DONE).when(again).then_nothing()


@pytest.mark.parametrize(
    ("command", "column"),
    [
        (ReopenTask(), "todo"),
        (EditTask(status="open", expected_version=3), "todo"),
        (MoveTask(column="doing", expected_version=3), "doing"),
        (EditTask(column="doing", expected_version=3), "doing"),
        (EditTask(column="doing", status="open", expected_version=3), "doing"),
    ],
    ids=repr,
)
def test_reopening_moves_back_and_moving_out_reopens(command: Command[Any], column: str) -> None:
    given_done_board(COMPLETED_HERE, INTO_DONE).when(command).then(REOPENED, moved("done", column, "open"))


def test_reopening_goes_back_to_where_the_task_was_completed() -> None:
    in_progress = (moved("todo", "doing", "open"), TaskCompleted(PROJECT, "doing"), moved("doing", "done", "done"))
    given_done_board(*in_progress).when(ReopenTask()).then(REOPENED, moved("done", "doing", "open"))


def test_reopening_goes_to_the_first_column_that_is_not_done_where_the_former_one_is_gone() -> None:
    left = (NEW_BOARD_COLUMNS[2], NEW_BOARD_COLUMNS[1])
    gone: Facts = [(PROJECT, ColumnsSet(Change(NEW_BOARD_COLUMNS, left), Change[WipPolicy]("warn", "warn")))]
    done = task(COMPLETED_HERE, INTO_DONE)
    given(workspace(), project(), [(PROJECT, DONE_BOARD)], done, gone).when(ReopenTask()).then(
        REOPENED, moved("done", "doing", "open")
    )


@pytest.mark.parametrize(("column", "status"), [("done", "open"), ("doing", "done"), ("todo", "done")])
def test_a_column_and_a_status_that_contradict_each_other_are_refused(column: str, status: TaskStatus) -> None:
    given_done_board().when(EditTask(column=column, status=status, expected_version=1)).then_refused(
        StatusContradictsColumn, column=column, status=status
    )


def test_a_task_is_created_done_in_the_done_column() -> None:
    history = EventHistory([*workspace(), *project(), (PROJECT, DONE_BOARD)])
    create = CommandOn(OTHER_TASK, CreateTask(project_id=PROJECT, title="x", column="done"))
    events = [event for stream, event in history.decide(create).new_events if stream == OTHER_TASK]
    assert isinstance(events[0], TaskCreated)
    assert events[1:] == [TaskCompleted(PROJECT, "done")]
    history.append((OTHER_TASK, event) for event in events)
    reopened = without_ranks(history.decide(CommandOn(OTHER_TASK, ReopenTask())).new_events)
    assert [event for _, event in reopened] == [REOPENED, moved("done", "todo", "open")]


def test_a_task_is_restored_with_the_status_of_its_column() -> None:
    trashed = TaskTrashed(PROJECT, "todo", "open")
    given_done_board(trashed).when(RestoreTask(column="done")).then(
        TaskRestored(PROJECT, Change("todo", "done"), "open"), TaskCompleted(PROJECT, "done")
    )
    done = (COMPLETED_HERE, INTO_DONE, TaskTrashed(PROJECT, "done", "done"))
    given_done_board(*done).when(RestoreTask()).then(TaskRestored(PROJECT, Change("done", "done"), "done"))
    given_done_board(*done).when(RestoreTask(column="doing")).then(
        TaskRestored(PROJECT, Change("done", "doing"), "done"), TaskReopened(PROJECT, "doing")
    )


def test_a_full_done_column_refuses_or_warns() -> None:
    full_column = Column("done", "Done", 1, done=True)
    done = column_stream_id(PROJECT, "done")
    for policy in ("refuse", "warn"):
        full = ColumnsSet(
            Change(DEFAULT_COLUMNS, (*DEFAULT_COLUMNS[:2], full_column)), Change[WipPolicy]("warn", policy)
        )
        counted: Facts = [(done, ColumnCounted(None)), (PROJECT, full), (done, ColumnCounted(1))]
        complete = given(workspace(), project(), counted, task()).when(CompleteTask())
        if policy == "refuse":
            complete.then_refused(ColumnIsFull, column="done", limit=1)
        else:
            complete.then(COMPLETED_HERE, OtherStreamEvent(done, ColumnCounted(2)), INTO_DONE)


def test_an_import_keeps_column_and_status_as_its_file_has_them() -> None:
    board = given_done_board()
    board.when(CompleteTask(), actor=IMPORT).then(COMPLETED_HERE)
    create = CreateTask(project_id=PROJECT, title="x", column="done")
    written = board.when(create, on=OTHER_TASK, actor=IMPORT).decision().new_events
    assert [type(event) for stream, event in written if stream == OTHER_TASK] == [TaskCreated]
    new = CreateProject(workspace_id=WORKSPACE, name="Imported", key="IMP")
    events = given(workspace()).when(new, actor=IMPORT).decision().new_events
    assert [event.columns for _, event in events if isinstance(event, ProjectCreated)] == [DEFAULT_COLUMNS]


def test_a_new_board_has_a_done_column_and_older_ones_behave_as_before() -> None:
    new = CreateProject(workspace_id=WORKSPACE, name="Garden", key="GAR")
    events = given(workspace()).when(new).decision().new_events
    assert [event.columns for _, event in events if isinstance(event, ProjectCreated)] == [NEW_BOARD_COLUMNS]
    older = given(workspace(), project(), task())
    older.when(CompleteTask()).then(COMPLETED_HERE)
    older.when(MoveTask(column="done", expected_version=1)).then(moved("todo", "done", "open"))
    older.when(EditTask(column="done", status="open", expected_version=1)).then(moved("todo", "done", "open"))


def test_tasks_from_before_the_board_had_a_done_column_stay_as_they_are() -> None:
    done_elsewhere = given_done_board(TaskCompleted(PROJECT, "todo"))
    done_elsewhere.when(MoveTask(column="doing", expected_version=2)).then(moved("todo", "doing", "done"))
    done_elsewhere.when(ReopenTask()).then(TaskReopened(PROJECT, "todo"))
    done_elsewhere.when(LabelTask(label="x"), EditTask(status="done", column="todo", expected_version=3)).decision()
    open_there = given_done_board(moved("todo", "done", "open"))
    open_there.when(CompleteTask()).then(TaskCompleted(PROJECT, "done"))
    open_there.when(MoveTask(column="doing", expected_version=2)).then(moved("done", "doing", "open"))


def test_a_board_has_one_done_column_and_setting_it_moves_no_task() -> None:
    specs = [ColumnSpec(name=column.name, id=column.id) for column in DEFAULT_COLUMNS]
    wanted = SetColumns(columns=(*specs[:2], replace(specs[2], done=True)), expected_version=1)
    given(workspace(), project(), task(moved("todo", "done", "open"))).when(wanted).then(DONE_BOARD)
    two = SetColumns(columns=tuple(replace(spec, done=True) for spec in specs), expected_version=1)
    given(workspace(), project()).when(two).then_refused(SeveralDoneColumns)


@pytest.mark.parametrize(("target", "expected"), [("done", [COMPLETED_HERE, INTO_DONE]), ("doing", None)])
def test_tasks_that_leave_a_removed_column_for_the_done_one_are_completed(
    target: str, expected: list[Event] | None
) -> None:
    columns = (ColumnSpec(name="In progress"), ColumnSpec(name="Done", done=True))
    remove = SetColumns(columns=columns, move={"todo": target}, expected_version=2)
    events = without_ranks(given_done_board().when(remove).decision().new_events)
    assert [event for stream, event in events if stream == TASK] == (expected or [moved("todo", "doing", "open")])
    refused: Refusal = given_done_board().when(replace(remove, move=None)).then_refused(ColumnHasTasks)
    assert refused.params == {"tasks": {"todo": 1}}
