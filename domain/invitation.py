"""An invitation: its token admits one user to a workspace. The e-mail address is not in the log."""

from typing import Literal, Self
from uuid import UUID

from domain.event import Change, Event, State, apply_changes
from domain.member import Role

InvitationStage = Literal["open", "accepted", "revoked"]

OPEN_TO_ACCEPTED: Change[InvitationStage] = Change("open", "accepted")
OPEN_TO_REVOKED: Change[InvitationStage] = Change("open", "revoked")


class MemberInvited(Event, frozen=True):
    workspace_id: UUID
    role: Role
    invited_by: UUID | None = None


class InvitationAccepted(Event, frozen=True):
    user_id: UUID
    stage: Change[InvitationStage] = OPEN_TO_ACCEPTED


class InvitationRevoked(Event, frozen=True):
    stage: Change[InvitationStage] = OPEN_TO_REVOKED


class Invitation(State, frozen=True):
    """The state of an invitation that decisions need."""

    workspace_id: UUID
    role: Role
    stage: InvitationStage = "open"
    user_id: UUID | None = None
    invited_by: UUID | None = None

    @classmethod
    def evolve(cls, state: Self | None, event: Event) -> Self | None:
        if isinstance(event, MemberInvited):
            return cls(event.workspace_id, event.role, invited_by=event.invited_by)
        if state and isinstance(event, InvitationAccepted):
            return apply_changes(state, event, user_id=event.user_id)
        return super().evolve(state, event)
