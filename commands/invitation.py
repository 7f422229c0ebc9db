"""What may be asked of an invitation. Whom it is for, and the token, go another way."""

from collections.abc import Iterator
from typing import ClassVar
from uuid import UUID

from commands.command import FOR_GOOD, Command, Elsewhere, Given, present
from commands.member import given_role, owners
from commands.permissions import TABLE, has_role
from domain.errors import InvitationIsClosed
from domain.event import Event
from domain.invitation import Invitation, InvitationAccepted, InvitationRevoked, MemberInvited
from domain.member import Member, Role, member_of
from domain.workspace import Workspace


class InviteMember(Command[Invitation], frozen=True, kw_only=True):
    """Keep a place in a workspace for somebody."""

    about: ClassVar = Invitation
    creates: ClassVar = True
    in_batches: ClassVar = False

    workspace_id: UUID
    role: Role

    def workspace(self, state: Invitation | None, given: Given) -> UUID:
        present(given(Workspace, self.workspace_id))
        return self.workspace_id

    def decide(self, state: Invitation | None, given: Given) -> Iterator[Event]:
        given.may(inviting(self.role))
        yield MemberInvited(self.workspace_id, self.role, given.actor.person)


class RevokeInvitation(Command[Invitation], frozen=True, kw_only=True):
    """Let an invitation be good for nothing any more."""

    about: ClassVar = Invitation
    in_batches: ClassVar = False
    past_the_end: ClassVar = FOR_GOOD

    def workspace(self, state: Invitation | None, given: Given) -> UUID:
        return present(state).workspace_id

    def decide(self, state: Invitation | None, given: Given) -> Iterator[Event]:
        if present(state).stage == "open":
            yield InvitationRevoked()


class AcceptInvitation(Command[Invitation], frozen=True, kw_only=True):
    """Take the place that an invitation keeps, while whoever keeps it may; whoever has a higher role keeps that."""

    about: ClassVar = Invitation
    in_batches: ClassVar = False

    def workspace(self, state: Invitation | None, given: Given) -> UUID:
        return present(state).workspace_id

    def decide(self, state: Invitation | None, given: Given) -> Iterator[Event | Elsewhere]:
        invitation, user = present(state), given.actor.person
        workspace = invitation.workspace_id
        if invitation.user_id == user:
            return
        if invitation.stage != "open" or not _still_stands(invitation, given):
            raise InvitationIsClosed
        yield InvitationAccepted(user)
        member = given(Member, member_of(workspace, user))
        had = member.role if member else None
        if had and has_role(had, invitation.role):
            return
        for event in owners(present(given(Workspace, workspace)), user, had, invitation.role):
            yield Elsewhere(workspace, event)
        yield Elsewhere(member_of(workspace, user), given_role(user, had, invitation.role))


def inviting(role: Role) -> str:
    """The operation that it is to invite somebody to a role."""
    return "AppointOwner" if role == "owner" else "InviteMember"


def _still_stands(invitation: Invitation, given: Given) -> bool:
    """Whether who invited may do so now; of the first invitations nobody knows who did."""
    if invitation.invited_by is None:
        return True
    inviter = given(Member, member_of(invitation.workspace_id, invitation.invited_by))
    needed = TABLE[inviting(invitation.role)].role
    return inviter is not None and needed is not None and has_role(inviter.role, needed)
