"""Commands on the members of a workspace."""

import pytest

from commands.command import OtherStreamEvent
from commands.member import LeaveWorkspace, RemoveMember, SetRole
from domain.errors import Forbidden, LastOwner, NotFound
from domain.event import Actor, Change
from domain.member import MemberJoined, MemberLeft, MemberRemoved, MemberRoleChanged, Role, member_stream_id
from domain.workspace import OwnerAppointed, OwnerResigned
from tests.examples import ADA, BOB, BOB_REMOVED, WORKSPACE, Fact, another_user, fixed_uuid7, member, user, workspace
from tests.given import given

CLEO = Actor(fixed_uuid7(3))
BOBS_MEMBERSHIP, ADAS_MEMBERSHIP, CLEOS_MEMBERSHIP = (member_stream_id(WORKSPACE, who.id) for who in (BOB, ADA, CLEO))
WORKSPACE_AND_BOB = [*user(), *another_user(), *workspace()]
OWNED_BY_BOTH: list[Fact] = [(WORKSPACE, OwnerAppointed(BOB.id)), *member(BOB, "owner")]
MAKE_BOB_MEMBER = SetRole(user_id=BOB.id, role="member")


def test_a_user_becomes_a_member() -> None:
    given(WORKSPACE_AND_BOB).when(MAKE_BOB_MEMBER).then(
        OtherStreamEvent(BOBS_MEMBERSHIP, MemberJoined(BOB.id, "member"))
    )


def test_a_removed_user_may_become_a_member_again() -> None:
    given(WORKSPACE_AND_BOB, member(), [(BOBS_MEMBERSHIP, BOB_REMOVED)]).when(MAKE_BOB_MEMBER).then(
        OtherStreamEvent(BOBS_MEMBERSHIP, MemberJoined(BOB.id, "member"))
    )


def test_a_member_gets_another_role() -> None:
    lead = SetRole(user_id=BOB.id, role="admin")
    given(WORKSPACE_AND_BOB, member()).when(lead).then(
        OtherStreamEvent(BOBS_MEMBERSHIP, MemberRoleChanged(BOB.id, Change("member", "admin")))
    )


def test_setting_the_same_role_writes_nothing() -> None:
    given(WORKSPACE_AND_BOB, member()).when(MAKE_BOB_MEMBER).then_nothing()


def test_an_unknown_user_cannot_become_a_member() -> None:
    given(WORKSPACE_AND_BOB).when(SetRole(user_id=CLEO.id, role="member")).then_refused(NotFound)
    given(WORKSPACE_AND_BOB).when(SetRole(role="member")).then_refused(NotFound)


def test_an_owner_makes_an_owner_and_the_workspace_counts_them() -> None:
    given(WORKSPACE_AND_BOB, member()).when(SetRole(user_id=BOB.id, role="owner")).then(
        OwnerAppointed(BOB.id), OtherStreamEvent(BOBS_MEMBERSHIP, MemberRoleChanged(BOB.id, Change("member", "owner")))
    )


def test_an_owner_who_is_one_of_two_may_become_something_else() -> None:
    given(WORKSPACE_AND_BOB, OWNED_BY_BOTH).when(SetRole(user_id=BOB.id, role="viewer")).then(
        OwnerResigned(BOB.id), OtherStreamEvent(BOBS_MEMBERSHIP, MemberRoleChanged(BOB.id, Change("owner", "viewer")))
    )


def test_the_last_owner_stays_one() -> None:
    there = given(WORKSPACE_AND_BOB, member())
    there.when(SetRole(user_id=ADA.id, role="admin")).then_refused(LastOwner)
    there.when(RemoveMember(user_id=ADA.id)).then_refused(LastOwner)
    there.when(LeaveWorkspace()).then_refused(LastOwner)


def test_one_batch_cannot_remove_both_owners() -> None:
    gone = SetRole(user_id=BOB.id, role="member")
    given(WORKSPACE_AND_BOB, OWNED_BY_BOTH).when(gone, LeaveWorkspace()).then_refused(LastOwner)


def test_an_admin_gives_every_role_but_that_of_an_owner() -> None:
    there = given(
        WORKSPACE_AND_BOB, member(BOB, "admin"), another_user(CLEO, "cleo@example.org"), member(CLEO, "viewer")
    )
    there.when(SetRole(user_id=CLEO.id, role="admin"), actor=BOB).then(
        OtherStreamEvent(CLEOS_MEMBERSHIP, MemberRoleChanged(CLEO.id, Change("viewer", "admin")))
    )
    there.when(SetRole(user_id=CLEO.id, role="owner"), actor=BOB).then_refused(Forbidden, needed="owner")
    there.when(SetRole(user_id=ADA.id, role="viewer"), actor=BOB).then_refused(Forbidden, needed="owner")
    there.when(RemoveMember(user_id=ADA.id), actor=BOB).then_refused(Forbidden, needed="owner")


@pytest.mark.parametrize("role", ["member", "viewer"])
def test_members_do_not_give_roles(role: Role) -> None:
    there = given(WORKSPACE_AND_BOB, member(BOB, role))
    there.when(SetRole(user_id=BOB.id, role="admin"), actor=BOB).then_refused(Forbidden, needed="admin")
    there.when(RemoveMember(user_id=ADA.id), actor=BOB).then_refused(Forbidden, needed="admin")
    there.when(SetRole(user_id=CLEO.id, role="viewer"), actor=BOB).then_refused(Forbidden, needed="admin")


def test_a_member_is_removed() -> None:
    given(WORKSPACE_AND_BOB, member()).when(RemoveMember(user_id=BOB.id)).then(
        OtherStreamEvent(BOBS_MEMBERSHIP, MemberRemoved(BOB.id, Change("member", None)))
    )


def test_one_of_two_owners_is_removed() -> None:
    given(WORKSPACE_AND_BOB, OWNED_BY_BOTH).when(RemoveMember(user_id=BOB.id)).then(
        OwnerResigned(BOB.id), OtherStreamEvent(BOBS_MEMBERSHIP, MemberRemoved(BOB.id, Change("owner", None)))
    )


def test_removing_a_non_member_writes_nothing() -> None:
    given(WORKSPACE_AND_BOB).when(RemoveMember(user_id=BOB.id)).then_nothing()
    given(WORKSPACE_AND_BOB).when(RemoveMember()).then_refused(NotFound)


@pytest.mark.parametrize("role", ["admin", "member", "viewer"])
def test_every_member_may_leave(role: Role) -> None:
    given(WORKSPACE_AND_BOB, member(BOB, role)).when(LeaveWorkspace(), actor=BOB).then(
        OtherStreamEvent(BOBS_MEMBERSHIP, MemberLeft(BOB.id, Change(role, None)))
    )


def test_leaving_twice_is_not_found() -> None:
    given(WORKSPACE_AND_BOB, member()).when(LeaveWorkspace(), LeaveWorkspace(), actor=BOB).then_refused(NotFound)


def test_a_non_member_gets_not_found() -> None:
    for command in (MAKE_BOB_MEMBER, RemoveMember(user_id=ADA.id), LeaveWorkspace()):
        given(WORKSPACE_AND_BOB).when(command, actor=BOB).then_refused(NotFound)
