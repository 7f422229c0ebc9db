"""Commands on a workspace."""

import msgspec

from commands.command import OtherStreamEvent
from commands.workspace import CreateWorkspace, EditWorkspace
from domain.errors import Forbidden, IdTaken, NotFound, VersionConflict, VersionRequired
from domain.event import Change
from domain.member import MemberJoined, member_stream_id
from domain.workspace import WorkspaceCreated, WorkspaceRenamed
from tests.examples import ADA, BOB, WORKSPACE, member, user, workspace
from tests.given import given

CREATE = CreateWorkspace(name="Home")


def test_the_creator_of_a_workspace_owns_it() -> None:
    given(user()).when(CREATE).then(
        WorkspaceCreated("Home"),
        OtherStreamEvent(member_stream_id(WORKSPACE, ADA.id), MemberJoined(ADA.id, "owner")),
    )


def test_a_workspace_is_not_opened_twice() -> None:
    given(user(), workspace()).when(CREATE).then_refused(IdTaken)


def test_a_non_member_learns_only_that_an_id_is_taken() -> None:
    refusal = given(user(), workspace()).when(CREATE, actor=BOB).then_refused(IdTaken)
    assert refusal.params == {}


def test_creating_may_expect_version_zero() -> None:
    begins = msgspec.structs.replace(CREATE, expected_version=0)
    given(user()).when(begins).then(
        WorkspaceCreated("Home"),
        OtherStreamEvent(member_stream_id(WORKSPACE, ADA.id), MemberJoined(ADA.id, "owner")),
    )


def test_creating_on_a_version_other_than_zero_is_a_conflict() -> None:
    begins = msgspec.structs.replace(CREATE, expected_version=1)
    given(user()).when(begins).then_refused(VersionConflict, expected_version=1, current_version=0)


def test_a_non_member_expecting_version_zero_sees_no_conflict_details() -> None:
    begins = msgspec.structs.replace(CREATE, expected_version=0)
    refusal = given(user(), workspace()).when(begins, actor=BOB).then_refused(IdTaken)
    assert refusal.params == {}


def test_a_workspace_gets_another_name() -> None:
    rename = EditWorkspace(name="House", expected_version=1)
    given(user(), workspace()).when(rename).then(WorkspaceRenamed(Change("Home", "House")))


def test_renaming_to_the_same_name_writes_nothing() -> None:
    given(user(), workspace()).when(EditWorkspace(name="Home", expected_version=1)).then_nothing()


def test_renaming_needs_the_role_and_an_expected_version() -> None:
    rename = EditWorkspace(name="House", expected_version=1)
    given(user(), workspace(), member(BOB)).when(rename, actor=BOB).then_refused(Forbidden, needed="admin")
    given(user(), workspace()).when(rename, actor=BOB).then_refused(NotFound)
    given(user(), workspace()).when(EditWorkspace(name="House")).then_refused(VersionRequired)
