"""Commands on an invitation."""

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

BOBS_MEMBERSHIP = member_stream_id(WORKSPACE, BOB.id)
WORKSPACE_AND_BOB = [*user(), *another_user(), *workspace()]
INVITE = InviteMember(workspace_id=WORKSPACE, role="member")
BOB_ACCEPTED = (INVITATION, InvitationAccepted(BOB.id))


def test_an_invitation_writes_its_event() -> None:
    given(WORKSPACE_AND_BOB).when(INVITE).then(MemberInvited(WORKSPACE, "member", ADA.id))


def test_an_invitation_id_is_used_once() -> None:
    given(WORKSPACE_AND_BOB, invitation()).when(INVITE).then_refused(IdTaken)


def test_an_admin_may_invite_every_role_but_owner() -> None:
    there = given(WORKSPACE_AND_BOB, member(BOB, "admin"))
    there.when(INVITE, actor=BOB).then(MemberInvited(WORKSPACE, "member", BOB.id))
    as_owner = InviteMember(workspace_id=WORKSPACE, role="owner")
    there.when(as_owner, actor=BOB).then_refused(Forbidden, needed="owner")
    there.when(as_owner).then(MemberInvited(WORKSPACE, "owner", ADA.id))


@pytest.mark.parametrize("role", ["member", "viewer"])
def test_members_may_not_invite(role: Role) -> None:
    there = given(WORKSPACE_AND_BOB, member(BOB, role), invitation())
    there.when(INVITE, actor=BOB).then_refused(Forbidden)
    there.when(RevokeInvitation(), actor=BOB).then_refused(Forbidden)


def test_a_non_member_gets_not_found() -> None:
    given(WORKSPACE_AND_BOB).when(INVITE, actor=BOB).then_refused(NotFound)
    given(WORKSPACE_AND_BOB, invitation()).when(RevokeInvitation(), actor=BOB).then_refused(NotFound)


def test_an_invitation_is_revoked_once() -> None:
    there = given(WORKSPACE_AND_BOB, invitation())
    there.when(RevokeInvitation()).then(InvitationRevoked())
    there.when(RevokeInvitation(), RevokeInvitation()).then(InvitationRevoked())
    given(WORKSPACE_AND_BOB, invitation(InvitationAccepted(BOB.id))).when(RevokeInvitation()).then_nothing()


def test_accepting_gives_the_role() -> None:
    given(WORKSPACE_AND_BOB, invitation()).when(AcceptInvitation(), actor=BOB).then(
        InvitationAccepted(BOB.id), OtherStreamEvent(BOBS_MEMBERSHIP, MemberJoined(BOB.id, "member"))
    )


def test_accepting_as_owner_counts_an_owner() -> None:
    given(WORKSPACE_AND_BOB, invitation(role="owner")).when(AcceptInvitation(), actor=BOB).then(
        InvitationAccepted(BOB.id),
        OtherStreamEvent(WORKSPACE, OwnerAppointed(BOB.id)),
        OtherStreamEvent(BOBS_MEMBERSHIP, MemberJoined(BOB.id, "owner")),
    )


def test_accepting_never_lowers_a_members_role() -> None:
    given(WORKSPACE_AND_BOB, member(BOB, "viewer"), invitation()).when(AcceptInvitation(), actor=BOB).then(
        InvitationAccepted(BOB.id),
        OtherStreamEvent(BOBS_MEMBERSHIP, MemberRoleChanged(BOB.id, Change("viewer", "member"))),
    )
    given(WORKSPACE_AND_BOB, member(BOB, "admin"), invitation()).when(AcceptInvitation(), actor=BOB).then(
        InvitationAccepted(BOB.id)
    )


def test_an_invitation_is_accepted_once() -> None:
    there = given(WORKSPACE_AND_BOB, invitation(InvitationAccepted(BOB.id)), member())
    there.when(AcceptInvitation(), actor=BOB).then_nothing()
    there.when(AcceptInvitation()).then_refused(InvitationIsClosed)


def test_a_revoked_invitation_is_not_accepted() -> None:
    given(WORKSPACE_AND_BOB, invitation(InvitationRevoked())).when(AcceptInvitation(), actor=BOB).then_refused(
        InvitationIsClosed
    )


CATS_MEMBERSHIP = member_stream_id(WORKSPACE, CAT.id)


def invited_by_cat(role: Role) -> Facts:
    return [*another_user(CAT, "cat@example.org", "Cat"), (INVITATION, MemberInvited(WORKSPACE, role, CAT.id))]


@pytest.mark.parametrize(("inviter", "role"), [("owner", "owner"), ("admin", "admin")])
def test_an_invitation_is_valid_while_its_sender_may_invite(inviter: Role, role: Role) -> None:
    there = given(WORKSPACE_AND_BOB, member(CAT, inviter), invited_by_cat(role)).when(AcceptInvitation(), actor=BOB)
    assert there.decision().read_versions[CATS_MEMBERSHIP] == 1


@pytest.mark.parametrize(("inviter", "role"), [("admin", "owner"), ("member", "viewer"), ("viewer", "viewer")])
def test_an_invitation_is_closed_when_its_sender_may_no_longer_invite(inviter: Role, role: Role) -> None:
    there = given(WORKSPACE_AND_BOB, member(CAT, inviter), invited_by_cat(role))
    there.when(AcceptInvitation(), actor=BOB).then_refused(InvitationIsClosed)


def test_an_invitation_is_closed_when_its_sender_was_removed() -> None:
    removed = [(CATS_MEMBERSHIP, MemberRemoved(CAT.id, Change("admin", None)))]
    there = given(WORKSPACE_AND_BOB, member(CAT, "admin"), invited_by_cat("member"), removed)
    there.when(AcceptInvitation(), actor=BOB).then_refused(InvitationIsClosed)


def test_an_invitation_without_a_sender_is_valid() -> None:
    there = given(WORKSPACE_AND_BOB, [(INVITATION, MemberInvited(WORKSPACE, "member"))])
    there.when(AcceptInvitation(), actor=BOB).then(
        InvitationAccepted(BOB.id), OtherStreamEvent(BOBS_MEMBERSHIP, MemberJoined(BOB.id, "member"))
    )


def test_an_invitation_that_there_is_not_is_not_found() -> None:
    given(WORKSPACE_AND_BOB).when(AcceptInvitation(), actor=BOB).then_refused(NotFound)
    given(WORKSPACE_AND_BOB).when(RevokeInvitation()).then_refused(NotFound)
