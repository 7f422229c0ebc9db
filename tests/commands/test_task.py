"""Commands on a task."""

from typing import Any
from uuid import UUID

import msgspec
import pytest
from msgspec import UNSET

from commands.command import Command, OtherStreamEvent
from commands.field_types import MAX_ASSIGNEES_PER_TASK, MAX_LABELS_PER_TASK
from commands.handling import results
from commands.handling.command_on import CommandOn
from commands.handling.results import WipLimitWarning
from commands.label import LabelTask, UnlabelTask
from commands.task import AssignTask, CompleteTask, CreateTask, EditTask, MoveTask, ReopenTask, UnassignTask
from commands.trash import PurgeTask, RestoreTask, TrashTask
from domain.column import DEFAULT_COLUMNS, ColumnCounted, column_stream_id
from domain.errors import (
    AssigneeIsNoMember,
    ColumnIsFull,
    ColumnNotCounted,
    IdTaken,
    NotFound,
    NotTrashed,
    ProjectIsArchived,
    ProjectIsTrashed,
    Purged,
    Refusal,
    TaskIsTrashed,
    TooManyAssignees,
    TooManyLabels,
    UnknownColumn,
    VersionConflict,
    VersionRequired,
)
from domain.event import Change, Event
from domain.member import member_stream_id
from domain.project import ColumnsSet, ProjectArchived, ProjectPurged
from domain.task import (
    DueDateSet,
    TaskAssigned,
    TaskCompleted,
    TaskDescribed,
    TaskLabelled,
    TaskMoved,
    TaskNumbersTaken,
    TaskPrioritised,
    TaskRenamed,
    TaskReopened,
    TaskRestored,
    TaskUnassigned,
    TaskUnlabelled,
    task_numbers_stream_id,
)
from domain.user import UserRegistered
from tests.examples import (
    ADA,
    ASSIGNED,
    BOB,
    BOB_REMOVED,
    COMPLETED,
    CREATED,
    LABELLED,
    MOVED,
    OTHER_PROJECT,
    OTHER_TASK,
    OTHER_WORKSPACE,
    PROJECT,
    PROJECT_TRASHED,
    PURGED,
    RENAMED,
    REOPENED,
    RESTORED,
    TASK,
    TRASHED,
    WORKSPACE,
    Facts,
    fixed_uuid7,
    limited_column,
    member,
    project,
    task,
    workspace,
)
from tests.given import EventHistory, Given, given, intervening_events
from tests.ranks import without_ranks

CREATE = CreateTask(project_id=PROJECT, title="Buy milk")
EDIT = EditTask(title="Buy bread", expected_version=1)
MOVE = MoveTask(column="doing", expected_version=1)
TRASH = TrashTask(expected_version=1)
ASSIGN, UNASSIGN = AssignTask(user_id=ADA.id), UnassignTask(user_id=ADA.id)
LABEL, UNLABEL = LabelTask(label="Shop"), UnlabelTask(label="Shop")

DOING = column_stream_id(PROJECT, "doing")

ON_A_TASK = [EDIT, CompleteTask(), ReopenTask(), MOVE, TRASH, RestoreTask(), ASSIGN, UNASSIGN, LABEL, UNLABEL]
OVERWRITING = [EDIT, MOVE, TRASH]
NEEDING_AN_ACTIVE_TASK = [EDIT, CompleteTask(), ReopenTask(), MOVE, ASSIGN, UNASSIGN, LABEL, UNLABEL]


def row_id(command: object) -> str:
    return type(command).__name__


def given_task(*later: Event) -> Given:
    """Ada's project with a task, and its later events."""
    return given(workspace(), project(), task(*later))


# Creating


def test_a_task_is_created_in_the_first_column_with_the_next_number() -> None:
    given(workspace(), project()).when(CREATE).then(
        OtherStreamEvent(task_numbers_stream_id(PROJECT), TaskNumbersTaken(1, 1)), CREATED
    )


def test_numbers_are_given_out_in_order() -> None:
    second = msgspec.structs.replace(CREATED, number=2, key="HOME-2")
    given_task().when(CREATE, on=OTHER_TASK).then(
        OtherStreamEvent(task_numbers_stream_id(PROJECT), TaskNumbersTaken(2, 2)), second
    )


def test_a_number_is_not_given_out_again() -> None:
    gap: Facts = [(task_numbers_stream_id(PROJECT), TaskNumbersTaken(41, 41))]
    after = msgspec.structs.replace(CREATED, number=42, key="HOME-42")
    given(workspace(), project(), gap).when(CREATE).then(
        OtherStreamEvent(task_numbers_stream_id(PROJECT), TaskNumbersTaken(42, 42)), after
    )


def test_a_task_is_created_as_it_was_described() -> None:
    create = msgspec.structs.replace(
        CREATE,
        description="The red one",
        priority="high",
        due="2026-12-01t10:00:00z",
        column="in PROGRESS",
        labels=("shop", "soon", "Shop", "shop"),
        assignees=(BOB.id, ADA.id, BOB.id),
    )
    created = msgspec.structs.replace(
        CREATED,
        description="The red one",
        priority="high",
        due="2026-12-01T10:00:00+00:00",
        column="doing",
        labels=("shop", "soon"),
        assignees=(BOB.id, ADA.id),
    )
    given(workspace(), member(BOB), project()).when(create).then(
        OtherStreamEvent(task_numbers_stream_id(PROJECT), TaskNumbersTaken(1, 1)), created
    )


def test_a_task_cannot_be_created_for_a_non_member() -> None:
    create = msgspec.structs.replace(CREATE, assignees=(ADA.id, BOB.id))
    bobs = workspace(OTHER_WORKSPACE, owner=BOB)
    given(workspace(), project(), bobs).when(create).then_refused(AssigneeIsNoMember, user_id=BOB.id)


def test_null_is_the_default_when_a_task_is_created() -> None:
    create = msgspec.structs.replace(CREATE, description=None, priority=None, due=None, column=None)
    given(workspace(), project()).when(create).then(
        OtherStreamEvent(task_numbers_stream_id(PROJECT), TaskNumbersTaken(1, 1)), CREATED
    )


def test_a_task_is_not_created_in_a_column_that_is_not_there() -> None:
    create = msgspec.structs.replace(CREATE, column="nowhere")
    given(workspace(), project()).when(create).then_refused(UnknownColumn, columns=["todo", "doing", "done"])


@pytest.mark.parametrize("later", [(), (TRASHED,)], ids=["in use", "trashed"])
def test_a_task_is_not_created_twice(later: tuple[Event, ...]) -> None:
    given_task(*later).when(CREATE).then_refused(IdTaken)


@pytest.mark.parametrize("place", [None, WORKSPACE, TASK, OTHER_PROJECT])
def test_a_task_needs_a_project(place: UUID | None) -> None:
    create = msgspec.structs.replace(CREATE, project_id=place)
    given_task().when(create, on=OTHER_TASK).then_refused(NotFound)


def test_a_non_member_cannot_create_a_task() -> None:
    given(workspace(), project()).when(CREATE, actor=BOB).then_refused(NotFound)
    elsewhere = member(BOB, workspace_id=OTHER_WORKSPACE)
    given(workspace(), project(), elsewhere).when(CREATE, actor=BOB).then_refused(NotFound)


def test_creating_on_a_version_other_than_zero_is_a_conflict() -> None:
    create = msgspec.structs.replace(CREATE, expected_version=3)
    given(workspace(), project()).when(create).then_refused(
        VersionConflict, expected_version=3, current_version=0, rebase_possible=False, current=None
    )


@pytest.mark.parametrize("taken", [WORKSPACE, OTHER_PROJECT, BOB.id], ids=["workspace", "foreign project", "user"])
def test_a_task_is_not_created_on_another_kind_of_stream(taken: UUID) -> None:
    bobs: Facts = [*workspace(OTHER_WORKSPACE, owner=BOB), *project(OTHER_PROJECT, "BOBS", OTHER_WORKSPACE)]
    bob: Facts = [(BOB.id, UserRegistered("bob@example.org", "Bob"))]
    given(workspace(), project(), bobs, bob).when(CREATE, on=taken).then_refused(IdTaken)


def test_a_member_of_one_workspace_is_not_shown_the_task_of_another() -> None:
    bobs: Facts = [*workspace(OTHER_WORKSPACE, owner=BOB), *project(OTHER_PROJECT, "BOBS", OTHER_WORKSPACE)]
    create = CreateTask(project_id=OTHER_PROJECT, title="Spy", expected_version=0)
    refusal = given(workspace(), project(), task(), bobs).when(create, actor=BOB).then_refused(IdTaken)
    assert refusal.params == {}


# Editing


@pytest.mark.parametrize(
    ("edit", "event"),
    [
        ({"title": "Buy bread"}, TaskRenamed(Change("Buy milk", "Buy bread"))),
        ({"description": "Red"}, TaskDescribed(Change("", "Red"))),
        ({"priority": "high"}, TaskPrioritised(Change("none", "high"))),
        ({"due": "2026-12-01"}, DueDateSet(Change(None, "2026-12-01"))),
    ],
    ids=str,
)
def test_an_edit_of_a_field_is_one_event(edit: dict[str, Any], event: Event) -> None:
    given_task().when(EditTask(expected_version=1, **edit)).then(event)


def test_an_edit_of_every_field_is_an_event_for_each() -> None:
    edit = EditTask(title="Buy bread", description="Red", priority="low", due="2026-12-01", expected_version=1)
    given_task().when(edit).then(
        TaskRenamed(Change("Buy milk", "Buy bread")),
        TaskDescribed(Change("", "Red")),
        TaskPrioritised(Change("none", "low")),
        DueDateSet(Change(None, "2026-12-01")),
    )


def test_null_clears_what_can_be_empty() -> None:
    full = (
        TaskDescribed(Change("", "Red")),
        TaskPrioritised(Change("none", "low")),
        DueDateSet(Change(None, "2026-12-01")),
    )
    given_task(*full).when(EditTask(description=None, priority=None, due=None, expected_version=4)).then(
        TaskDescribed(Change("Red", "")),
        TaskPrioritised(Change("low", "none")),
        DueDateSet(Change("2026-12-01", None)),
    )


def test_an_edit_moves_completes_labels_and_assigns_with_the_events_of_those_commands() -> None:
    edit = EditTask(
        column="in PROGRESS", labels=("Shop", "soon"), assignees=(ADA.id,), status="done", expected_version=1
    )
    given_task().when(edit).then(
        TaskLabelled("Shop", Change((), ("Shop",))),
        TaskLabelled("soon", Change(("Shop",), ("Shop", "soon"))),
        TaskAssigned(ADA.id, Change((), (ADA.id,))),
        TaskCompleted(PROJECT, "todo"),
        TaskMoved(Change(PROJECT, PROJECT), Change("todo", "doing"), "done"),
    )


def test_an_edit_of_lists_removes_what_is_left_out_and_keeps_the_rest_as_spelled() -> None:
    both = TaskLabelled("soon", Change(("Shop",), ("Shop", "soon")))
    edit = EditTask(labels=("SHOP", "late"), assignees=(), expected_version=4)
    given_task(LABELLED, both, ASSIGNED).when(edit).then(
        TaskUnlabelled("soon", Change(("Shop", "soon"), ("Shop",))),
        TaskLabelled("late", Change(("Shop",), ("Shop", "late"))),
        TaskUnassigned(ADA.id, Change((ADA.id,), ())),
    )


def test_null_clears_labels_and_assignees() -> None:
    given_task(LABELLED, ASSIGNED).when(EditTask(labels=None, assignees=None, expected_version=3)).then(
        TaskUnlabelled("Shop", Change(("Shop",), ())), TaskUnassigned(ADA.id, Change((ADA.id,), ()))
    )


def test_an_edit_obeys_the_rules_of_the_commands_that_it_stands_for() -> None:
    there = given(workspace(), project(), limited_column("refuse", tasks=2), task())
    there.when(EditTask(column="doing", expected_version=1)).then_refused(ColumnIsFull)
    there.when(EditTask(column="nowhere", expected_version=1)).then_refused(UnknownColumn)
    there.when(EditTask(assignees=(BOB.id,), expected_version=1)).then_refused(AssigneeIsNoMember)


def test_an_assignee_who_has_left_may_stay_in_an_edit() -> None:
    left = TaskAssigned(BOB.id, Change((), (BOB.id,)))
    given_task(left).when(EditTask(assignees=(BOB.id, ADA.id), expected_version=2)).then(
        TaskAssigned(ADA.id, Change((BOB.id,), (BOB.id, ADA.id)))
    )


@pytest.mark.parametrize(
    "edit",
    [
        {},
        {"column": "To do", "labels": (), "assignees": None, "status": "open"},
        {"title": "Buy milk"},
        {"title": UNSET},
        {"description": ""},
        {"description": None},
        {"priority": "none"},
        {"priority": None},
        {"due": None},
        {"title": "Buy milk", "description": None, "priority": None, "due": None},
    ],
    ids=str,
)
def test_an_edit_to_the_same_value_writes_nothing(edit: dict[str, Any]) -> None:
    given_task().when(EditTask(expected_version=1, **edit)).then_nothing()


@pytest.mark.parametrize("written", ["2026-12-01T10:00:00Z", "2026-12-01t10:00z", "2026-12-01 10:00:00.000+00:00"])
def test_the_same_instant_in_another_offset_writes_nothing(written: str) -> None:
    due = DueDateSet(Change(None, "2026-12-01T10:00:00+00:00"))
    given_task(due).when(EditTask(due=written, expected_version=2)).then_nothing()


# Completing and reopening


def test_an_open_task_is_completed() -> None:
    given_task().when(CompleteTask()).then(COMPLETED)


def test_a_completed_task_says_where_it_was_completed() -> None:
    given_task(MOVED).when(CompleteTask()).then(TaskCompleted(PROJECT, "doing"))


@pytest.mark.parametrize("version", [None, 2])
def test_completing_a_completed_task_writes_nothing(version: int | None) -> None:
    given_task(COMPLETED).when(CompleteTask(expected_version=version)).then_nothing()


def test_a_task_that_is_done_is_reopened() -> None:
    given_task(COMPLETED).when(ReopenTask()).then(REOPENED)
    given_task(MOVED, COMPLETED).when(ReopenTask()).then(TaskReopened(PROJECT, "doing"))


@pytest.mark.parametrize("later", [(), (COMPLETED, REOPENED)], ids=["never done", "reopened"])
def test_reopening_an_open_task_writes_nothing(later: tuple[Event, ...]) -> None:
    given_task(*later).when(ReopenTask()).then_nothing()


# Moving


@pytest.mark.parametrize("column", ["doing", "In progress", "IN PROGRESS"])
def test_a_task_is_moved_to_a_column_by_id_and_by_name(column: str) -> None:
    given_task().when(MoveTask(column=column, expected_version=1)).then(MOVED)


def test_a_move_says_whether_the_task_is_done() -> None:
    moved = TaskMoved(Change(PROJECT, PROJECT), Change("todo", "done"), "done")
    given_task(COMPLETED).when(MoveTask(column="done", expected_version=2)).then(moved)


@pytest.mark.parametrize("column", ["todo", "To Do"])
def test_a_move_to_the_same_column_writes_nothing(column: str) -> None:
    given_task().when(MoveTask(column=column, expected_version=1)).then_nothing()


def test_a_task_is_not_moved_to_a_column_that_is_not_there() -> None:
    move = MoveTask(column="nowhere", expected_version=1)
    given_task().when(move).then_refused(UnknownColumn, columns=["todo", "doing", "done"])


# Trashing


@pytest.mark.parametrize(
    ("later", "event"),
    [
        ((), TRASHED),
        ((COMPLETED,), msgspec.structs.replace(TRASHED, status="done")),
        ((MOVED,), msgspec.structs.replace(TRASHED, column="doing")),
    ],
)
def test_a_task_is_trashed_wherever_it_is(later: tuple[Event, ...], event: Event) -> None:
    given_task(*later).when(TrashTask(expected_version=1 + len(later))).then(event)


def test_trashing_a_trashed_task_writes_nothing() -> None:
    given_task(TRASHED).when(TrashTask(expected_version=2)).then_nothing()


# Assigning


def test_a_task_is_assigned_to_one_member_after_the_other() -> None:
    both = TaskAssigned(BOB.id, Change((ADA.id,), (ADA.id, BOB.id)))
    given_task().when(ASSIGN).then(ASSIGNED)
    given(workspace(), member(BOB), project(), task(ASSIGNED)).when(AssignTask(user_id=BOB.id)).then(both)


def test_assigning_a_task_twice_writes_one_event() -> None:
    given_task(ASSIGNED).when(ASSIGN).then_nothing()


def test_a_non_member_cannot_be_assigned() -> None:
    bobs = workspace(OTHER_WORKSPACE, owner=BOB)
    for non_member in (BOB.id, fixed_uuid7(99), WORKSPACE):
        refusal = (
            given(workspace(), project(), task(), bobs)
            .when(AssignTask(user_id=non_member))
            .then_refused(AssigneeIsNoMember, user_id=non_member)
        )
        assert str(refusal) == AssigneeIsNoMember.title()


def test_an_assignment_guards_the_assignees_membership() -> None:
    past = EventHistory([*workspace(), *member(BOB), *project(), *task()])
    decision = past.decide(CommandOn(TASK, AssignTask(user_id=BOB.id)))
    assert decision.read_versions[member_stream_id(WORKSPACE, BOB.id)] == 1


def test_a_task_has_a_maximum_of_assignees() -> None:
    people = tuple(fixed_uuid7(1_000 + number) for number in range(MAX_ASSIGNEES_PER_TASK))
    full = TaskAssigned(people[-1], Change(people[:-1], people))
    given_task(full).when(ASSIGN).then_refused(TooManyAssignees, most=MAX_ASSIGNEES_PER_TASK)


def test_one_of_several_assignees_is_unassigned() -> None:
    both = TaskAssigned(BOB.id, Change((ADA.id,), (ADA.id, BOB.id)))
    given_task(ASSIGNED, both).when(UNASSIGN).then(TaskUnassigned(ADA.id, Change((ADA.id, BOB.id), (BOB.id,))))


def test_a_former_member_can_be_unassigned() -> None:
    bobs = TaskAssigned(BOB.id, Change((), (BOB.id,)))
    given_task(bobs).when(UnassignTask(user_id=BOB.id)).then(TaskUnassigned(BOB.id, Change((BOB.id,), ())))
    given_task(bobs).when(AssignTask(user_id=BOB.id)).then_nothing()
    gone: Facts = [*member(BOB), (member_stream_id(WORKSPACE, BOB.id), BOB_REMOVED)]
    given(workspace(), gone, project(), task()).when(AssignTask(user_id=BOB.id)).then_refused(AssigneeIsNoMember)


def test_unassigning_a_user_without_the_task_writes_nothing() -> None:
    given_task().when(UNASSIGN).then_nothing()


# Labelling


def test_a_task_is_labelled_with_one_label_after_the_other() -> None:
    given_task().when(LABEL).then(LABELLED)
    both = TaskLabelled("soon", Change(("Shop",), ("Shop", "soon")))
    given_task(LABELLED).when(LabelTask(label="soon")).then(both)


@pytest.mark.parametrize("written", ["Shop", "shop", "SHOP"])
def test_a_label_that_is_there_in_any_case_of_letters_stays_as_it_is(written: str) -> None:
    given_task(LABELLED).when(LabelTask(label=written)).then_nothing()


def test_labels_are_compared_by_case_folding() -> None:
    street = TaskLabelled("Straße", Change((), ("Straße",)))
    given_task(street).when(LabelTask(label="STRASSE")).then_nothing()


def test_a_task_has_a_maximum_of_labels() -> None:
    labels = tuple(f"label {number}" for number in range(MAX_LABELS_PER_TASK))
    full = TaskLabelled(labels[-1], Change(labels[:-1], labels))
    given_task(full).when(LABEL).then_refused(TooManyLabels, most=MAX_LABELS_PER_TASK)
    given_task(full).when(LabelTask(label="LABEL 7")).then_nothing()


@pytest.mark.parametrize("written", ["Shop", "shop", "SHOP"])
def test_a_label_is_removed_in_any_case(written: str) -> None:
    both = TaskLabelled("soon", Change(("Shop",), ("Shop", "soon")))
    gone = TaskUnlabelled("Shop", Change(("Shop", "soon"), ("soon",)))
    given_task(LABELLED, both).when(UnlabelTask(label=written)).then(gone)


def test_old_duplicates_of_a_label_in_two_cases_are_removed_together() -> None:
    old = msgspec.structs.replace(CREATED, labels=("shop", "soon", "Shop"))
    gone = TaskUnlabelled("shop", Change(("shop", "soon", "Shop"), ("soon",)))
    given(workspace(), project(), [(TASK, old)]).when(UNLABEL).then(gone)


def test_removing_a_missing_label_writes_nothing() -> None:
    given_task().when(UNLABEL).then_nothing()


# Restoring and purging


def test_a_task_is_restored_to_where_it_was() -> None:
    given_task(TRASHED).when(RestoreTask()).then(RESTORED)
    moved = msgspec.structs.replace(TRASHED, column="doing", status="done")
    back = TaskRestored(PROJECT, Change("doing", "doing"), "done")
    given_task(MOVED, COMPLETED, moved).when(RestoreTask()).then(back)


def test_a_task_is_restored_into_the_column_that_is_named() -> None:
    there = TaskRestored(PROJECT, Change("todo", "done"), "open")
    given_task(TRASHED).when(RestoreTask(column="Done")).then(there)
    given_task(TRASHED).when(RestoreTask(column="nowhere")).then_refused(UnknownColumn)


def test_a_task_whose_column_was_removed_is_restored_into_the_first() -> None:
    removed: Facts = [(PROJECT, ColumnsSet(Change(DEFAULT_COLUMNS, DEFAULT_COLUMNS[1:]), Change("warn", "warn")))]
    there = TaskRestored(PROJECT, Change("todo", "doing"), "open")
    given(workspace(), project(), task(TRASHED), removed).when(RestoreTask()).then(there)


@pytest.mark.parametrize("later", [(), (TRASHED, RESTORED)], ids=["never trashed", "restored"])
def test_restoring_an_active_task_writes_nothing(later: tuple[Event, ...]) -> None:
    given_task(*later).when(RestoreTask(column="done")).then_nothing()


def test_a_task_in_the_trash_is_purged() -> None:
    given_task(TRASHED).when(PurgeTask(expected_version=2)).then(PURGED)


@pytest.mark.parametrize("later", [(), (TRASHED, RESTORED)], ids=["never trashed", "restored"])
def test_a_task_that_is_in_no_trash_is_not_purged(later: tuple[Event, ...]) -> None:
    given_task(*later).when(PurgeTask(expected_version=1 + len(later))).then_refused(NotTrashed)


def test_a_task_of_a_purged_project_is_purged_in_any_state() -> None:
    gone: Facts = [(PROJECT, PROJECT_TRASHED), (PROJECT, ProjectPurged())]
    given(workspace(), project(), task(), gone).when(PurgeTask(expected_version=1)).then(PURGED)
    trashed: Facts = [(PROJECT, PROJECT_TRASHED)]
    given(workspace(), project(), task(), trashed).when(PurgeTask(expected_version=1)).then_refused(NotTrashed)


def test_a_task_restored_and_trashed_again_is_not_purged_on_the_old_version() -> None:
    again = given_task(TRASHED, RESTORED, TRASHED)
    again.when(PurgeTask(expected_version=2)).then_refused(VersionConflict)


# Columns with a limit


def test_a_task_that_enters_a_column_with_a_limit_is_counted() -> None:
    board = given(workspace(), project(), limited_column(tasks=1), task())
    board.when(MOVE).then(OtherStreamEvent(DOING, ColumnCounted(2)), MOVED)
    number = OtherStreamEvent(task_numbers_stream_id(PROJECT), TaskNumbersTaken(2, 2))
    made = msgspec.structs.replace(CREATED, column="doing", number=2, key="HOME-2")
    board.when(msgspec.structs.replace(CREATE, column="doing"), on=OTHER_TASK).then(
        OtherStreamEvent(DOING, ColumnCounted(2)), number, made
    )


def test_a_task_that_leaves_a_column_with_a_limit_is_counted() -> None:
    away = MoveTask(column="todo", expected_version=2)
    back = TaskMoved(Change(PROJECT, PROJECT), Change("doing", "todo"), "open")
    trashed = msgspec.structs.replace(TRASHED, column="doing")
    board = given(workspace(), project(), limited_column(tasks=2), task(MOVED))
    board.when(away).then(OtherStreamEvent(DOING, ColumnCounted(1)), back)
    board.when(TrashTask(expected_version=2)).then(OtherStreamEvent(DOING, ColumnCounted(1)), trashed)


def test_leaving_an_uncounted_column_writes_to_its_guard() -> None:
    trashed = msgspec.structs.replace(TRASHED, column="doing")
    board = given(workspace(), project(), limited_column(), task(MOVED))
    board.when(TrashTask(expected_version=2)).then(OtherStreamEvent(DOING, ColumnCounted(None)), trashed)


def test_an_uncounted_column_must_be_counted_before_a_task_enters() -> None:
    board = given(workspace(), project(), limited_column(), task())
    board.when(MOVE).then_refused(ColumnNotCounted, project=PROJECT, column="doing")


def test_a_full_column_refuses_every_way_in() -> None:
    trashed = msgspec.structs.replace(TRASHED, column="doing")
    full = {"column": "doing", "limit": 2, "tasks": 2}
    board = given(workspace(), project(), limited_column("refuse", tasks=2), task())
    board.when(MOVE).then_refused(ColumnIsFull, **full)
    board.when(msgspec.structs.replace(CREATE, column="doing"), on=OTHER_TASK).then_refused(ColumnIsFull, **full)
    there = given(workspace(), project(), limited_column("refuse", tasks=2), task(MOVED, trashed))
    there.when(RestoreTask()).then_refused(ColumnIsFull, **full)
    there.when(RestoreTask(column="todo")).then(TaskRestored(PROJECT, Change("doing", "todo"), "open"))


def test_a_full_column_warns_where_it_does_not_refuse() -> None:
    past = EventHistory([*workspace(), *project(), *limited_column("warn", tasks=2), *task()])
    decision = past.decide(CommandOn(TASK, MOVE))
    assert without_ranks(decision.new_events) == [(DOING, ColumnCounted(3)), (TASK, MOVED)]
    ((place, warning),) = decision.warnings
    assert (place, type(warning), warning.params["tasks"]) == (0, ColumnIsFull, 3)
    (result,) = results.from_decision([CommandOn(TASK, MOVE)], decision)
    assert result.warnings == (WipLimitWarning("column_is_full", "doing", 2, 3),)
    assert results.decode(results.encode([result])) == (result,)


# Every command on an existing task


@pytest.mark.parametrize(
    ("later", "refusal"),
    [
        ([ProjectArchived()], ProjectIsArchived),
        ([PROJECT_TRASHED], ProjectIsTrashed),
        ([PROJECT_TRASHED, ProjectPurged()], Purged),
    ],
    ids=["archived", "trashed", "purged"],
)
@pytest.mark.parametrize("command", [*ON_A_TASK, CREATE], ids=row_id)
def test_tasks_of_an_archived_or_trashed_project_are_read_only(
    command: Command[Any], later: list[Event], refusal: type[Refusal]
) -> None:
    away: Facts = [(PROJECT, event) for event in later]
    there = given(workspace(), project(), task(), away)
    there.when(command, on=OTHER_TASK if command is CREATE else TASK).then_refused(refusal)


@pytest.mark.parametrize("command", ON_A_TASK, ids=row_id)
def test_a_purged_task_is_gone_for_members_and_unknown_to_others(command: Command[Any]) -> None:
    given_task(TRASHED, PURGED).when(command).then_refused(Purged)
    given_task(TRASHED, PURGED).when(command, actor=BOB).then_refused(NotFound)


@pytest.mark.parametrize("command", NEEDING_AN_ACTIVE_TASK, ids=row_id)
def test_a_trashed_task_is_read_only(command: Command[Any]) -> None:
    seen = msgspec.structs.replace(command, expected_version=2)
    given_task(TRASHED).when(seen).then_refused(TaskIsTrashed)


@pytest.mark.parametrize("command", ON_A_TASK, ids=row_id)
def test_an_unknown_task_is_not_found(command: Command[Any]) -> None:
    given_task().when(command, on=OTHER_TASK).then_refused(NotFound)


@pytest.mark.parametrize("command", ON_A_TASK, ids=row_id)
@pytest.mark.parametrize(
    "target", [PROJECT, WORKSPACE, task_numbers_stream_id(PROJECT)], ids=["project", "workspace", "numbers"]
)
def test_another_kind_of_stream_is_not_found_as_a_task(command: Command[Any], target: UUID) -> None:
    given_task().when(command, on=target).then_refused(NotFound)


@pytest.mark.parametrize("command", ON_A_TASK, ids=row_id)
def test_a_non_member_gets_not_found(command: Command[Any]) -> None:
    given_task().when(command, actor=BOB).then_refused(NotFound)
    given(workspace(), project(), task(), workspace(OTHER_WORKSPACE, owner=BOB)).when(command, actor=BOB).then_refused(
        NotFound
    )


@pytest.mark.parametrize("command", ON_A_TASK, ids=row_id)
def test_a_non_member_gets_not_found_before_version_errors(command: Command[Any]) -> None:
    for version in (None, 0, 7):
        guess = msgspec.structs.replace(command, expected_version=version)
        given_task(RENAMED).when(guess, actor=BOB).then_refused(NotFound)


@pytest.mark.parametrize("command", OVERWRITING, ids=row_id)
def test_overwriting_commands_need_an_expected_version(command: Command[Any]) -> None:
    unversioned = msgspec.structs.replace(command, expected_version=None)
    given_task().when(unversioned).then_refused(VersionRequired)


def test_a_no_op_edit_needs_an_expected_version_too() -> None:
    given_task().when(EditTask()).then_refused(VersionRequired)


@pytest.mark.parametrize("command", ON_A_TASK, ids=row_id)
@pytest.mark.parametrize("version", [0, 1, 3, 2**53 - 1])
def test_a_stale_version_is_a_conflict(command: Command[Any], version: int) -> None:
    other = msgspec.structs.replace(command, expected_version=version)
    given_task(RENAMED).when(other).then_refused(VersionConflict, expected_version=version, current_version=2)


@pytest.mark.parametrize(
    ("command", "since", "fields"),
    [
        (EDIT, RENAMED, ["title"]),
        (EditTask(title="Buy tea", due="2026-12-01", expected_version=1), RENAMED, ["title"]),
        (EditTask(due="2026-12-01", expected_version=1), DueDateSet(Change(None, "2026-12-24")), ["due"]),
        (CompleteTask(expected_version=1), COMPLETED, ["status"]),
        (MOVE, TaskMoved(Change(PROJECT, PROJECT), Change("todo", "done"), "open"), ["column"]),
        (TRASH, TRASHED, ["trashed"]),
        (
            AssignTask(user_id=ADA.id, expected_version=1),
            TaskAssigned(BOB.id, Change((), (BOB.id,))),
            ["assignees"],
        ),
        (LabelTask(label="Shop", expected_version=1), TaskLabelled("soon", Change((), ("soon",))), ["labels"]),
    ],
    ids=row_id,
)
def test_a_lost_race_for_the_same_field_cannot_be_rebased(
    command: Command[Any], since: Event, fields: list[str]
) -> None:
    conflict = (
        given_task(since).when(command).then_refused(VersionConflict, conflicting_fields=fields, rebase_possible=False)
    )
    assert intervening_events(conflict) == [since]


@pytest.mark.parametrize("command", ON_A_TASK, ids=row_id)
def test_a_lost_race_for_another_field_can_be_rebased(command: Command[Any]) -> None:
    since = TaskDescribed(Change("", "Red"))
    seen = msgspec.structs.replace(command, expected_version=1)
    conflict = given_task(since).when(seen).then_refused(VersionConflict, conflicting_fields=[], rebase_possible=True)
    assert intervening_events(conflict) == [since]
