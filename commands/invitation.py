"""Commands about an invitation to a workspace. The address and the token are stored outside of the log."""

from collections.abc import Iterator
from typing import ClassVar
from uuid import UUID

from commands.command import FINAL_EVENTS_OVER_CAP, Command, DecisionContext, OtherStreamEvent, require_found
from commands.member import owner_events, role_event
from commands.permissions import REQUIRED_PERMISSIONS, is_role_at_least
from domain.errors import InvitationIsClosed
from domain.event import Event
from domain.invitation import Invitation, InvitationAccepted, InvitationRevoked, MemberInvited
from domain.member import Member, Role, member_stream_id
from domain.workspace import Workspace


class InviteMember(Command[Invitation], frozen=True, kw_only=True):
    """Invite a person to a workspace."""

    state_type: ClassVar = Invitation
    creates: ClassVar = True
    is_batchable: ClassVar = False

    workspace_id: UUID
    role: Role

    def resolve_workspace_id(self, state: Invitation | None, context: DecisionContext) -> UUID:
        require_found(context(Workspace, self.workspace_id))
        return self.workspace_id

    def decide(self, state: Invitation | None, context: DecisionContext) -> Iterator[Event]:
        context.require_permission(invite_action(self.role))
        yield MemberInvited(self.workspace_id, self.role, context.actor.user_id)


class RevokeInvitation(Command[Invitation], frozen=True, kw_only=True):
    """Revoke an invitation."""

    state_type: ClassVar = Invitation
    is_batchable: ClassVar = False
    events_over_cap: ClassVar = FINAL_EVENTS_OVER_CAP

    def resolve_workspace_id(self, state: Invitation | None, context: DecisionContext) -> UUID:
        return require_found(state).workspace_id

    def decide(self, state: Invitation | None, context: DecisionContext) -> Iterator[Event]:
        if require_found(state).stage == "open":
            yield InvitationRevoked()


class AcceptInvitation(Command[Invitation], frozen=True, kw_only=True):
    """Join the workspace of an invitation, if its sender may still invite. A member with a higher role keeps it."""

    state_type: ClassVar = Invitation
    is_batchable: ClassVar = False

    def resolve_workspace_id(self, state: Invitation | None, context: DecisionContext) -> UUID:
        return require_found(state).workspace_id

    def decide(self, state: Invitation | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        invitation, user = require_found(state), context.actor.user_id
        workspace = invitation.workspace_id
        if invitation.user_id == user:
            return
        workspace_state = context(Workspace, workspace)
        if workspace_state is None or workspace_state.trashed:
            raise InvitationIsClosed
        if invitation.stage != "open" or not _may_inviter_still_invite(invitation, context):
            raise InvitationIsClosed
        yield InvitationAccepted(user)
        member = context(Member, member_stream_id(workspace, user))
        old_role = member.role if member else None
        if old_role and is_role_at_least(old_role, invitation.role):
            return
        for event in owner_events(workspace_state, user, old_role, invitation.role):
            yield OtherStreamEvent(workspace, event)
        yield OtherStreamEvent(member_stream_id(workspace, user), role_event(user, old_role, invitation.role))


def invite_action(role: Role) -> str:
    """The operation in the permission table that inviting to a role is."""
    return "AppointOwner" if role == "owner" else "InviteMember"


def _may_inviter_still_invite(invitation: Invitation, context: DecisionContext) -> bool:
    """Whether the sender may still invite; the oldest invitations do not name their sender."""
    if invitation.invited_by is None:
        return True
    inviter = context(Member, member_stream_id(invitation.workspace_id, invitation.invited_by))
    needed = REQUIRED_PERMISSIONS[invite_action(invitation.role)].role
    return inviter is not None and needed is not None and is_role_at_least(inviter.role, needed)
