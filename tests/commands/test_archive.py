"""The archive of tasks: what goes there, what comes back, what a rule archives."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from commands import archive, trash
from commands.archive import ArchiveByRule, ArchiveDoneTasks, ArchiveTask, UnarchiveTask
from commands.command import Command
from commands.project import EditProject
from commands.subtask import SetParent
from commands.task import AssignTask, CompleteTask, CreateTask, EditTask, MoveTask
from commands.trash import RestoreTask, TrashTask
from domain.column import DEFAULT_COLUMNS, Column, ColumnCounted, column_stream_id
from domain.errors import (
    ColumnIsFull,
    MoreTasksDone,
    ParentIsArchived,
    ProjectIsArchived,
    TaskIsArchived,
    TaskIsTrashed,
    UnknownColumn,
    VersionRequired,
)
from domain.event import Change, Event
from domain.project import ArchiveRuleSet, ColumnsSet, ProjectArchived
from domain.task import Task, TaskArchived, TaskCompleted, TaskRestored, TaskTrashed, TaskUnarchived
from projections import project_list
from tests.commands import archive_laws
from tests.commands.task_chain import THIRD, given_chain
from tests.examples import (
    ADA,
    ARCHIVE_RULE_SET,
    ARCHIVED,
    COMPLETED,
    OTHER_TASK,
    PROJECT,
    TASK,
    TRASHED,
    Facts,
    project,
    task,
    workspace,
)
from tests.given import Given, given
from tests.planted_defects import assert_check_fails

pytestmark = pytest.mark.slow

DONE = TaskArchived(PROJECT, "todo", "done")
RULE: Facts = [(PROJECT, ARCHIVE_RULE_SET)]
FULL = (Column("todo", "To do", 1), *DEFAULT_COLUMNS[1:])


def given_task(*later: Event) -> Given:
    return given(workspace(), project(), task(*later))


def archived_ids(facts: Facts) -> list[tuple[UUID, UUID | None]]:
    """The tasks that are archived, each with the one that took it along."""
    return [(stream, event.with_task) for stream, event in facts if isinstance(event, TaskArchived)]


def test_a_task_is_archived_done_or_not() -> None:
    given_task().when(ArchiveTask()).then(ARCHIVED)
    given_task(COMPLETED).when(ArchiveTask()).then(DONE)
    given_task(ARCHIVED).when(ArchiveTask()).then_nothing()


def test_a_task_comes_back_to_its_column() -> None:
    given_task(ARCHIVED).when(UnarchiveTask()).then(TaskUnarchived(PROJECT, Change("todo", "todo"), "open"))
    given_task().when(UnarchiveTask()).then_nothing()


def test_a_task_whose_column_is_gone_comes_back_to_the_first() -> None:
    without = ColumnsSet(Change(DEFAULT_COLUMNS, DEFAULT_COLUMNS[1:]), Change("warn", "warn"))
    facts: Facts = [*task(ARCHIVED), (PROJECT, without)]
    given(workspace(), project(), facts).when(UnarchiveTask()).then(
        TaskUnarchived(PROJECT, Change("todo", "doing"), "open")
    )


def test_a_task_that_comes_back_to_the_done_column_is_done() -> None:
    board = (Column("doing", "Doing", done=True),)
    facts: Facts = [*task(ARCHIVED), (PROJECT, ColumnsSet(Change(DEFAULT_COLUMNS, board), Change("warn", "warn")))]
    given(workspace(), project(), facts).when(UnarchiveTask()).then(
        TaskUnarchived(PROJECT, Change("todo", "doing"), "open"), TaskCompleted(PROJECT, "doing")
    )


@pytest.mark.parametrize(
    "command",
    [
        EditTask(title="Bread", expected_version=2),
        MoveTask(column="doing", expected_version=2),
        CompleteTask(),
        AssignTask(user_id=ADA.id),
        SetParent(parent_id=OTHER_TASK),
    ],
    ids=lambda command: type(command).__name__,
)
def test_an_archived_task_is_not_changed(command: Command[Any]) -> None:
    given_task(ARCHIVED).when(command).then_refused(TaskIsArchived)


def test_nothing_goes_below_or_beside_an_archived_task() -> None:
    here = given(workspace(), project(), task(ARCHIVED), task(task_id=OTHER_TASK, number=2))
    here.when(SetParent(parent_id=TASK), on=OTHER_TASK).then_refused(ParentIsArchived)
    create = CreateTask(project_id=PROJECT, title="Wax", parent_id=TASK)
    here.when(create, on=THIRD).then_refused(ParentIsArchived)
    here.when(MoveTask(before=str(TASK), expected_version=1), on=OTHER_TASK).then_refused(TaskIsArchived)


@pytest.mark.parametrize("command", [ArchiveTask(), UnarchiveTask()], ids=lambda command: type(command).__name__)
def test_what_is_in_the_trash_or_in_an_archived_project_stays(command: Command[Task]) -> None:
    given_task(TRASHED).when(command).then_refused(TaskIsTrashed)
    facts: Facts = [*task(), (PROJECT, ProjectArchived())]
    given(workspace(), project(), facts).when(command).then_refused(ProjectIsArchived)


def test_sub_tasks_go_to_the_archive_and_come_back() -> None:
    gone = given_chain().when(ArchiveTask()).decision().new_events
    assert archived_ids(gone) == [(THIRD, TASK), (OTHER_TASK, TASK), (TASK, None)]
    back = given_chain(*gone).when(UnarchiveTask()).decision().new_events
    assert [stream for stream, _ in back] == [TASK, OTHER_TASK, THIRD]
    given_chain(*gone).when(UnarchiveTask(), on=OTHER_TASK).then_refused(ParentIsArchived)


def test_what_was_archived_or_trashed_before_stays_there() -> None:
    for alone in (ARCHIVED, TRASHED):
        before: Facts = [(THIRD, alone)]
        gone = given_chain(*before).when(ArchiveTask()).decision().new_events
        assert archived_ids(gone) == [(OTHER_TASK, TASK), (TASK, None)]
        back = given_chain(*before, *gone).when(UnarchiveTask()).decision().new_events
        assert [stream for stream, _ in back] == [TASK, OTHER_TASK]


def test_an_open_sub_task_in_the_archive_does_not_hold_up_its_parent() -> None:
    given_chain((OTHER_TASK, ARCHIVED), (THIRD, ARCHIVED)).when(CompleteTask()).then(COMPLETED)


def test_an_archived_task_goes_to_the_trash_and_back_into_the_archive() -> None:
    trashed = TaskTrashed(PROJECT, "todo", "open", title="Buy milk", key="HOME-1", archived=True)
    given_task(ARCHIVED).when(TrashTask(expected_version=2)).then(trashed)
    stays = Change("todo", "todo")
    given_task(ARCHIVED, trashed).when(RestoreTask(column="doing")).then(
        TaskRestored(PROJECT, stays, "open", archived=True)
    )


def test_a_sub_task_is_not_restored_below_an_archived_task() -> None:
    facts = [(OTHER_TASK, TRASHED), (THIRD, TRASHED), (TASK, ARCHIVED)]
    given_chain(*facts).when(RestoreTask(), on=OTHER_TASK).then_refused(ParentIsArchived)


def test_a_column_with_a_limit_is_left_and_entered() -> None:
    guard = column_stream_id(PROJECT, "todo")
    limit: Facts = [(PROJECT, ColumnsSet(Change(DEFAULT_COLUMNS, FULL), Change("warn", "refuse")))]
    full: Facts = [*limit, (guard, ColumnCounted(1))]
    gone = given(workspace(), project(), task(), full).when(ArchiveTask()).decision().new_events
    assert gone == [(guard, ColumnCounted(0)), (TASK, ARCHIVED)]
    given(workspace(), project(), task(ARCHIVED), full).when(UnarchiveTask()).then_refused(ColumnIsFull)
    trashed = given(workspace(), project(), task(ARCHIVED), full).when(TrashTask(expected_version=2)).decision()
    assert [stream for stream, _ in trashed.new_events] == [TASK]


def test_the_done_tasks_of_a_column_are_archived() -> None:
    others = [*task(COMPLETED, task_id=OTHER_TASK, number=2), *task(COMPLETED, task_id=THIRD, number=3)]
    here = given(workspace(), project(), task(), others)
    assert archived_ids(here.when(ArchiveDoneTasks(column="To do")).decision().new_events) == [
        (OTHER_TASK, None),
        (THIRD, None),
    ]
    here.when(ArchiveDoneTasks(column="doing")).then_nothing()
    here.when(ArchiveDoneTasks(column="nowhere")).then_refused(UnknownColumn)


def test_done_tasks_above_open_ones_stay() -> None:
    given_chain((TASK, COMPLETED)).when(ArchiveDoneTasks(column="todo")).then_nothing()
    done = [(each, COMPLETED) for each in (TASK, OTHER_TASK, THIRD)]
    gone = given_chain(*done).when(ArchiveDoneTasks(column="todo")).decision().new_events
    assert archived_ids(gone) == [(THIRD, TASK), (OTHER_TASK, TASK), (TASK, None)]


def test_one_command_archives_a_limited_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_ARCHIVED_TASKS", 1)
    others = [*task(COMPLETED, task_id=OTHER_TASK, number=2), *task(COMPLETED, task_id=THIRD, number=3)]
    decision = given(workspace(), project(), others).when(ArchiveDoneTasks(column="todo")).decision()
    assert archived_ids(decision.new_events) == [(OTHER_TASK, None)]
    (warning,) = [warning for _, warning in decision.warnings]
    assert isinstance(warning, MoreTasksDone)
    assert warning.params == {"column": "todo", "limit": 1, "tasks": 2}


def test_a_rule_archives_what_is_done() -> None:
    by_rule = ArchiveByRule(expected_version=2)
    given(workspace(), project(), RULE, task(COMPLETED)).when(by_rule).then(DONE)
    given(workspace(), project(), task(COMPLETED)).when(by_rule).then_nothing()
    given(workspace(), project(), RULE, task(COMPLETED)).when(ArchiveByRule()).then_refused(VersionRequired)
    given_chain(*RULE, (TASK, COMPLETED)).when(by_rule).then_nothing()
    given(workspace(), project(), RULE, task(COMPLETED, DONE)).when(ArchiveByRule(expected_version=3)).then_nothing()


def test_a_project_gets_a_rule() -> None:
    here = given(workspace(), project())
    here.when(EditProject(archive_after=30, expected_version=1)).then(ARCHIVE_RULE_SET)
    here.when(EditProject(archive_after=None, expected_version=1)).then_nothing()
    given(workspace(), project(), RULE).when(EditProject(archive_after=None, expected_version=2)).then(
        ArchiveRuleSet(Change(30, None))
    )


LAWS: list[Callable[[], None]] = [
    archive_laws.archived_tasks_are_in_no_count,
    archive_laws.nothing_is_on_a_board_below_what_is_archived,
    archive_laws.what_comes_back_is_as_it_was,
    archive_laws.the_done_tasks_of_a_column_are_archived_with_nothing_open,
]


@pytest.mark.parametrize("holds", LAWS, ids=lambda holds: holds.__name__)
def test_the_laws_of_the_archive_hold(holds: Callable[[], None]) -> None:
    holds()


def _counted_in_the_archive(patch: pytest.MonkeyPatch) -> None:
    counted = project_list.fold
    patch.setattr(
        project_list,
        "fold",
        lambda key, row, recorded: row if isinstance(recorded.event, TaskArchived) else counted(key, row, recorded),
    )


def _parents_in_the_archive(patch: pytest.MonkeyPatch) -> None:
    for module in (archive, trash):
        patch.setattr(module, "require_parent_in_use", lambda *_: None)


def _trashed_from_the_board(patch: pytest.MonkeyPatch) -> None:
    trashed = TaskTrashed
    patch.setattr(trash, "TaskTrashed", lambda *of, **more: trashed(*of, **{**more, "archived": False}))


def _sub_tasks_left_in_the_archive(patch: pytest.MonkeyPatch) -> None:
    gone = TaskArchived
    patch.setattr(archive, "TaskArchived", lambda *of, **_: gone(*of))


def _open_sub_tasks_archived(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(archive, "_is_all_done", lambda _, task, __: task.is_on_board and task.status == "done")


@pytest.mark.parametrize(
    ("plant", "holds"),
    [
        (_counted_in_the_archive, LAWS[0]),
        (_trashed_from_the_board, LAWS[0]),
        (_parents_in_the_archive, LAWS[1]),
        (_sub_tasks_left_in_the_archive, LAWS[2]),
        (_open_sub_tasks_archived, LAWS[3]),
    ],
)
def test_a_planted_defect_is_noticed(
    plant: Callable[[pytest.MonkeyPatch], None], holds: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    assert_check_fails(holds)
