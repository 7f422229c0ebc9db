"""What may be asked of a workspace."""

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


def test_whoever_opens_a_workspace_owns_it() -> None:
    given(user()).when(CREATE).then(
        WorkspaceCreated("Home"),
        OtherStreamEvent(member_stream_id(WORKSPACE, ADA.id), MemberJoined(ADA.id, "owner")),
    )


def test_a_workspace_is_not_opened_twice() -> None:
    given(user(), workspace()).when(CREATE).then_refused(IdTaken)


def test_a_stranger_learns_of_a_taken_id_and_no_more() -> None:
    refusal = given(user(), workspace()).when(CREATE, by=BOB).then_refused(IdTaken)
    assert refusal.params == {}


def test_a_workspace_may_be_expected_not_to_have_begun() -> None:
    begins = msgspec.structs.replace(CREATE, expected_version=0)
    given(user()).when(begins).then(
        WorkspaceCreated("Home"),
        OtherStreamEvent(member_stream_id(WORKSPACE, ADA.id), MemberJoined(ADA.id, "owner")),
    )


def test_a_workspace_is_not_opened_where_another_was_seen() -> None:
    begins = msgspec.structs.replace(CREATE, expected_version=1)
    given(user()).when(begins).then_refused(VersionConflict, expected_version=1, current_version=0)


def test_a_stranger_who_expects_no_workspace_is_not_shown_the_one_there() -> None:
    begins = msgspec.structs.replace(CREATE, expected_version=0)
    refusal = given(user(), workspace()).when(begins, by=BOB).then_refused(IdTaken)
    assert refusal.params == {}


def test_a_workspace_gets_another_name() -> None:
    rename = EditWorkspace(name="House", expected_version=1)
    given(user(), workspace()).when(rename).then(WorkspaceRenamed(Change("Home", "House")))


def test_a_workspace_that_has_the_name_already_keeps_it() -> None:
    given(user(), workspace()).when(EditWorkspace(name="Home", expected_version=1)).then_nothing()


def test_a_workspace_is_not_renamed_by_members_or_strangers_or_unseen() -> None:
    rename = EditWorkspace(name="House", expected_version=1)
    given(user(), workspace(), member(BOB)).when(rename, by=BOB).then_refused(Forbidden, needed="admin")
    given(user(), workspace()).when(rename, by=BOB).then_refused(NotFound)
    given(user(), workspace()).when(EditWorkspace(name="House")).then_refused(VersionRequired)
