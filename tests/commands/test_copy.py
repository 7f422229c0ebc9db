"""Copies: what a duplicate of a task and a copy of a project have, and what they leave behind."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from commands import copy, custom_field_copies, task_copy
from commands.copy import CopyProject, DuplicateTask
from domain.column import DEFAULT_COLUMNS, Column
from domain.errors import (
    ColumnIsFull,
    NotFound,
    ProjectIsArchived,
    ProjectIsTrashed,
    ProjectKeyTaken,
    Purged,
    TaskIsArchived,
    TaskIsTrashed,
    TooManyTasksToCopy,
)
from domain.event import Change
from domain.project import ColumnsSet, ProjectArchived, ProjectCreated, ProjectPurged
from domain.subtask import SubtaskPlaced
from domain.task import TaskCreated, TaskMoved
from tests.commands import copy_laws
from tests.commands.task_chain import THIRD, given_chain
from tests.examples import (
    ARCHIVED,
    ASSIGNED,
    BOB_LEFT,
    COMPLETED,
    OTHER_PROJECT,
    OTHER_TASK,
    PROJECT,
    PROJECT_TRASHED,
    RECURRENCE_SET,
    TASK,
    TRASHED,
    WEEKLY,
    WORKSPACE,
    Facts,
    fixed_uuid7,
    limited_column,
    project,
    task,
    workspace,
)
from tests.given import Given, given
from tests.planted_defects import assert_check_fails

pytestmark = pytest.mark.slow

COPY = fixed_uuid7(40)
COPIED = CopyProject(project_id=PROJECT, name="Cottage", key="COT", tasks=True)


def here(*later: Any) -> Given:
    return given(workspace(), project(), task(*later))


def created(facts: Facts) -> list[TaskCreated]:
    """The new tasks."""
    return [event for _, event in facts if isinstance(event, TaskCreated)]


def duplicate(of: Given, *, subtasks: bool = False) -> list[TaskCreated]:
    decision = of.when(DuplicateTask(task_id=TASK, subtasks=subtasks), on=COPY).decision()
    return created(decision.new_events)


def test_a_duplicate_is_a_new_task_of_the_project() -> None:
    (new,) = duplicate(here(ASSIGNED, RECURRENCE_SET))
    assert (new.project_id, new.key, new.title, new.column) == (PROJECT, "HOME-2", "Buy milk", "todo")
    assert (new.assignees, new.recurrence) == (ASSIGNED.assignees.new, WEEKLY)


def test_a_duplicate_of_a_done_task_is_open_where_that_was_completed() -> None:
    board = (*DEFAULT_COLUMNS[:2], replace(DEFAULT_COLUMNS[2], done=True))
    done: Facts = [(PROJECT, ColumnsSet(Change(DEFAULT_COLUMNS, board), Change("warn", "warn")))]
    moved = TaskMoved(Change(PROJECT, PROJECT), Change("doing", "done"), "done")
    facts = task(replace(COMPLETED, column="doing"), moved)
    (new,) = duplicate(given(workspace(), project(), done, facts))
    assert new.column == "doing"


def test_a_duplicate_of_a_task_whose_column_is_gone_is_in_the_first() -> None:
    board = (Column("later", "Later"), *DEFAULT_COLUMNS[1:])
    changed: Facts = [(PROJECT, ColumnsSet(Change(DEFAULT_COLUMNS, board), Change("warn", "warn")))]
    (new,) = duplicate(given(workspace(), project(), changed, task()))
    assert new.column == "later"


def test_only_members_are_assigned_to_a_duplicate() -> None:
    stranger = replace(ASSIGNED, user_id=BOB_LEFT.user_id, assignees=Change((), (BOB_LEFT.user_id,)))
    (new,) = duplicate(here(stranger))
    assert new.assignees == ()


def test_sub_tasks_are_duplicated_on_request() -> None:
    (alone,) = duplicate(given_chain())
    assert alone.parent_id is None
    decision = given_chain().when(DuplicateTask(task_id=OTHER_TASK, subtasks=True), on=COPY).decision()
    top, below = created(decision.new_events)
    assert (top.parent_id, top.ancestors) == (TASK, (TASK,))
    assert (below.parent_id, below.ancestors) == (COPY, (COPY, TASK))
    placed = [event for _, event in decision.new_events if isinstance(event, SubtaskPlaced)]
    assert [event.parent_id.new for event in placed] == [TASK, COPY]


def test_sub_tasks_off_the_board_are_not_duplicated() -> None:
    for shelved in (TRASHED, ARCHIVED):
        facts = [(OTHER_TASK, shelved), (THIRD, shelved)]
        assert len(duplicate(given_chain(*facts), subtasks=True)) == 1


def test_what_may_not_change_is_not_duplicated() -> None:
    command = DuplicateTask(task_id=TASK)
    here(TRASHED).when(command, on=COPY).then_refused(TaskIsTrashed)
    here(ARCHIVED).when(command, on=COPY).then_refused(TaskIsArchived)
    archived: Facts = [(PROJECT, ProjectArchived())]
    given(workspace(), project(), archived, task()).when(command, on=COPY).then_refused(ProjectIsArchived)
    here().when(DuplicateTask(task_id=OTHER_TASK), on=COPY).then_refused(NotFound)
    here().when(DuplicateTask(), on=COPY).then_refused(NotFound)


def test_a_full_column_takes_no_duplicate() -> None:
    moved = TaskMoved(Change(PROJECT, PROJECT), Change("todo", "doing"), "open")
    full = given(workspace(), project(), limited_column("refuse", tasks=2), task(moved))
    full.when(DuplicateTask(task_id=TASK), on=COPY).then_refused(ColumnIsFull)


def test_a_copied_project_has_the_board_and_the_tasks() -> None:
    decision = given_chain().when(COPIED, on=COPY).decision()
    assert ProjectCreated(WORKSPACE, "Cottage", "COT", DEFAULT_COLUMNS) in [event for _, event in decision.new_events]
    top, middle, low = created(decision.new_events)
    assert [one.key for one in (top, middle, low)] == ["COT-1", "COT-2", "COT-3"]
    assert {one.project_id for one in (top, middle, low)} == {COPY}
    assert (low.parent_id, low.ancestors[1:]) == (low.ancestors[0], (middle.parent_id,))


def test_a_project_is_copied_without_its_tasks() -> None:
    decision = here().when(replace(COPIED, tasks=False), on=COPY).decision()
    assert created(decision.new_events) == []


def test_an_archived_project_is_a_template() -> None:
    archived: Facts = [(PROJECT, ProjectArchived())]
    assert given(workspace(), project(), archived, task()).when(COPIED, on=COPY).decision().new_events


def test_a_project_in_the_trash_or_without_a_free_key_is_not_copied() -> None:
    trashed: Facts = [(PROJECT, PROJECT_TRASHED)]
    given(workspace(), project(), trashed).when(COPIED, on=COPY).then_refused(ProjectIsTrashed)
    purged: Facts = [*trashed, (PROJECT, ProjectPurged())]
    given(workspace(), project(), purged).when(COPIED, on=COPY).then_refused(Purged)
    here().when(replace(COPIED, key="HOME"), on=COPY).then_refused(ProjectKeyTaken, key="HOME")
    here().when(replace(COPIED, project_id=OTHER_PROJECT), on=COPY).then_refused(NotFound)


def test_more_tasks_than_one_command_writes_are_not_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copy, "MAX_COPIED_TASKS", 2)
    given_chain().when(COPIED, on=COPY).then_refused(TooManyTasksToCopy, tasks=3, most=2)
    given_chain((THIRD, ARCHIVED)).when(COPIED, on=COPY).decision()


def test_a_duplicate_is_its_task() -> None:
    copy_laws.a_duplicate_is_its_task()


def test_a_copied_project_is_its_project() -> None:
    copy_laws.a_copied_project_is_its_project()


@pytest.mark.parametrize("name", task_copy.CARRIED_FIELDS)
def test_a_field_that_is_left_behind_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kept, blank = task_copy.copy_of, getattr(TaskCreated(WORKSPACE, PROJECT, 1, "HOME-1", "", "todo"), name)
    monkeypatch.setattr(task_copy, "copy_of", lambda *of, **more: replace(kept(*of, **more), **{name: blank}))
    assert_check_fails(copy_laws.a_copied_project_is_its_project)


def _options_lost(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(custom_field_copies, "_carried_options", lambda *_: None)


def _order_reversed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(task_copy, "sorted", lambda each, key: sorted(each, key=key, reverse=True), raising=False)


def _roll_ups_lost(patch: pytest.MonkeyPatch) -> None:
    kept = task_copy.copy_of
    patch.setattr(task_copy, "copy_of", lambda *of, **more: kept(*of, **{**more, "ancestors": more["ancestors"][:1]}))


def _limits_uncounted(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(copy, "limited_column_ids", lambda _: set())


def _numbers_not_taken(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(copy, "_take_numbers", lambda *_: iter(()))


DEFECTS = [_options_lost, _order_reversed, _roll_ups_lost, _limits_uncounted, _numbers_not_taken]


@pytest.mark.parametrize("plant", DEFECTS)
def test_a_planted_defect_is_noticed(
    plant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    assert_check_fails(copy_laws.a_copied_project_is_its_project)
