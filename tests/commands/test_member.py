"""What may be asked of a workspace about its members."""

import pytest

from commands.command import OtherStreamEvent
from commands.member import LeaveWorkspace, RemoveMember, SetRole
from domain.errors import Forbidden, LastOwner, NotFound
from domain.event import Actor, Change
from domain.member import MemberJoined, MemberLeft, MemberRemoved, MemberRoleChanged, Role, member_stream_id
from domain.workspace import OwnerAppointed, OwnerResigned
from tests.examples import ADA, BOB, BOB_REMOVED, WORKSPACE, Fact, another_user, id7, member, user, workspace
from tests.given import given

CLEO = Actor(id7(3))
BOBS, ADAS, CLEOS = (member_stream_id(WORKSPACE, who.id) for who in (BOB, ADA, CLEO))
HERE = [*user(), *another_user(), *workspace()]
OWNED_BY_BOTH: list[Fact] = [(WORKSPACE, OwnerAppointed(BOB.id)), *member(BOB, "owner")]
MAKE_BOB_MEMBER = SetRole(user_id=BOB.id, role="member")


def test_a_user_becomes_a_member() -> None:
    given(HERE).when(MAKE_BOB_MEMBER).then(OtherStreamEvent(BOBS, MemberJoined(BOB.id, "member")))


def test_whoever_was_removed_may_become_a_member_again() -> None:
    given(HERE, member(), [(BOBS, BOB_REMOVED)]).when(MAKE_BOB_MEMBER).then(
        OtherStreamEvent(BOBS, MemberJoined(BOB.id, "member"))
    )


def test_a_member_gets_another_role() -> None:
    lead = SetRole(user_id=BOB.id, role="admin")
    given(HERE, member()).when(lead).then(OtherStreamEvent(BOBS, MemberRoleChanged(BOB.id, Change("member", "admin"))))


def test_a_role_that_somebody_has_is_not_given_again() -> None:
    given(HERE, member()).when(MAKE_BOB_MEMBER).then_nothing()


def test_nobody_becomes_a_member_who_is_no_user() -> None:
    given(HERE).when(SetRole(user_id=CLEO.id, role="member")).then_refused(NotFound)
    given(HERE).when(SetRole(role="member")).then_refused(NotFound)


def test_an_owner_makes_an_owner_and_the_workspace_counts_them() -> None:
    given(HERE, member()).when(SetRole(user_id=BOB.id, role="owner")).then(
        OwnerAppointed(BOB.id), OtherStreamEvent(BOBS, MemberRoleChanged(BOB.id, Change("member", "owner")))
    )


def test_an_owner_who_is_one_of_two_may_become_something_else() -> None:
    given(HERE, OWNED_BY_BOTH).when(SetRole(user_id=BOB.id, role="viewer")).then(
        OwnerResigned(BOB.id), OtherStreamEvent(BOBS, MemberRoleChanged(BOB.id, Change("owner", "viewer")))
    )


def test_the_last_owner_stays_one() -> None:
    there = given(HERE, member())
    there.when(SetRole(user_id=ADA.id, role="admin")).then_refused(LastOwner)
    there.when(RemoveMember(user_id=ADA.id)).then_refused(LastOwner)
    there.when(LeaveWorkspace()).then_refused(LastOwner)


def test_of_two_owners_one_may_go_in_a_call_and_not_both() -> None:
    gone = SetRole(user_id=BOB.id, role="member")
    given(HERE, OWNED_BY_BOTH).when(gone, LeaveWorkspace()).then_refused(LastOwner)


def test_an_admin_gives_every_role_but_that_of_an_owner() -> None:
    there = given(HERE, member(BOB, "admin"), another_user(CLEO, "cleo@example.org"), member(CLEO, "viewer"))
    there.when(SetRole(user_id=CLEO.id, role="admin"), by=BOB).then(
        OtherStreamEvent(CLEOS, MemberRoleChanged(CLEO.id, Change("viewer", "admin")))
    )
    there.when(SetRole(user_id=CLEO.id, role="owner"), by=BOB).then_refused(Forbidden, needed="owner")
    there.when(SetRole(user_id=ADA.id, role="viewer"), by=BOB).then_refused(Forbidden, needed="owner")
    there.when(RemoveMember(user_id=ADA.id), by=BOB).then_refused(Forbidden, needed="owner")


@pytest.mark.parametrize("role", ["member", "viewer"])
def test_members_do_not_give_roles(role: Role) -> None:
    there = given(HERE, member(BOB, role))
    there.when(SetRole(user_id=BOB.id, role="admin"), by=BOB).then_refused(Forbidden, needed="admin")
    there.when(RemoveMember(user_id=ADA.id), by=BOB).then_refused(Forbidden, needed="admin")
    there.when(SetRole(user_id=CLEO.id, role="viewer"), by=BOB).then_refused(Forbidden, needed="admin")


def test_a_member_is_removed() -> None:
    given(HERE, member()).when(RemoveMember(user_id=BOB.id)).then(
        OtherStreamEvent(BOBS, MemberRemoved(BOB.id, Change("member", None)))
    )


def test_one_of_two_owners_is_removed() -> None:
    given(HERE, OWNED_BY_BOTH).when(RemoveMember(user_id=BOB.id)).then(
        OwnerResigned(BOB.id), OtherStreamEvent(BOBS, MemberRemoved(BOB.id, Change("owner", None)))
    )


def test_who_is_no_member_is_not_removed() -> None:
    given(HERE).when(RemoveMember(user_id=BOB.id)).then_nothing()
    given(HERE).when(RemoveMember()).then_refused(NotFound)


@pytest.mark.parametrize("role", ["admin", "member", "viewer"])
def test_everybody_may_leave(role: Role) -> None:
    given(HERE, member(BOB, role)).when(LeaveWorkspace(), by=BOB).then(
        OtherStreamEvent(BOBS, MemberLeft(BOB.id, Change(role, None)))
    )


def test_nobody_leaves_twice() -> None:
    given(HERE, member()).when(LeaveWorkspace(), LeaveWorkspace(), by=BOB).then_refused(NotFound)


def test_a_stranger_finds_no_members() -> None:
    for command in (MAKE_BOB_MEMBER, RemoveMember(user_id=ADA.id), LeaveWorkspace()):
        given(HERE).when(command, by=BOB).then_refused(NotFound)
