"""A workspace and its members."""

from domain.event import fold
from domain.workspace import Member, MemberJoined, Workspace, WorkspaceCreated, member_of
from tests.examples import ADA, BOB, OTHER_WORKSPACE, WORKSPACE


def test_a_workspace_has_the_name_that_it_was_given() -> None:
    assert fold(Workspace, [WorkspaceCreated("Home")]) == Workspace("Home")


def test_a_member_has_the_role_that_they_joined_with() -> None:
    assert fold(Member, [MemberJoined(ADA.id, "viewer")]) == Member(ADA.id, "viewer")


def test_each_membership_has_a_stream_of_its_own_that_no_client_can_name() -> None:
    streams = {member_of(place, who.id) for place in (WORKSPACE, OTHER_WORKSPACE) for who in (ADA, BOB)}
    assert len(streams) == 4
    assert {stream.version for stream in streams} == {5}
