"""What may be asked of a task."""

from typing import Any
from uuid import UUID

import msgspec
import pytest
from msgspec import UNSET

from commands.command import Command, OtherStreamEvent
from commands.field_types import MAX_ASSIGNEES_PER_TASK, MAX_LABELS_PER_TASK
from commands.handling import results
from commands.handling.decision import CommandOn
from commands.handling.results import WipLimitWarning
from commands.label import LabelTask, UnlabelTask
from commands.task import AssignTask, CompleteTask, CreateTask, EditTask, MoveTask, ReopenTask, UnassignTask
from commands.trash import PurgeTask, RestoreTask, TrashTask
from domain.column import ColumnCounted, column_stream_id
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
from domain.project import DEFAULT_COLUMNS, ColumnsSet, ProjectArchived, ProjectPurged
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
    id7,
    limited,
    member,
    project,
    task,
    workspace,
)
from tests.given import Given, Past, given, intervening

CREATE = CreateTask(project_id=PROJECT, title="Buy milk")
EDIT = EditTask(title="Buy bread", expected_version=1)
MOVE = MoveTask(column="doing", expected_version=1)
TRASH = TrashTask(expected_version=1)
ASSIGN, UNASSIGN = AssignTask(user_id=ADA.id), UnassignTask(user_id=ADA.id)
LABEL, UNLABEL = LabelTask(label="Shop"), UnlabelTask(label="Shop")

DOING = column_stream_id(PROJECT, "doing")

ON_A_TASK = [EDIT, CompleteTask(), ReopenTask(), MOVE, TRASH, RestoreTask(), ASSIGN, UNASSIGN, LABEL, UNLABEL]
OVERWRITING = [EDIT, MOVE, TRASH]
NEEDING_IT_IN_USE = [EDIT, CompleteTask(), ReopenTask(), MOVE, ASSIGN, UNASSIGN, LABEL, UNLABEL]


def called(command: object) -> str:
    return type(command).__name__


def on_the_board(*later: Event) -> Given:
    """Ada's project with a task, and what happened to it later."""
    return given(workspace(), project(), task(*later))


# Creating


def test_a_task_is_created_in_the_first_column_with_the_next_number() -> None:
    given(workspace(), project()).when(CREATE).then(
        OtherStreamEvent(task_numbers_stream_id(PROJECT), TaskNumbersTaken(1, 1)), CREATED
    )


def test_numbers_are_given_out_in_order() -> None:
    second = msgspec.structs.replace(CREATED, number=2, key="HOME-2")
    on_the_board().when(CREATE, on=OTHER_TASK).then(
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


def test_a_task_is_not_created_for_somebody_who_is_no_member() -> None:
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
    on_the_board(*later).when(CREATE).then_refused(IdTaken)


@pytest.mark.parametrize("place", [None, WORKSPACE, TASK, OTHER_PROJECT])
def test_a_task_is_not_created_in_what_is_no_project(place: UUID | None) -> None:
    create = msgspec.structs.replace(CREATE, project_id=place)
    on_the_board().when(create, on=OTHER_TASK).then_refused(NotFound)


def test_a_stranger_finds_no_project_to_create_a_task_in() -> None:
    given(workspace(), project()).when(CREATE, by=BOB).then_refused(NotFound)
    elsewhere = member(BOB, workspace_id=OTHER_WORKSPACE)
    given(workspace(), project(), elsewhere).when(CREATE, by=BOB).then_refused(NotFound)


def test_a_task_is_not_created_where_another_was_seen() -> None:
    create = msgspec.structs.replace(CREATE, expected_version=3)
    given(workspace(), project()).when(create).then_refused(
        VersionConflict, expected_version=3, current_version=0, rebase_possible=False, current=None
    )


@pytest.mark.parametrize("taken", [WORKSPACE, OTHER_PROJECT, BOB.id], ids=["workspace", "foreign project", "user"])
def test_a_task_is_not_created_on_a_stream_of_something_else(taken: UUID) -> None:
    bobs: Facts = [*workspace(OTHER_WORKSPACE, owner=BOB), *project(OTHER_PROJECT, "BOBS", OTHER_WORKSPACE)]
    bob: Facts = [(BOB.id, UserRegistered("bob@example.org", "Bob"))]
    given(workspace(), project(), bobs, bob).when(CREATE, on=taken).then_refused(IdTaken)


def test_a_member_of_one_workspace_is_not_shown_the_task_of_another() -> None:
    bobs: Facts = [*workspace(OTHER_WORKSPACE, owner=BOB), *project(OTHER_PROJECT, "BOBS", OTHER_WORKSPACE)]
    create = CreateTask(project_id=OTHER_PROJECT, title="Spy", expected_version=0)
    refusal = given(workspace(), project(), task(), bobs).when(create, by=BOB).then_refused(IdTaken)
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
    on_the_board().when(EditTask(expected_version=1, **edit)).then(event)


def test_an_edit_of_every_field_is_an_event_for_each() -> None:
    edit = EditTask(title="Buy bread", description="Red", priority="low", due="2026-12-01", expected_version=1)
    on_the_board().when(edit).then(
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
    on_the_board(*full).when(EditTask(description=None, priority=None, due=None, expected_version=4)).then(
        TaskDescribed(Change("Red", "")),
        TaskPrioritised(Change("low", "none")),
        DueDateSet(Change("2026-12-01", None)),
    )


@pytest.mark.parametrize(
    "edit",
    [
        {},
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
def test_an_edit_to_what_is_there_already_is_nothing(edit: dict[str, Any]) -> None:
    on_the_board().when(EditTask(expected_version=1, **edit)).then_nothing()


@pytest.mark.parametrize("written", ["2026-12-01T10:00:00Z", "2026-12-01t10:00z", "2026-12-01 10:00:00.000+00:00"])
def test_the_same_moment_written_otherwise_is_nothing(written: str) -> None:
    due = DueDateSet(Change(None, "2026-12-01T10:00:00+00:00"))
    on_the_board(due).when(EditTask(due=written, expected_version=2)).then_nothing()


# Completing and reopening


def test_an_open_task_is_completed() -> None:
    on_the_board().when(CompleteTask()).then(COMPLETED)


def test_a_completed_task_says_where_it_was_completed() -> None:
    on_the_board(MOVED).when(CompleteTask()).then(TaskCompleted(PROJECT, "doing"))


@pytest.mark.parametrize("version", [None, 2])
def test_completing_a_task_that_is_done_is_nothing(version: int | None) -> None:
    on_the_board(COMPLETED).when(CompleteTask(expected_version=version)).then_nothing()


def test_a_task_that_is_done_is_reopened() -> None:
    on_the_board(COMPLETED).when(ReopenTask()).then(REOPENED)
    on_the_board(MOVED, COMPLETED).when(ReopenTask()).then(TaskReopened(PROJECT, "doing"))


@pytest.mark.parametrize("later", [(), (COMPLETED, REOPENED)], ids=["never done", "reopened"])
def test_reopening_an_open_task_is_nothing(later: tuple[Event, ...]) -> None:
    on_the_board(*later).when(ReopenTask()).then_nothing()


# Moving


@pytest.mark.parametrize("column", ["doing", "In progress", "IN PROGRESS"])
def test_a_task_is_moved_to_a_column_by_id_and_by_name(column: str) -> None:
    on_the_board().when(MoveTask(column=column, expected_version=1)).then(MOVED)


def test_a_move_says_whether_the_task_is_done() -> None:
    moved = TaskMoved(Change(PROJECT, PROJECT), Change("todo", "done"), "done")
    on_the_board(COMPLETED).when(MoveTask(column="done", expected_version=2)).then(moved)


@pytest.mark.parametrize("column", ["todo", "To Do"])
def test_a_move_to_where_it_is_is_nothing(column: str) -> None:
    on_the_board().when(MoveTask(column=column, expected_version=1)).then_nothing()


def test_a_task_is_not_moved_to_a_column_that_is_not_there() -> None:
    move = MoveTask(column="nowhere", expected_version=1)
    on_the_board().when(move).then_refused(UnknownColumn, columns=["todo", "doing", "done"])


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
    on_the_board(*later).when(TrashTask(expected_version=1 + len(later))).then(event)


def test_trashing_a_task_that_is_in_the_trash_is_nothing() -> None:
    on_the_board(TRASHED).when(TrashTask(expected_version=2)).then_nothing()


# Assigning


def test_a_task_is_assigned_to_one_member_after_the_other() -> None:
    both = TaskAssigned(BOB.id, Change((ADA.id,), (ADA.id, BOB.id)))
    on_the_board().when(ASSIGN).then(ASSIGNED)
    given(workspace(), member(BOB), project(), task(ASSIGNED)).when(AssignTask(user_id=BOB.id)).then(both)


def test_assigning_a_task_twice_is_nothing() -> None:
    on_the_board(ASSIGNED).when(ASSIGN).then_nothing()


def test_somebody_who_is_no_member_is_assigned_nothing_whoever_they_are() -> None:
    bobs = workspace(OTHER_WORKSPACE, owner=BOB)
    for nobody in (BOB.id, id7(99), WORKSPACE):
        refusal = (
            given(workspace(), project(), task(), bobs)
            .when(AssignTask(user_id=nobody))
            .then_refused(AssigneeIsNoMember, user_id=nobody)
        )
        assert str(refusal) == AssigneeIsNoMember.title()


def test_an_assignment_holds_only_if_the_assignee_is_still_a_member_when_it_is_written() -> None:
    past = Past([*workspace(), *member(BOB), *project(), *task()])
    decision = past.decide(CommandOn(TASK, AssignTask(user_id=BOB.id)))
    assert decision.read_versions[member_stream_id(WORKSPACE, BOB.id)] == 1


def test_a_task_is_assigned_to_so_many_and_no_more() -> None:
    people = tuple(id7(1_000 + number) for number in range(MAX_ASSIGNEES_PER_TASK))
    full = TaskAssigned(people[-1], Change(people[:-1], people))
    on_the_board(full).when(ASSIGN).then_refused(TooManyAssignees, most=MAX_ASSIGNEES_PER_TASK)


def test_a_task_is_taken_from_one_of_those_it_is_assigned_to() -> None:
    both = TaskAssigned(BOB.id, Change((ADA.id,), (ADA.id, BOB.id)))
    on_the_board(ASSIGNED, both).when(UNASSIGN).then(TaskUnassigned(ADA.id, Change((ADA.id, BOB.id), (BOB.id,))))


def test_a_task_is_taken_from_somebody_who_is_no_member_any_more() -> None:
    bobs = TaskAssigned(BOB.id, Change((), (BOB.id,)))
    on_the_board(bobs).when(UnassignTask(user_id=BOB.id)).then(TaskUnassigned(BOB.id, Change((BOB.id,), ())))
    on_the_board(bobs).when(AssignTask(user_id=BOB.id)).then_nothing()
    gone: Facts = [*member(BOB), (member_stream_id(WORKSPACE, BOB.id), BOB_REMOVED)]
    given(workspace(), gone, project(), task()).when(AssignTask(user_id=BOB.id)).then_refused(AssigneeIsNoMember)


def test_taking_a_task_from_somebody_who_has_it_not_is_nothing() -> None:
    on_the_board().when(UNASSIGN).then_nothing()


# Labelling


def test_a_task_is_labelled_with_one_label_after_the_other() -> None:
    on_the_board().when(LABEL).then(LABELLED)
    both = TaskLabelled("soon", Change(("Shop",), ("Shop", "soon")))
    on_the_board(LABELLED).when(LabelTask(label="soon")).then(both)


@pytest.mark.parametrize("written", ["Shop", "shop", "SHOP"])
def test_a_label_that_is_there_in_any_case_of_letters_stays_as_it_is(written: str) -> None:
    on_the_board(LABELLED).when(LabelTask(label=written)).then_nothing()


def test_letters_without_a_case_of_their_own_are_the_same_too() -> None:
    street = TaskLabelled("Straße", Change((), ("Straße",)))
    on_the_board(street).when(LabelTask(label="STRASSE")).then_nothing()


def test_a_task_has_so_many_labels_and_no_more() -> None:
    labels = tuple(f"label {number}" for number in range(MAX_LABELS_PER_TASK))
    full = TaskLabelled(labels[-1], Change(labels[:-1], labels))
    on_the_board(full).when(LABEL).then_refused(TooManyLabels, most=MAX_LABELS_PER_TASK)
    on_the_board(full).when(LabelTask(label="LABEL 7")).then_nothing()


@pytest.mark.parametrize("written", ["Shop", "shop", "SHOP"])
def test_a_label_is_taken_away_however_it_is_written(written: str) -> None:
    both = TaskLabelled("soon", Change(("Shop",), ("Shop", "soon")))
    gone = TaskUnlabelled("Shop", Change(("Shop", "soon"), ("soon",)))
    on_the_board(LABELLED, both).when(UnlabelTask(label=written)).then(gone)


def test_a_label_that_a_task_had_in_two_cases_of_letters_before_there_was_this_rule_goes_as_one() -> None:
    old = msgspec.structs.replace(CREATED, labels=("shop", "soon", "Shop"))
    gone = TaskUnlabelled("shop", Change(("shop", "soon", "Shop"), ("soon",)))
    given(workspace(), project(), [(TASK, old)]).when(UNLABEL).then(gone)


def test_taking_away_a_label_that_is_not_there_is_nothing() -> None:
    on_the_board().when(UNLABEL).then_nothing()


# Restoring and purging


def test_a_task_is_restored_to_where_it_was() -> None:
    on_the_board(TRASHED).when(RestoreTask()).then(RESTORED)
    moved = msgspec.structs.replace(TRASHED, column="doing", status="done")
    back = TaskRestored(PROJECT, Change("doing", "doing"), "done")
    on_the_board(MOVED, COMPLETED, moved).when(RestoreTask()).then(back)


def test_a_task_is_restored_into_the_column_that_is_named() -> None:
    there = TaskRestored(PROJECT, Change("todo", "done"), "open")
    on_the_board(TRASHED).when(RestoreTask(column="Done")).then(there)
    on_the_board(TRASHED).when(RestoreTask(column="nowhere")).then_refused(UnknownColumn)


def test_a_task_whose_column_was_removed_is_restored_into_the_first() -> None:
    removed: Facts = [(PROJECT, ColumnsSet(Change(DEFAULT_COLUMNS, DEFAULT_COLUMNS[1:]), Change("warn", "warn")))]
    there = TaskRestored(PROJECT, Change("todo", "doing"), "open")
    given(workspace(), project(), task(TRASHED), removed).when(RestoreTask()).then(there)


@pytest.mark.parametrize("later", [(), (TRASHED, RESTORED)], ids=["never trashed", "restored"])
def test_restoring_a_task_that_is_in_no_trash_is_nothing(later: tuple[Event, ...]) -> None:
    on_the_board(*later).when(RestoreTask(column="done")).then_nothing()


def test_a_task_in_the_trash_is_purged() -> None:
    on_the_board(TRASHED).when(PurgeTask(expected_version=2)).then(PURGED)


@pytest.mark.parametrize("later", [(), (TRASHED, RESTORED)], ids=["never trashed", "restored"])
def test_a_task_that_is_in_no_trash_is_not_purged(later: tuple[Event, ...]) -> None:
    on_the_board(*later).when(PurgeTask(expected_version=1 + len(later))).then_refused(NotTrashed)


def test_a_task_of_a_project_that_is_gone_is_purged_wherever_it_is() -> None:
    gone: Facts = [(PROJECT, PROJECT_TRASHED), (PROJECT, ProjectPurged())]
    given(workspace(), project(), task(), gone).when(PurgeTask(expected_version=1)).then(PURGED)
    trashed: Facts = [(PROJECT, PROJECT_TRASHED)]
    given(workspace(), project(), task(), trashed).when(PurgeTask(expected_version=1)).then_refused(NotTrashed)


def test_a_task_that_was_taken_out_of_the_trash_in_between_is_not_purged_though_it_is_there_again() -> None:
    again = on_the_board(TRASHED, RESTORED, TRASHED)
    again.when(PurgeTask(expected_version=2)).then_refused(VersionConflict)


# Columns with a limit


def test_a_task_that_enters_a_column_with_a_limit_is_counted() -> None:
    board = given(workspace(), project(), limited(tasks=1), task())
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
    board = given(workspace(), project(), limited(tasks=2), task(MOVED))
    board.when(away).then(OtherStreamEvent(DOING, ColumnCounted(1)), back)
    board.when(TrashTask(expected_version=2)).then(OtherStreamEvent(DOING, ColumnCounted(1)), trashed)


def test_a_task_that_leaves_a_column_that_is_not_counted_is_noticed() -> None:
    trashed = msgspec.structs.replace(TRASHED, column="doing")
    board = given(workspace(), project(), limited(), task(MOVED))
    board.when(TrashTask(expected_version=2)).then(OtherStreamEvent(DOING, ColumnCounted(None)), trashed)


def test_no_task_enters_a_column_that_is_not_counted() -> None:
    board = given(workspace(), project(), limited(), task())
    board.when(MOVE).then_refused(ColumnNotCounted, project=PROJECT, column="doing")


def test_a_full_column_refuses_whatever_way_a_task_comes() -> None:
    trashed = msgspec.structs.replace(TRASHED, column="doing")
    full = {"column": "doing", "limit": 2, "tasks": 2}
    board = given(workspace(), project(), limited("refuse", tasks=2), task())
    board.when(MOVE).then_refused(ColumnIsFull, **full)
    board.when(msgspec.structs.replace(CREATE, column="doing"), on=OTHER_TASK).then_refused(ColumnIsFull, **full)
    there = given(workspace(), project(), limited("refuse", tasks=2), task(MOVED, trashed))
    there.when(RestoreTask()).then_refused(ColumnIsFull, **full)
    there.when(RestoreTask(column="todo")).then(TaskRestored(PROJECT, Change("doing", "todo"), "open"))


def test_a_full_column_warns_where_it_does_not_refuse() -> None:
    past = Past([*workspace(), *project(), *limited("warn", tasks=2), *task()])
    decision = past.decide(CommandOn(TASK, MOVE))
    assert decision.new_events == [(DOING, ColumnCounted(3)), (TASK, MOVED)]
    ((place, warning),) = decision.warnings
    assert (place, type(warning), warning.params["tasks"]) == (0, ColumnIsFull, 3)
    (result,) = results.from_decision([CommandOn(TASK, MOVE)], decision)
    assert result.warnings == (WipLimitWarning("column_is_full", "doing", 2, 3),)
    assert results.decode(results.encode([result])) == (result,)


# Every command on a task that is there


@pytest.mark.parametrize(
    ("later", "refusal"),
    [
        ([ProjectArchived()], ProjectIsArchived),
        ([PROJECT_TRASHED], ProjectIsTrashed),
        ([PROJECT_TRASHED, ProjectPurged()], Purged),
    ],
    ids=["archived", "trashed", "purged"],
)
@pytest.mark.parametrize("command", [*ON_A_TASK, CREATE], ids=called)
def test_nothing_changes_in_a_project_that_is_put_away(
    command: Command[Any], later: list[Event], refusal: type[Refusal]
) -> None:
    away: Facts = [(PROJECT, event) for event in later]
    there = given(workspace(), project(), task(), away)
    there.when(command, on=OTHER_TASK if command is CREATE else TASK).then_refused(refusal)


@pytest.mark.parametrize("command", ON_A_TASK, ids=called)
def test_a_task_that_was_purged_is_gone_for_members_and_was_never_there_for_strangers(command: Command[Any]) -> None:
    on_the_board(TRASHED, PURGED).when(command).then_refused(Purged)
    on_the_board(TRASHED, PURGED).when(command, by=BOB).then_refused(NotFound)


@pytest.mark.parametrize("command", NEEDING_IT_IN_USE, ids=called)
def test_a_task_in_the_trash_stays_as_it_is(command: Command[Any]) -> None:
    seen = msgspec.structs.replace(command, expected_version=2)
    on_the_board(TRASHED).when(seen).then_refused(TaskIsTrashed)


@pytest.mark.parametrize("command", ON_A_TASK, ids=called)
def test_nothing_is_asked_of_a_task_that_is_not_there(command: Command[Any]) -> None:
    on_the_board().when(command, on=OTHER_TASK).then_refused(NotFound)


@pytest.mark.parametrize("command", ON_A_TASK, ids=called)
@pytest.mark.parametrize(
    "target", [PROJECT, WORKSPACE, task_numbers_stream_id(PROJECT)], ids=["project", "workspace", "numbers"]
)
def test_nothing_is_asked_of_a_task_that_is_something_else(command: Command[Any], target: UUID) -> None:
    on_the_board().when(command, on=target).then_refused(NotFound)


@pytest.mark.parametrize("command", ON_A_TASK, ids=called)
def test_a_stranger_finds_no_task(command: Command[Any]) -> None:
    on_the_board().when(command, by=BOB).then_refused(NotFound)
    given(workspace(), project(), task(), workspace(OTHER_WORKSPACE, owner=BOB)).when(command, by=BOB).then_refused(
        NotFound
    )


@pytest.mark.parametrize("command", ON_A_TASK, ids=called)
def test_a_stranger_is_not_told_that_the_version_is_missing_or_old(command: Command[Any]) -> None:
    for version in (None, 0, 7):
        guess = msgspec.structs.replace(command, expected_version=version)
        on_the_board(RENAMED).when(guess, by=BOB).then_refused(NotFound)


@pytest.mark.parametrize("command", OVERWRITING, ids=called)
def test_what_overwrites_names_the_version_that_it_saw(command: Command[Any]) -> None:
    unversioned = msgspec.structs.replace(command, expected_version=None)
    on_the_board().when(unversioned).then_refused(VersionRequired)


def test_even_an_edit_that_changes_nothing_names_the_version_that_it_saw() -> None:
    on_the_board().when(EditTask()).then_refused(VersionRequired)


@pytest.mark.parametrize("command", ON_A_TASK, ids=called)
@pytest.mark.parametrize("version", [0, 1, 3, 2**53 - 1])
def test_a_version_that_is_not_the_present_one_is_a_conflict(command: Command[Any], version: int) -> None:
    other = msgspec.structs.replace(command, expected_version=version)
    on_the_board(RENAMED).when(other).then_refused(VersionConflict, expected_version=version, current_version=2)


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
    ids=called,
)
def test_a_lost_race_for_the_same_field_cannot_be_rebased(
    command: Command[Any], since: Event, fields: list[str]
) -> None:
    conflict = (
        on_the_board(since)
        .when(command)
        .then_refused(VersionConflict, conflicting_fields=fields, rebase_possible=False)
    )
    assert intervening(conflict) == [since]


@pytest.mark.parametrize("command", ON_A_TASK, ids=called)
def test_a_lost_race_for_another_field_can_be_rebased(command: Command[Any]) -> None:
    since = TaskDescribed(Change("", "Red"))
    seen = msgspec.structs.replace(command, expected_version=1)
    conflict = on_the_board(since).when(seen).then_refused(VersionConflict, conflicting_fields=[], rebase_possible=True)
    assert intervening(conflict) == [since]
