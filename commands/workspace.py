"""What may be asked of a workspace."""

from collections.abc import Iterator
from typing import ClassVar
from uuid import UUID

from commands.command import Command, Elsewhere, Given, present
from commands.field_types import Name, own_id
from domain.event import Change, Event
from domain.member import MemberJoined, member_of
from domain.workspace import Workspace, WorkspaceCreated, WorkspaceRenamed


class CreateWorkspace(Command[Workspace], frozen=True, kw_only=True):
    """Open a workspace; whoever opens it owns it."""

    about: ClassVar = Workspace
    creates: ClassVar = True

    id: UUID | None = None
    name: Name

    def __post_init__(self) -> None:
        own_id(self.id)

    def workspace(self, state: Workspace | None, given: Given) -> UUID:
        return given.target

    def decide(self, state: Workspace | None, given: Given) -> Iterator[Event | Elsewhere]:
        person = given.actor.person
        yield WorkspaceCreated(self.name)
        yield Elsewhere(member_of(given.target, person), MemberJoined(person, "owner"))


class EditWorkspace(Command[Workspace], frozen=True, kw_only=True):
    """Give a workspace another name."""

    about: ClassVar = Workspace
    must_name_version: ClassVar = True

    name: Name

    def workspace(self, state: Workspace | None, given: Given) -> UUID:
        return given.target

    def decide(self, state: Workspace | None, given: Given) -> Iterator[Event | Elsewhere]:
        workspace = present(state)
        if self.name != workspace.name:
            yield WorkspaceRenamed(Change(workspace.name, self.name))
