"""A project that is imported begins with its own columns, and with the people who are no users here."""

from uuid import UUID

import pytest

from commands.command import OtherStreamEvent
from commands.comment import AddComment
from commands.project_import import ImportProject
from commands.task import AssignTask, CreateTask
from domain.column import Column
from domain.comment import CommentAdded
from domain.errors import AssigneeIsNoMember, Forbidden, NotFound, ProjectKeyTaken
from domain.event import Actor, Change
from domain.former_member import FormerMember, FormerMemberNamed
from domain.project import ProjectCreated, ProjectKeyReserved, project_key_stream_id
from domain.task import TaskAssigned, TaskCreated
from tests.examples import (
    ADA,
    BOB,
    CAT,
    OTHER_PROJECT,
    PROJECT,
    WORKSPACE,
    fixed_uuid7,
    member,
    project,
    task,
    workspace,
)
from tests.given import given

GRACE = fixed_uuid7(241)
COLUMNS = (Column("later", "Later"), Column("now", "Now"))
IMPORT = ImportProject(workspace_id=WORKSPACE, name="Past", key="PAST", columns=COLUMNS)
NAMED = FormerMemberNamed(WORKSPACE, "Grace")
OF_GRACE = Actor(GRACE, "import", ADA.id)
"""What Grace did elsewhere, and Ada imports."""


def test_a_project_begins_with_the_columns_of_its_board() -> None:
    reserved = OtherStreamEvent(project_key_stream_id(WORKSPACE, "PAST"), ProjectKeyReserved("PAST", PROJECT))
    created = ProjectCreated(WORKSPACE, "Past", "PAST", COLUMNS)
    given(workspace()).when(IMPORT).then(reserved, created)


def test_people_who_are_no_users_here_are_named_once() -> None:
    command = ImportProject(
        workspace_id=WORKSPACE, name="Past", key="PAST", columns=COLUMNS, former_members={GRACE: "Grace"}
    )
    first = given(workspace()).when(command).decision().new_events
    assert (GRACE, NAMED) in first
    again = given(workspace(), [(GRACE, NAMED)]).when(command).decision().new_events
    assert [stream for stream, _ in again] == [project_key_stream_id(WORKSPACE, "PAST"), PROJECT]


def test_a_key_that_is_taken_and_a_role_that_is_not_enough_are_refused() -> None:
    given(workspace(), project(OTHER_PROJECT, "PAST")).when(IMPORT).then_refused(ProjectKeyTaken, key="PAST")
    given(workspace(), member(BOB, "member")).when(IMPORT, actor=BOB).then_refused(Forbidden, needed="admin")
    given(workspace()).when(IMPORT, actor=CAT).then_refused(NotFound)


def test_an_import_needs_the_permissions_of_the_user_who_imports() -> None:
    here = given(workspace(), project(), task(), [(GRACE, NAMED)])
    events = here.when(CreateTask(project_id=PROJECT, title="Old"), on=fixed_uuid7(242), actor=OF_GRACE).decision()
    assert any(isinstance(event, TaskCreated) for _, event in events.new_events)
    by_a_stranger = Actor(GRACE, "import", CAT.id)
    again = here.when(CreateTask(project_id=PROJECT, title="Old"), on=fixed_uuid7(242), actor=by_a_stranger)
    again.then_refused(NotFound)


def test_a_comment_is_of_the_person_who_wrote_it_elsewhere() -> None:
    (comment,) = (
        given(workspace(), project(), task())
        .when(AddComment(task_id=task()[1][0], text="Hello"), actor=OF_GRACE)
        .decision()
        .new_events
    )
    assert isinstance(comment[1], CommentAdded)
    assert comment[1].user_id == GRACE


@pytest.mark.parametrize(
    ("actor", "workspace_id"),
    [(OF_GRACE, WORKSPACE), (ADA, WORKSPACE), (OF_GRACE, fixed_uuid7(243))],
    ids=["import", "user", "elsewhere"],
)
def test_an_import_alone_assigns_former_members_of_its_workspace(actor: Actor, workspace_id: UUID) -> None:
    here = given(workspace(), project(), task(), [(GRACE, FormerMemberNamed(workspace_id, "Grace"))])
    assigned = here.when(AssignTask(user_id=GRACE), actor=actor)
    if (actor, workspace_id) == (OF_GRACE, WORKSPACE):
        assigned.then(TaskAssigned(GRACE, Change((), (GRACE,))))
    else:
        assigned.then_refused(AssigneeIsNoMember, user_id=GRACE)


def test_the_name_of_a_former_member_is_never_in_a_snapshot() -> None:
    assert FormerMember.is_personal
