"""Commands about the members of a workspace: set a role, remove a member, leave."""

from collections.abc import Iterator
from typing import ClassVar
from uuid import UUID

from commands.command import CLOSING_EVENTS_OVER_CAP, Command, DecisionContext, OtherStreamEvent, require_found
from domain.errors import LastOwner, NotFound
from domain.event import Change, Event
from domain.member import Member, MemberJoined, MemberLeft, MemberRemoved, MemberRoleChanged, Role, member_stream_id
from domain.user import User
from domain.workspace import OwnerAppointed, OwnerResigned, Workspace


class MemberCommand(Command[Workspace], frozen=True, kw_only=True):
    """A command on a workspace: roles are written to the members' guard streams, owners are counted on its own."""

    state_type: ClassVar = Workspace

    def resolve_workspace_id(self, state: Workspace | None, context: DecisionContext) -> UUID:
        return context.target


class SetRole(MemberCommand, frozen=True, kw_only=True):
    """Give a user a role in the workspace, as a new member or an existing one."""

    user_id: UUID | None = None
    role: Role

    def decide(self, state: Workspace | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        user = require_found(self.user_id)
        member = context(Member, member_stream_id(context.target, user))
        if member is None and require_found(context(User, user)).deleted:
            raise NotFound
        old_role = member.role if member else None
        if old_role == self.role:
            return
        if "owner" in {old_role, self.role}:
            context.require_permission("AppointOwner")
        yield from owner_events(require_found(state), user, old_role, self.role)
        yield OtherStreamEvent(member_stream_id(context.target, user), role_event(user, old_role, self.role))


class RemoveMember(MemberCommand, frozen=True, kw_only=True):
    """Remove a member from the workspace."""

    events_over_cap: ClassVar = CLOSING_EVENTS_OVER_CAP

    user_id: UUID | None = None

    def decide(self, state: Workspace | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        user = require_found(self.user_id)
        member = context(Member, member_stream_id(context.target, user))
        if member is None:
            return
        if member.role == "owner":
            context.require_permission("AppointOwner")
        yield from owner_events(require_found(state), user, member.role, None)
        yield OtherStreamEvent(member_stream_id(context.target, user), MemberRemoved(user, Change(member.role, None)))


class LeaveWorkspace(MemberCommand, frozen=True, kw_only=True):
    """Leave the workspace."""

    events_over_cap: ClassVar = CLOSING_EVENTS_OVER_CAP
    hides_target: ClassVar = True

    def decide(self, state: Workspace | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        user = context.actor.user_id
        member = require_found(context(Member, member_stream_id(context.target, user)))
        yield from owner_events(require_found(state), user, member.role, None)
        yield OtherStreamEvent(member_stream_id(context.target, user), MemberLeft(user, Change(member.role, None)))


def role_event(user_id: UUID, old_role: Role | None, new_role: Role) -> MemberJoined | MemberRoleChanged:
    """The event on the member's stream when they get a role."""
    return MemberRoleChanged(user_id, Change(old_role, new_role)) if old_role else MemberJoined(user_id, new_role)


def owner_events(workspace: Workspace, user_id: UUID, old_role: Role | None, new_role: Role | None) -> Iterator[Event]:
    """The workspace's own event when the number of owners changes; raises LastOwner if none would be left."""
    if new_role == "owner" != old_role:
        yield OwnerAppointed(user_id)
    elif old_role == "owner" != new_role:
        if workspace.owners == 1:
            raise LastOwner
        yield OwnerResigned(user_id)
