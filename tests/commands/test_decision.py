"""A decision: what it looks at, in which order it says no, and several commands in one."""

import pytest

from commands.decision import Decision, Wish
from commands.known import NotLoaded
from commands.project import CreateProject
from commands.task import CompleteTask, CreateTask, EditTask, MoveTask
from commands.trash import TrashTask
from commands.user import RegisterUser
from commands.workspace import CreateWorkspace
from domain.errors import Contradicts, NotFound, Refusal, TaskIsTrashed, VersionConflict
from domain.member import member_of
from domain.project import key_of
from domain.task import numbers_of
from domain.user import INSTANCE, address_of
from tests.examples import (
    ADA,
    BOB,
    COMPLETED,
    MOVED,
    OTHER_PROJECT,
    OTHER_TASK,
    OTHER_WORKSPACE,
    PROJECT,
    RENAMED,
    TASK,
    TRASHED,
    WORKSPACE,
    member,
    project,
    task,
    user,
    workspace,
)
from tests.given import Past, given

HERE = member_of(WORKSPACE, ADA.id)
PAST = Past([*user(), *workspace(), *project(), *task(RENAMED)])


@pytest.mark.parametrize(
    ("wish", "seen"),
    [
        pytest.param(
            Wish(TASK, CompleteTask()),
            {TASK: 2, HERE: 1, PROJECT: 1},
            id="complete",
        ),
        pytest.param(
            Wish(TASK, MoveTask(column="doing", expected_version=2)),
            {TASK: 2, HERE: 1, PROJECT: 1},
            id="move",
        ),
        pytest.param(
            Wish(OTHER_TASK, CreateTask(project_id=PROJECT, title="Buy tea")),
            {OTHER_TASK: 0, HERE: 1, PROJECT: 1, numbers_of(PROJECT): 1},
            id="create a task",
        ),
        pytest.param(
            Wish(OTHER_PROJECT, CreateProject(workspace_id=WORKSPACE, name="Work", key="WORK")),
            {OTHER_PROJECT: 0, HERE: 1, WORKSPACE: 1, key_of(WORKSPACE, "WORK"): 0},
            id="create a project",
        ),
        pytest.param(
            Wish(OTHER_WORKSPACE, CreateWorkspace(name="Work")),
            {OTHER_WORKSPACE: 0, member_of(OTHER_WORKSPACE, ADA.id): 0},
            id="create a workspace",
        ),
        pytest.param(
            Wish(BOB.id, RegisterUser(email="bob@example.org", name="Bob")),
            {BOB.id: 0, INSTANCE: 1, address_of("bob@example.org"): 0},
            id="register",
        ),
    ],
)
def test_all_that_was_looked_at_is_seen_at_the_version_it_had(wish: Wish, seen: dict[object, int]) -> None:
    assert PAST.decide(wish).seen == seen


def test_a_decision_that_changes_nothing_has_seen_what_it_looked_at_too() -> None:
    decision = Past([*workspace(), *project(), *task(COMPLETED)]).decide(Wish(TASK, CompleteTask()))
    assert (decision.written, decision.seen) == ([], {TASK: 2, HERE: 1, PROJECT: 1})


def test_a_stream_that_was_not_read_is_asked_for() -> None:
    with pytest.raises(NotLoaded) as missing:
        Decision({}, ADA).make(Wish(TASK, CompleteTask()))
    assert missing.value.stream == TASK


def test_a_decision_knows_its_workspace() -> None:
    assert PAST.decide(Wish(TASK, CompleteTask())).workspace_id == WORKSPACE


def test_the_version_counts_what_is_written_so_far_and_what_was_seen_does_not() -> None:
    decision = PAST.decide(Wish(TASK, CompleteTask()))
    assert decision.version(TASK) == 3
    assert decision.seen[TASK] == 2


def test_commands_in_one_call_are_decided_each_on_the_outcome_of_the_one_before() -> None:
    there = given(workspace(), project(), task())
    move, trash = MoveTask(column="doing", expected_version=1), TrashTask(expected_version=2)
    there.when(CompleteTask(), CompleteTask()).then(COMPLETED)
    there.when(CompleteTask(), EditTask(title="Buy bread", expected_version=2)).then(COMPLETED, RENAMED)
    there.when(move, EditTask(title="Buy bread", expected_version=2)).then(MOVED, RENAMED)
    there.when(trash, move).then_refused(VersionConflict)
    given(workspace(), project(), task(RENAMED)).when(trash, CompleteTask()).then_refused(TaskIsTrashed)


def test_create_complete_and_move_in_one_call_are_the_events_of_a_call_each() -> None:
    wishes = [
        Wish(TASK, CreateTask(project_id=PROJECT, title="Buy milk")),
        Wish(TASK, CompleteTask()),
        Wish(TASK, MoveTask(column="done", expected_version=2)),
    ]
    one_by_one = Past([*workspace(), *project()])
    for wish in wishes:
        one_by_one.add(one_by_one.decide(wish).written)
    together = Past([*workspace(), *project()])
    together.add(together.decide(*wishes).written)
    assert together.facts == one_by_one.facts
    assert together.version(TASK) == 3


def test_a_project_opened_in_a_call_takes_a_task_in_the_same() -> None:
    past = Past(workspace())
    decision = past.decide(
        Wish(PROJECT, CreateProject(workspace_id=WORKSPACE, name="Household", key="HOME")),
        Wish(TASK, CreateTask(project_id=PROJECT, title="Buy milk")),
        Wish(OTHER_TASK, CreateTask(project_id=PROJECT, title="Buy tea")),
    )
    past.add(decision.written)
    assert past.version(numbers_of(PROJECT)) == 2
    assert decision.seen[PROJECT] == 0


def test_a_refusal_of_the_last_command_refuses_them_all() -> None:
    missing = MoveTask(column="doing", expected_version=1)
    given(workspace(), project(), task()).when(CompleteTask(), missing).then_refused(Contradicts)
    given(workspace(), task()).when(missing, CompleteTask()).then_refused(NotFound)


def test_a_command_that_contradicts_one_of_the_same_call_is_told_the_version_that_it_met() -> None:
    there = given(workspace(), project(), task())
    stale = EditTask(title="Buy bread", expected_version=1)
    there.when(CompleteTask(), stale).then_refused(Contradicts, version=2)


def test_events_of_two_workspaces_do_not_all_go_under_the_last() -> None:
    """No rule crosses workspaces: a call is refused, or says the workspace of each event."""
    elsewhere = [*workspace(OTHER_WORKSPACE), *project(OTHER_PROJECT, "WORK", OTHER_WORKSPACE)]
    past = Past([*workspace(), *project(), *task(), *elsewhere])
    complete = Wish(TASK, CompleteTask())
    create = Wish(OTHER_TASK, CreateTask(project_id=OTHER_PROJECT, title="Buy tea"))
    try:
        decision = past.decide(complete, create)
    except Refusal:
        return
    assert decision.workspace_id != OTHER_WORKSPACE


def test_a_viewer_changes_nothing() -> None:
    past = Past([*workspace(), *project(), *task(), *member(BOB, "viewer")])
    with pytest.raises(Refusal):
        past.decide(Wish(TASK, CompleteTask()), by=BOB)


def test_deciding_does_not_touch_what_it_was_given() -> None:
    past = Past([*workspace(), *project(), *task(TRASHED)])
    before = {stream: list(history) for stream, history in past.streams.items()}
    past.decide(Wish(OTHER_TASK, CreateTask(project_id=PROJECT, title="Buy tea")))
    assert past.streams == before
