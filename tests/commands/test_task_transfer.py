"""Moving between projects: a new key, a column, custom fields by name, and what is below goes along."""

from uuid import UUID

import pytest

from commands import task_transfer
from commands.subtask import SetParent, placed
from commands.task import MoveTask
from domain.column import Column
from domain.custom_field import CustomField
from domain.errors import NotFound, PlaceContradictsColumn, ProjectIsArchived, StatusContradictsColumn, UnknownColumn
from domain.event import Change, Event, fold
from domain.project import ColumnsSet, ProjectArchived, ProjectFieldsSet
from domain.subtask import SubtaskCount, SubtaskPlaced, TaskParentSet, TaskTree, tree_stream_id
from domain.task import TaskMovedToProject
from tests.commands import transfer_laws
from tests.examples import (
    ARCHIVED,
    COMPLETED,
    OTHER_PROJECT,
    OTHER_TASK,
    OTHER_WORKSPACE,
    PROJECT,
    TASK,
    TRASHED,
    Fact,
    Facts,
    fixed_uuid7,
    project,
    task,
    workspace,
)
from tests.given import Given, given
from tests.planted_defects import assert_check_fails

pytestmark = pytest.mark.slow

THIRD = fixed_uuid7(33)
BOARD = (Column("todo", "To do"), Column("ready", "Ready", done=True))


def given_projects(*later: Fact) -> Given:
    tasks = [*task(), *task(task_id=OTHER_TASK, number=2), *task(task_id=THIRD, number=3)]
    return given(workspace(), project(), project(OTHER_PROJECT, "WORK"), tasks, later)


def below(task_id: UUID, *ancestors: UUID) -> Facts:
    parent = Change(None, ancestors[0])
    return [
        (task_id, TaskParentSet(parent, (), SubtaskCount(0, 1), ancestors=ancestors)),
        (tree_stream_id(PROJECT), SubtaskPlaced(task_id, parent)),
    ]


def moves(events: Facts) -> list[tuple[UUID, TaskMovedToProject]]:
    return [(stream, event) for stream, event in events if isinstance(event, TaskMovedToProject)]


def move(version: int = 1, column: str | None = None, before: UUID | None = None) -> MoveTask:
    return MoveTask(
        project_id=OTHER_PROJECT, column=column, before=str(before) if before else None, expected_version=version
    )


def test_a_task_gets_the_next_key_of_the_project() -> None:
    ((stream, moved),) = moves(given_projects().when(move()).decision().new_events)
    assert stream == TASK
    assert (moved.project_id, moved.key) == (Change(PROJECT, OTHER_PROJECT), Change("HOME-1", "WORK-1"))
    assert (moved.column, moved.status, moved.number) == (Change("todo", "todo"), "open", 1)


def test_its_own_project_is_no_other_one() -> None:
    given_projects().when(MoveTask(project_id=PROJECT)).then_nothing()


def test_what_is_below_goes_along_and_the_parent_stays() -> None:
    chain = [*below(OTHER_TASK, TASK), *below(THIRD, OTHER_TASK, TASK)]
    command = MoveTask(project_id=OTHER_PROJECT, expected_version=2)
    events = given_projects(*chain).when(command, on=OTHER_TASK).decision().new_events
    assert [stream for stream, _ in moves(events)] == [OTHER_TASK, THIRD]
    assert (OTHER_TASK, TaskParentSet(Change(TASK, None), (TASK,), SubtaskCount(0, 2))) in events
    trees = {of: [event for stream, event in events if stream == tree_stream_id(of)] for of in (PROJECT, OTHER_PROJECT)}
    assert trees == {
        PROJECT: [SubtaskPlaced(OTHER_TASK, Change(TASK, None)), SubtaskPlaced(THIRD, Change(OTHER_TASK, None))],
        OTHER_PROJECT: [SubtaskPlaced(THIRD, Change(None, OTHER_TASK))],
    }


@pytest.mark.parametrize("away", [TRASHED, ARCHIVED])
def test_what_is_below_in_the_trash_or_the_archive_goes_along(away: Event) -> None:
    chain: Facts = [*below(OTHER_TASK, TASK), (OTHER_TASK, away)]
    events = moves(given_projects(*chain).when(move()).decision().new_events)
    assert [(stream, moved.is_on_board) for stream, moved in events] == [(TASK, True), (OTHER_TASK, False)]


def test_a_column_of_the_same_name_or_a_named_one() -> None:
    doing = MoveTask(project_id=OTHER_PROJECT, column="doing", expected_version=1)
    ((_, moved),) = moves(given_projects().when(doing).decision().new_events)
    assert moved.column == Change("todo", "doing")
    given_projects().when(move(column="nowhere")).then_refused(UnknownColumn)


def test_the_status_stays() -> None:
    board: Fact = (OTHER_PROJECT, ColumnsSet(Change((), BOARD), Change("warn", "warn")))
    ((_, moved),) = moves(given_projects(board, (TASK, COMPLETED)).when(move(2)).decision().new_events)
    assert (moved.column.new, moved.status) == ("ready", "done")
    given_projects(board).when(move(column="ready")).then_refused(StatusContradictsColumn)
    given_projects(board, (TASK, COMPLETED)).when(move(2, "todo")).then_refused(StatusContradictsColumn)


def test_a_place_beside_a_task_of_the_project() -> None:
    there = moves(given_projects().when(move(), on=OTHER_TASK).decision().new_events)
    beside = given_projects(*there)
    ((_, moved),) = moves(beside.when(move(before=OTHER_TASK)).decision().new_events)
    assert moved.rank.new < there[0][1].rank.new
    beside.when(move(before=THIRD)).then_refused(NotFound)
    beside.when(move(before=OTHER_TASK, column="doing")).then_refused(PlaceContradictsColumn)


def test_values_of_fields_are_carried_by_name_and_type() -> None:
    kept, lost = CustomField(fixed_uuid7(501), "Points", "number"), CustomField(fixed_uuid7(502), "Size", "text")
    there = CustomField(fixed_uuid7(503), "points", "number"), CustomField(fixed_uuid7(504), "Size", "number")

    fields: Facts = [
        (PROJECT, ProjectFieldsSet(Change((), (kept, lost)))),
        (OTHER_PROJECT, ProjectFieldsSet(Change((), there))),
    ]
    values = [(TASK, transfer_laws.value_set(kept, 3)), (TASK, transfer_laws.value_set(lost, "Large"))]
    ((_, moved),) = moves(given_projects(*fields, *values).when(move(3)).decision().new_events)
    assert moved.fields == Change({kept.key: 3, lost.key: "Large"}, {there[0].key: 3})


def test_a_project_of_another_workspace_is_not_found() -> None:
    elsewhere = [*workspace(OTHER_WORKSPACE), *project(fixed_uuid7(71), "FAR", OTHER_WORKSPACE)]
    given_projects(*elsewhere).when(MoveTask(project_id=fixed_uuid7(71), expected_version=1)).then_refused(NotFound)
    given_projects().when(MoveTask(project_id=fixed_uuid7(72), expected_version=1)).then_refused(NotFound)
    given_projects((OTHER_PROJECT, ProjectArchived())).when(move()).then_refused(ProjectIsArchived)


def test_a_moved_task_can_get_a_parent_there() -> None:
    there = given_projects().when(move(), on=OTHER_TASK).decision().new_events
    moved_too = given_projects(*there).when(move()).decision().new_events
    both = given_projects(*there, *moved_too)
    events = both.when(SetParent(parent_id=OTHER_TASK)).decision().new_events
    tree = fold(TaskTree, [event for stream, event in events if stream == tree_stream_id(OTHER_PROJECT)])
    assert tree is not None
    assert tree.ancestors_of(TASK) == (OTHER_TASK,)


def test_projects_are_consistent_after_any_moves() -> None:
    transfer_laws.projects_are_consistent()


@pytest.mark.parametrize(
    ("name", "defect"),
    [
        ("leave_parent", lambda *_: ()),
        ("placed", lambda task_id, _, parent: placed(task_id, PROJECT, parent)),
        ("leave_column", lambda *_: ()),
        ("enter_column", lambda *_: ()),
        ("take_rank", lambda *_: ()),
        ("load_subtasks", lambda *_: []),
    ],
)
def test_a_planted_defect_is_noticed(name: str, defect: object, monkeypatch: pytest.MonkeyPatch) -> None:

    monkeypatch.setattr(task_transfer, name, defect)
    assert_check_fails(transfer_laws.projects_are_consistent)
