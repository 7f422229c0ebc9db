"""A decision: the streams it loads, the order of its refusals, and batches of commands."""

from typing import Any

import pytest

from commands.archive import ArchiveByRule, ArchiveTask, UnarchiveTask
from commands.command import CLOSING_EVENTS_OVER_CAP, Command, all_commands
from commands.comment import DeleteComment
from commands.handling.command_on import CommandOn
from commands.handling.decision import Decision
from commands.handling.stream_cache import NotLoaded
from commands.invitation import RevokeInvitation
from commands.member import LeaveWorkspace, RemoveMember
from commands.project import ArchiveProject, CreateProject, RestoreProject
from commands.saved_filter import DeleteFilter
from commands.task import CompleteTask, CreateTask, EditTask, MoveTask, ReopenTask
from commands.time_entry import DeleteTimeEntry
from commands.token import RevokeToken
from commands.trash import (
    PurgeComment,
    PurgeProject,
    PurgeTask,
    PurgeTimeEntry,
    PurgeWorkspace,
    RestoreTask,
    RestoreWorkspace,
    TrashProject,
    TrashTask,
    TrashWorkspace,
)
from commands.user import ChangePassword, DeleteAccount, RegisterUser, VerifyEmail
from commands.workspace import CreateWorkspace
from domain.errors import Contradicts, NotFound, Refusal, StreamIsFull, TaskIsTrashed, VersionConflict
from domain.event import Actor
from domain.instance import INSTANCE_STREAM_ID, RULE_ACTOR, AdministratorAppointed
from domain.member import member_stream_id
from domain.project import project_key_stream_id
from domain.subtask import tree_stream_id
from domain.task import task_numbers_stream_id
from domain.workspace import OwnerAppointed, WorkspaceTrashed
from tests.examples import (
    ADA,
    ARCHIVE_RULE_SET,
    ARCHIVED,
    BOB,
    COMPLETED,
    MOVED,
    OTHER_PROJECT,
    OTHER_TASK,
    OTHER_WORKSPACE,
    PROJECT,
    PROJECT_TRASHED,
    PURGED,
    RENAMED,
    TASK,
    TOKEN,
    TRASHED,
    WORKSPACE,
    Facts,
    address_streams,
    comment,
    fixed_uuid7,
    invitation,
    member,
    project,
    saved_filter,
    task,
    time_entry,
    token,
    user,
    workspace,
)
from tests.given import DEFAULT_TARGETS, EventHistory, given
from tests.ranks import without_ranks

ADAS_MEMBERSHIP = member_stream_id(WORKSPACE, ADA.id)
HISTORY = EventHistory([*user(), *workspace(), *project(), *task(RENAMED)])


@pytest.mark.parametrize(
    ("command_on", "seen"),
    [
        pytest.param(
            CommandOn(TASK, CompleteTask()),
            {TASK: 2, ADAS_MEMBERSHIP: 1, WORKSPACE: 1, PROJECT: 1, tree_stream_id(PROJECT): 0},
            id="complete",
        ),
        pytest.param(
            CommandOn(TASK, MoveTask(column="doing", expected_version=2)),
            {TASK: 2, ADAS_MEMBERSHIP: 1, WORKSPACE: 1, PROJECT: 1},
            id="move",
        ),
        pytest.param(
            CommandOn(OTHER_TASK, CreateTask(project_id=PROJECT, title="Buy tea")),
            {OTHER_TASK: 0, ADAS_MEMBERSHIP: 1, WORKSPACE: 1, PROJECT: 1, task_numbers_stream_id(PROJECT): 1},
            id="create a task",
        ),
        pytest.param(
            CommandOn(OTHER_PROJECT, CreateProject(workspace_id=WORKSPACE, name="Work", key="WORK")),
            {OTHER_PROJECT: 0, ADAS_MEMBERSHIP: 1, WORKSPACE: 1, project_key_stream_id(WORKSPACE, "WORK"): 0},
            id="create a project",
        ),
        pytest.param(
            CommandOn(OTHER_WORKSPACE, CreateWorkspace(name="Work")),
            {OTHER_WORKSPACE: 0, member_stream_id(OTHER_WORKSPACE, ADA.id): 0},
            id="create a workspace",
        ),
        pytest.param(
            CommandOn(
                BOB.id, RegisterUser(email="bob@example.org", address=address_streams("bob@example.org"), name="Bob")
            ),
            {
                BOB.id: 0,
                INSTANCE_STREAM_ID: 1,
                address_streams("bob@example.org").current: 0,
                **dict.fromkeys(address_streams("bob@example.org").former, 0),
            },
            id="register",
        ),
    ],
)
def test_every_loaded_stream_is_guarded_at_its_version(command_on: CommandOn, seen: dict[object, int]) -> None:
    assert HISTORY.decide(command_on).read_versions == seen


def test_a_no_op_decision_still_guards_what_it_loaded() -> None:
    decision = EventHistory([*workspace(), *project(), *task(COMPLETED)]).decide(CommandOn(TASK, CompleteTask()))
    assert (decision.new_events, decision.read_versions) == (
        [],
        {TASK: 2, ADAS_MEMBERSHIP: 1, WORKSPACE: 1, PROJECT: 1},
    )


def test_a_missing_stream_raises_not_loaded() -> None:
    with pytest.raises(NotLoaded) as missing:
        Decision({}, ADA).decide(CommandOn(TASK, CompleteTask()))
    assert missing.value.streams == (TASK,)


def test_a_decision_knows_its_workspace() -> None:
    assert HISTORY.decide(CommandOn(TASK, CompleteTask())).workspace_id == WORKSPACE


def test_version_counts_new_events_and_seen_does_not() -> None:
    decision = HISTORY.decide(CommandOn(TASK, CompleteTask()))
    assert decision.version(TASK) == 3
    assert decision.read_versions[TASK] == 2


def test_each_command_of_a_batch_is_decided_on_the_result_before_it() -> None:
    there = given(workspace(), project(), task())
    move, trash = MoveTask(column="doing", expected_version=1), TrashTask(expected_version=2)
    there.when(CompleteTask(), CompleteTask()).then(COMPLETED)
    there.when(CompleteTask(), EditTask(title="Buy bread", expected_version=2)).then(COMPLETED, RENAMED)
    there.when(move, EditTask(title="Buy bread", expected_version=2)).then(MOVED, RENAMED)
    there.when(trash, move).then_refused(VersionConflict)
    given(workspace(), project(), task(RENAMED)).when(trash, CompleteTask()).then_refused(TaskIsTrashed)


def test_a_batch_writes_the_same_events_as_single_commands() -> None:
    commands = [
        CommandOn(TASK, CreateTask(project_id=PROJECT, title="Buy milk")),
        CommandOn(TASK, CompleteTask()),
        CommandOn(TASK, MoveTask(column="done", expected_version=2)),
    ]
    one_by_one = EventHistory([*workspace(), *project()])
    for command_on in commands:
        one_by_one.append(one_by_one.decide(command_on).new_events)
    together = EventHistory([*workspace(), *project()])
    together.append(together.decide(*commands).new_events)
    assert without_ranks(together.facts) == without_ranks(one_by_one.facts)
    assert together.version(TASK) == 3


def test_a_batch_can_create_a_project_and_a_task_in_it() -> None:
    past = EventHistory(workspace())
    decision = past.decide(
        CommandOn(PROJECT, CreateProject(workspace_id=WORKSPACE, name="Household", key="HOME")),
        CommandOn(TASK, CreateTask(project_id=PROJECT, title="Buy milk")),
        CommandOn(OTHER_TASK, CreateTask(project_id=PROJECT, title="Buy tea")),
    )
    past.append(decision.new_events)
    assert past.version(task_numbers_stream_id(PROJECT)) == 2
    assert decision.read_versions[PROJECT] == 0


def test_a_refusal_of_the_last_command_refuses_them_all() -> None:
    missing = MoveTask(column="doing", expected_version=1)
    given(workspace(), project(), task()).when(CompleteTask(), missing).then_refused(Contradicts)
    given(workspace(), task()).when(missing, CompleteTask()).then_refused(NotFound)


def test_a_contradiction_within_a_batch_names_the_version_it_met() -> None:
    there = given(workspace(), project(), task())
    stale = EditTask(title="Buy bread", expected_version=1)
    there.when(CompleteTask(), stale).then_refused(Contradicts, version=2)


def test_a_batch_of_two_workspaces_is_not_filed_under_the_last() -> None:
    """No rule crosses workspaces: a call is refused, or has one workspace for all its events."""
    elsewhere = [*workspace(OTHER_WORKSPACE), *project(OTHER_PROJECT, "WORK", OTHER_WORKSPACE)]
    past = EventHistory([*workspace(), *project(), *task(), *elsewhere])
    complete = CommandOn(TASK, CompleteTask())
    create = CommandOn(OTHER_TASK, CreateTask(project_id=OTHER_PROJECT, title="Buy tea"))
    try:
        decision = past.decide(complete, create)
    except Refusal:
        return
    assert decision.workspace_id != OTHER_WORKSPACE


def test_a_viewer_changes_nothing() -> None:
    past = EventHistory([*workspace(), *project(), *task(), *member(BOB, "viewer")])
    with pytest.raises(Refusal):
        past.decide(CommandOn(TASK, CompleteTask()), actor=BOB)


def test_deciding_does_not_mutate_its_input() -> None:
    past = EventHistory([*workspace(), *project(), *task(TRASHED)])
    before = {stream: list(history) for stream, history in past.streams.items()}
    past.decide(CommandOn(OTHER_TASK, CreateTask(project_id=PROJECT, title="Buy tea")))
    assert past.streams == before


TWO_OWNERS: Facts = [*workspace(), (WORKSPACE, OwnerAppointed(BOB.id)), *member(BOB, "owner")]
CLOSING: list[tuple[Command[Any], Facts, Actor]] = [
    (TrashTask(expected_version=1), task(), ADA),
    (RestoreTask(), task(TRASHED), ADA),
    (DeleteComment(expected_version=1), [*task(), *comment()], ADA),
    (ArchiveTask(), task(), ADA),
    (ArchiveByRule(expected_version=2), [(PROJECT, ARCHIVE_RULE_SET), *task(COMPLETED)], RULE_ACTOR),
    (UnarchiveTask(), task(ARCHIVED), ADA),
    (DeleteTimeEntry(expected_version=1), [*task(), *time_entry()], ADA),
    (ArchiveProject(), [], ADA),
    (TrashProject(expected_version=1), [], ADA),
    (RestoreProject(), [(PROJECT, PROJECT_TRASHED)], ADA),
    (VerifyEmail(), [], ADA),
    (ChangePassword(password_id=fixed_uuid7(62)), [], ADA),
    (RemoveMember(user_id=BOB.id), [], ADA),
    (LeaveWorkspace(), [], BOB),
    (TrashWorkspace(expected_version=2), [], ADA),
    (RestoreWorkspace(), [(WORKSPACE, WorkspaceTrashed("Home"))], ADA),
    (
        DeleteAccount(address=address_streams("ada@example.org")),
        [(INSTANCE_STREAM_ID, AdministratorAppointed(BOB.id))],
        ADA,
    ),
]
FINAL: list[tuple[Command[Any], Facts, Actor]] = [
    (PurgeComment(), [*task(TRASHED, PURGED), *comment()], RULE_ACTOR),
    (PurgeTimeEntry(), [*task(TRASHED, PURGED), *time_entry()], RULE_ACTOR),
    (PurgeTask(expected_version=2), task(TRASHED), RULE_ACTOR),
    (PurgeProject(expected_version=2), [(PROJECT, PROJECT_TRASHED)], RULE_ACTOR),
    (PurgeWorkspace(expected_version=3), [(WORKSPACE, WorkspaceTrashed("Home"))], RULE_ACTOR),
    (RevokeToken(token_id=TOKEN), token(), ADA),
    (RevokeInvitation(), invitation(), ADA),
    (DeleteFilter(expected_version=1), saved_filter(), ADA),
]


def row_id(row: object) -> str:
    return type(row).__name__ if isinstance(row, Command) else ""


@pytest.mark.parametrize(("command", "facts", "by"), [*CLOSING, *FINAL], ids=row_id)
def test_a_full_stream_can_still_be_closed(
    command: Command[Any], facts: Facts, by: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("commands.handling.decision.MAX_STREAM_EVENTS", 0)
    past, command_on = (
        EventHistory([*user(), *TWO_OWNERS, *project(), *facts]),
        CommandOn(DEFAULT_TARGETS[command.state_type], command),
    )
    assert past.decide(command_on, actor=by).version(command_on.target) > past.version(command_on.target)


@pytest.mark.parametrize(("command", "facts", "by"), [*CLOSING, *FINAL], ids=row_id)
def test_a_stream_at_its_cap_still_accepts_the_final_event(
    command: Command[Any], facts: Facts, by: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("commands.handling.decision.MAX_STREAM_EVENTS", -CLOSING_EVENTS_OVER_CAP)
    past, command_on = (
        EventHistory([*user(), *TWO_OWNERS, *project(), *facts]),
        CommandOn(DEFAULT_TARGETS[command.state_type], command),
    )
    if (command, facts, by) in FINAL:
        past.decide(command_on, actor=by)
    else:
        with pytest.raises(StreamIsFull):
            past.decide(command_on, actor=by)


def test_no_other_command_exceeds_the_cap() -> None:
    past_it = {kind for kind in all_commands().values() if kind.events_over_cap}
    assert past_it == {type(command) for command, *_ in (*CLOSING, *FINAL)}


def test_a_no_op_is_accepted_on_a_full_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("commands.handling.decision.MAX_STREAM_EVENTS", 1)
    given(workspace(), project(), task(COMPLETED)).when(CompleteTask()).then_nothing()
    given(workspace(), project(), task(COMPLETED)).when(ReopenTask()).then_refused(StreamIsFull, most=1)
