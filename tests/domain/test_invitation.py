"""An invitation: open until it is accepted or revoked."""

from domain.event import fold
from domain.invitation import Invitation, InvitationAccepted, InvitationRevoked
from tests.examples import ADA, BOB, MEMBER_INVITED, WORKSPACE


def test_an_invitation_is_open_at_first() -> None:
    assert fold(Invitation, [MEMBER_INVITED]) == Invitation(WORKSPACE, "member", "open", invited_by=ADA.id)


def test_an_accepted_invitation_says_by_whom() -> None:
    accepted = fold(Invitation, [MEMBER_INVITED, InvitationAccepted(BOB.id)])
    assert accepted == Invitation(WORKSPACE, "member", "accepted", BOB.id, ADA.id)


def test_a_revoked_invitation_is_not_open() -> None:
    assert fold(Invitation, [MEMBER_INVITED, InvitationRevoked()]) == Invitation(
        WORKSPACE, "member", "revoked", invited_by=ADA.id
    )
