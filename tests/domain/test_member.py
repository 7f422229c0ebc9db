"""A member: a role in a workspace, until it ends."""

from domain.event import Event, fold
from domain.member import Member, MemberJoined, member_stream_id
from tests.examples import ADA, BOB, BOB_LEFT, BOB_PROMOTED, BOB_REMOVED, OTHER_WORKSPACE, WORKSPACE

JOINED = MemberJoined(BOB.id, "member")


def fold_after_joining(*events: Event) -> Member | None:
    return fold(Member, events)


def test_a_member_has_the_role_that_they_got_last() -> None:
    assert fold_after_joining(JOINED) == Member(BOB.id, "member")
    assert fold_after_joining(JOINED, BOB_PROMOTED) == Member(BOB.id, "admin")


def test_a_removed_or_departed_member_has_no_role_until_rejoining() -> None:
    assert fold_after_joining(JOINED, BOB_REMOVED) is None
    assert fold_after_joining(JOINED, BOB_PROMOTED, BOB_LEFT) is None
    assert fold_after_joining(JOINED, BOB_REMOVED, MemberJoined(BOB.id, "viewer")) == Member(BOB.id, "viewer")


def test_each_membership_has_a_stream_of_its_own_that_no_client_can_name() -> None:
    streams = {member_stream_id(place, who.id) for place in (WORKSPACE, OTHER_WORKSPACE) for who in (ADA, BOB)}
    assert len(streams) == 4
    assert {stream.version for stream in streams} == {5}
