"""What may be asked of an invitation."""

import pytest

from commands.command import OtherStreamEvent
from commands.invitation import AcceptInvitation, InviteMember, RevokeInvitation
from domain.errors import Forbidden, IdTaken, InvitationIsClosed, NotFound
from domain.event import Change
from domain.invitation import InvitationAccepted, InvitationRevoked, MemberInvited
from domain.member import MemberJoined, MemberRemoved, MemberRoleChanged, Role, member_stream_id
from domain.workspace import OwnerAppointed
from tests.examples import (
    ADA,
    BOB,
    CAT,
    INVITATION,
    WORKSPACE,
    Facts,
    another_user,
    invitation,
    member,
    user,
    workspace,
)
from tests.given import given

BOBS = member_stream_id(WORKSPACE, BOB.id)
HERE = [*user(), *another_user(), *workspace()]
INVITE = InviteMember(workspace_id=WORKSPACE, role="member")
BOB_ACCEPTED = (INVITATION, InvitationAccepted(BOB.id))


def test_a_place_is_kept_for_somebody() -> None:
    given(HERE).when(INVITE).then(MemberInvited(WORKSPACE, "member", ADA.id))


def test_an_invitation_is_made_once() -> None:
    given(HERE, invitation()).when(INVITE).then_refused(IdTaken)


def test_an_admin_invites_anybody_but_an_owner() -> None:
    there = given(HERE, member(BOB, "admin"))
    there.when(INVITE, by=BOB).then(MemberInvited(WORKSPACE, "member", BOB.id))
    as_owner = InviteMember(workspace_id=WORKSPACE, role="owner")
    there.when(as_owner, by=BOB).then_refused(Forbidden, needed="owner")
    there.when(as_owner).then(MemberInvited(WORKSPACE, "owner", ADA.id))


@pytest.mark.parametrize("role", ["member", "viewer"])
def test_members_invite_nobody(role: Role) -> None:
    there = given(HERE, member(BOB, role), invitation())
    there.when(INVITE, by=BOB).then_refused(Forbidden)
    there.when(RevokeInvitation(), by=BOB).then_refused(Forbidden)


def test_a_stranger_finds_nothing_to_invite_to() -> None:
    given(HERE).when(INVITE, by=BOB).then_refused(NotFound)
    given(HERE, invitation()).when(RevokeInvitation(), by=BOB).then_refused(NotFound)


def test_an_invitation_is_revoked_once() -> None:
    there = given(HERE, invitation())
    there.when(RevokeInvitation()).then(InvitationRevoked())
    there.when(RevokeInvitation(), RevokeInvitation()).then(InvitationRevoked())
    given(HERE, invitation(InvitationAccepted(BOB.id))).when(RevokeInvitation()).then_nothing()


def test_whoever_accepts_has_the_role() -> None:
    given(HERE, invitation()).when(AcceptInvitation(), by=BOB).then(
        InvitationAccepted(BOB.id), OtherStreamEvent(BOBS, MemberJoined(BOB.id, "member"))
    )


def test_an_owner_who_accepts_is_counted() -> None:
    given(HERE, invitation(role="owner")).when(AcceptInvitation(), by=BOB).then(
        InvitationAccepted(BOB.id),
        OtherStreamEvent(WORKSPACE, OwnerAppointed(BOB.id)),
        OtherStreamEvent(BOBS, MemberJoined(BOB.id, "owner")),
    )


def test_a_member_who_accepts_rises_and_never_falls() -> None:
    given(HERE, member(BOB, "viewer"), invitation()).when(AcceptInvitation(), by=BOB).then(
        InvitationAccepted(BOB.id), OtherStreamEvent(BOBS, MemberRoleChanged(BOB.id, Change("viewer", "member")))
    )
    given(HERE, member(BOB, "admin"), invitation()).when(AcceptInvitation(), by=BOB).then(InvitationAccepted(BOB.id))


def test_an_invitation_is_accepted_once() -> None:
    there = given(HERE, invitation(InvitationAccepted(BOB.id)), member())
    there.when(AcceptInvitation(), by=BOB).then_nothing()
    there.when(AcceptInvitation()).then_refused(InvitationIsClosed)


def test_a_revoked_invitation_is_not_accepted() -> None:
    given(HERE, invitation(InvitationRevoked())).when(AcceptInvitation(), by=BOB).then_refused(InvitationIsClosed)


CATS = member_stream_id(WORKSPACE, CAT.id)


def invited_by_cat(role: Role) -> Facts:
    return [*another_user(CAT, "cat@example.org", "Cat"), (INVITATION, MemberInvited(WORKSPACE, role, CAT.id))]


@pytest.mark.parametrize(("inviter", "role"), [("owner", "owner"), ("admin", "admin")])
def test_an_invitation_stands_while_who_sent_it_may_send_it(inviter: Role, role: Role) -> None:
    there = given(HERE, member(CAT, inviter), invited_by_cat(role)).when(AcceptInvitation(), by=BOB)
    assert there.decided().read_versions[CATS] == 1


@pytest.mark.parametrize(("inviter", "role"), [("admin", "owner"), ("member", "viewer"), ("viewer", "viewer")])
def test_an_invitation_of_somebody_who_may_not_invite_any_more_is_closed(inviter: Role, role: Role) -> None:
    there = given(HERE, member(CAT, inviter), invited_by_cat(role))
    there.when(AcceptInvitation(), by=BOB).then_refused(InvitationIsClosed)


def test_an_invitation_of_somebody_who_was_removed_is_closed() -> None:
    removed = [(CATS, MemberRemoved(CAT.id, Change("admin", None)))]
    there = given(HERE, member(CAT, "admin"), invited_by_cat("member"), removed)
    there.when(AcceptInvitation(), by=BOB).then_refused(InvitationIsClosed)


def test_an_invitation_that_does_not_say_who_sent_it_stands() -> None:
    there = given(HERE, [(INVITATION, MemberInvited(WORKSPACE, "member"))])
    there.when(AcceptInvitation(), by=BOB).then(
        InvitationAccepted(BOB.id), OtherStreamEvent(BOBS, MemberJoined(BOB.id, "member"))
    )


def test_an_invitation_that_there_is_not_is_not_found() -> None:
    given(HERE).when(AcceptInvitation(), by=BOB).then_refused(NotFound)
    given(HERE).when(RevokeInvitation()).then_refused(NotFound)
