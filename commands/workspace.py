"""What may be asked of a workspace."""

from collections.abc import Iterator
from typing import ClassVar
from uuid import UUID

from commands.command import Command, Elsewhere, Given
from commands.form import Name, own_id
from domain.event import Event
from domain.workspace import MemberJoined, Workspace, WorkspaceCreated, member_of


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
        yield WorkspaceCreated(self.name)
        yield Elsewhere(member_of(given.target, given.actor.person), MemberJoined(given.actor.person, "owner"))
