"""What may be asked of a workspace about its members."""

from collections.abc import Iterator
from typing import ClassVar
from uuid import UUID

from commands.command import TO_CLOSE, Command, Elsewhere, Given, present
from domain.errors import LastOwner
from domain.event import Change, Event
from domain.member import Member, MemberJoined, MemberLeft, MemberRemoved, MemberRoleChanged, Role, member_of
from domain.user import User
from domain.workspace import OwnerAppointed, OwnerResigned, Workspace


class MemberCommand(Command[Workspace], frozen=True, kw_only=True):
    """A wish about a workspace: roles are written to the members' guard streams, owners counted on its own."""

    about: ClassVar = Workspace

    def workspace(self, state: Workspace | None, given: Given) -> UUID:
        return given.target


class SetRole(MemberCommand, frozen=True, kw_only=True):
    """Give a user a role in the workspace, whether they are a member yet or not."""

    user_id: UUID | None = None
    role: Role

    def decide(self, state: Workspace | None, given: Given) -> Iterator[Event | Elsewhere]:
        user = present(self.user_id)
        before = given(Member, member_of(given.target, user))
        if before is None:
            present(given(User, user))
        had = before.role if before else None
        if had == self.role:
            return
        if "owner" in {had, self.role}:
            given.may("AppointOwner")
        yield from owners(present(state), user, had, self.role)
        yield Elsewhere(member_of(given.target, user), given_role(user, had, self.role))


class RemoveMember(MemberCommand, frozen=True, kw_only=True):
    """End somebody's membership of the workspace."""

    past_the_end: ClassVar = TO_CLOSE

    user_id: UUID | None = None

    def decide(self, state: Workspace | None, given: Given) -> Iterator[Event | Elsewhere]:
        user = present(self.user_id)
        member = given(Member, member_of(given.target, user))
        if member is None:
            return
        if member.role == "owner":
            given.may("AppointOwner")
        yield from owners(present(state), user, member.role, None)
        yield Elsewhere(member_of(given.target, user), MemberRemoved(user, Change(member.role, None)))


class LeaveWorkspace(MemberCommand, frozen=True, kw_only=True):
    """End one's own membership of the workspace."""

    past_the_end: ClassVar = TO_CLOSE

    def decide(self, state: Workspace | None, given: Given) -> Iterator[Event | Elsewhere]:
        user = given.actor.person
        member = present(given(Member, member_of(given.target, user)))
        yield from owners(present(state), user, member.role, None)
        yield Elsewhere(member_of(given.target, user), MemberLeft(user, Change(member.role, None)))


def given_role(user: UUID, had: Role | None, role: Role) -> MemberJoined | MemberRoleChanged:
    """What is written on the member's stream when they get a role."""
    return MemberRoleChanged(user, Change(had, role)) if had else MemberJoined(user, role)


def owners(workspace: Workspace, user: UUID, had: Role | None, role: Role | None) -> Iterator[Event]:
    """What the workspace notes when a role changes; raises LastOwner where nobody would own it any more."""
    if role == "owner" != had:
        yield OwnerAppointed(user)
    elif had == "owner" != role:
        if workspace.owners == 1:
            raise LastOwner
        yield OwnerResigned(user)
