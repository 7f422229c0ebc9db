"""Sub-tasks: parents, roll-ups, and what is taken along by completing, trashing and restoring."""

from uuid import UUID

import pytest
from msgspec.structs import replace

from commands import subtask as commands_on_subtasks
from commands import task_tree
from commands.subtask import SetParent
from commands.task import CompleteTask, CreateTask
from commands.trash import RestoreTask, TrashTask
from domain.errors import (
    HasOpenChildren,
    MakesACycle,
    NotFound,
    ParentIsElsewhere,
    ParentIsTrashed,
    TooManySubtasks,
)
from domain.event import Change, Event
from domain.subtask import NO_SUBTASKS, SubtaskCount, SubtaskPlaced, TaskParentSet, TaskTree
from domain.task import TaskCompleted, TaskCreated, TaskRestored, TaskTrashed
from tests.commands import subtask_laws
from tests.commands.task_chain import THIRD, TREE, below, given_chain
from tests.examples import (
    OTHER_PROJECT,
    OTHER_TASK,
    OTHER_WORKSPACE,
    PROJECT,
    TASK,
    TRASHED,
    Facts,
    fixed_uuid7,
    project,
    task,
    workspace,
)
from tests.given import given
from tests.planted_defects import assert_check_fails

pytestmark = pytest.mark.slow


def test_a_task_is_put_below_another_one_with_what_is_below_it() -> None:
    facts = [*task(), *task(task_id=OTHER_TASK, number=2), *task(task_id=THIRD, number=3), *below(THIRD, OTHER_TASK)]
    decision = given(workspace(), project(), facts).when(SetParent(parent_id=TASK), on=OTHER_TASK).decision()
    assert decision.new_events == [
        (OTHER_TASK, TaskParentSet(Change(None, TASK), (), SubtaskCount(0, 2), ancestors=(TASK,))),
        (TREE, SubtaskPlaced(OTHER_TASK, Change(None, TASK))),
    ]


def test_a_task_leaves_its_parent() -> None:
    decision = given_chain().when(SetParent(parent_id=None), on=THIRD).decision()
    assert decision.new_events[0][1] == TaskParentSet(Change(OTHER_TASK, None), (OTHER_TASK, TASK), SubtaskCount(0, 1))
    given_chain().when(SetParent(parent_id=OTHER_TASK), on=THIRD).then_nothing()


@pytest.mark.parametrize("parent", [TASK, OTHER_TASK, THIRD])
def test_a_cycle_is_refused(parent: UUID) -> None:
    given_chain().when(SetParent(parent_id=parent), on=TASK).then_refused(MakesACycle)


def test_a_parent_is_in_the_same_project() -> None:
    elsewhere = [*project(OTHER_PROJECT, "WORK"), *_created_in(OTHER_PROJECT, fixed_uuid7(44))]
    given_chain(*elsewhere).when(SetParent(parent_id=fixed_uuid7(44))).then_refused(ParentIsElsewhere)
    given_chain().when(SetParent(parent_id=fixed_uuid7(99))).then_refused(NotFound)
    given_chain((OTHER_TASK, TRASHED)).when(SetParent(parent_id=OTHER_TASK), on=THIRD).then_nothing()
    given_chain((TASK, TRASHED)).when(SetParent(parent_id=TASK), on=THIRD).then_refused(ParentIsTrashed)


def test_a_task_of_another_workspace_is_not_found() -> None:
    elsewhere = [
        *workspace(OTHER_WORKSPACE),
        *project(OTHER_PROJECT, "WORK", OTHER_WORKSPACE),
        *_created_in(OTHER_PROJECT, fixed_uuid7(44), OTHER_WORKSPACE),
    ]
    given_chain(*elsewhere).when(SetParent(parent_id=fixed_uuid7(44))).then_refused(NotFound)


def test_a_task_is_created_below_another_one() -> None:
    create = CreateTask(project_id=PROJECT, title="Wax", parent_id=THIRD)
    (*_, (_, created), (stream, placed)) = given_chain().when(create, on=fixed_uuid7(34)).decision().new_events
    assert isinstance(created, TaskCreated)
    assert (created.parent_id, created.ancestors) == (THIRD, (THIRD, OTHER_TASK, TASK))
    assert (stream, placed) == (TREE, SubtaskPlaced(fixed_uuid7(34), Change(None, THIRD)))


def test_a_task_with_open_sub_tasks_is_not_completed() -> None:
    refusal = given_chain().when(CompleteTask()).then_refused(HasOpenChildren)
    assert (refusal.params["keys"], refusal.params["count"]) == (["HOME-2", "HOME-3"], 2)
    given_chain().when(CompleteTask(), on=THIRD).then(
        TaskCompleted(PROJECT, "todo", ancestors=(OTHER_TASK, TASK)),
    )


def test_open_sub_tasks_are_completed_with_it_the_deepest_first() -> None:
    decision = given_chain().when(CompleteTask(children="complete")).decision()
    assert [stream for stream, event in decision.new_events if isinstance(event, TaskCompleted)] == [
        THIRD,
        OTHER_TASK,
        TASK,
    ]


def test_the_trash_takes_sub_tasks_along_and_gives_them_back() -> None:
    trash = given_chain().when(TrashTask(expected_version=1)).decision().new_events
    assert [(stream, event.with_task) for stream, event in trash if isinstance(event, TaskTrashed)] == [
        (THIRD, TASK),
        (OTHER_TASK, TASK),
        (TASK, None),
    ]
    back = given_chain(*trash).when(RestoreTask()).decision().new_events
    assert [stream for stream, event in back if isinstance(event, TaskRestored)] == [TASK, OTHER_TASK, THIRD]
    given_chain(*trash).when(RestoreTask(), on=OTHER_TASK).then_refused(ParentIsTrashed)


def test_what_was_in_the_trash_before_stays_there() -> None:
    alone: list[tuple[UUID, Event]] = [(THIRD, TRASHED)]
    trash = given_chain(*alone).when(TrashTask(expected_version=1)).decision().new_events
    back = given_chain(*alone, *trash).when(RestoreTask()).decision().new_events
    assert [stream for stream, event in back if isinstance(event, TaskRestored)] == [TASK, OTHER_TASK]


def test_one_command_takes_a_limited_number_along(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_tree, "MAX_SUBTASKS_PER_COMMAND", 1)
    given_chain().when(TrashTask(expected_version=1)).then_refused(TooManySubtasks, most=1)
    given_chain().when(TrashTask(expected_version=2), on=OTHER_TASK).decision()


def test_roll_ups_are_recounts() -> None:
    subtask_laws.roll_ups_are_recounts()


def test_the_tree_is_that_of_the_parents() -> None:
    subtask_laws.the_tree_is_that_of_the_parents()


def _count_nothing(*_: object) -> SubtaskCount:
    return NO_SUBTASKS


@pytest.mark.parametrize(
    ("owner", "name", "defect"),
    [
        (TaskTrashed, "counted", NO_SUBTASKS),
        (TaskRestored, "counted", NO_SUBTASKS),
        (TaskCompleted, "counted", NO_SUBTASKS),
        (TaskParentSet, "count_at", _count_nothing),
        (commands_on_subtasks, "count_of", lambda _: SubtaskCount(0, 1)),
    ],
)
def test_a_planted_defect_is_noticed(owner: object, name: str, defect: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owner, name, defect)
    assert_check_fails(subtask_laws.roll_ups_are_recounts)


@pytest.mark.parametrize("known_ancestors", [0, 1])
def test_a_tree_that_misses_ancestors_is_noticed(known_ancestors: int, monkeypatch: pytest.MonkeyPatch) -> None:
    all_of = TaskTree.ancestors_of
    monkeypatch.setattr(TaskTree, "ancestors_of", lambda tree, task: all_of(tree, task)[:known_ancestors])
    assert_check_fails(subtask_laws.roll_ups_are_recounts)


def _created_in(home: UUID, task_id: UUID, of: UUID | None = None) -> Facts:
    (_, (stream, created)) = task(task_id=task_id)
    assert isinstance(created, TaskCreated)
    moved = {"project_id": home, "workspace_id": of or created.workspace_id}
    return [(stream, replace(created, **moved))]
