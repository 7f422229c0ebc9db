"""What may be asked of a workspace."""

import msgspec

from commands.command import Elsewhere
from commands.workspace import CreateWorkspace
from domain.errors import IdTaken, VersionConflict
from domain.workspace import MemberJoined, WorkspaceCreated, member_of
from tests.examples import ADA, BOB, WORKSPACE, user, workspace
from tests.given import given

CREATE = CreateWorkspace(name="Home")


def test_whoever_opens_a_workspace_owns_it() -> None:
    given(user()).when(CREATE).then(
        WorkspaceCreated("Home"),
        Elsewhere(member_of(WORKSPACE, ADA.id), MemberJoined(ADA.id, "owner")),
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
        Elsewhere(member_of(WORKSPACE, ADA.id), MemberJoined(ADA.id, "owner")),
    )


def test_a_workspace_is_not_opened_where_another_was_seen() -> None:
    begins = msgspec.structs.replace(CREATE, expected_version=1)
    given(user()).when(begins).then_refused(VersionConflict, expected_version=1, current_version=0)


def test_a_stranger_who_expects_no_workspace_is_not_shown_the_one_there() -> None:
    begins = msgspec.structs.replace(CREATE, expected_version=0)
    refusal = given(user(), workspace()).when(begins, by=BOB).then_refused(IdTaken)
    assert refusal.params == {}
