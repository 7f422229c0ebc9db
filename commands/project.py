"""What may be asked of a project."""

from collections.abc import Iterator
from typing import ClassVar
from uuid import UUID

from commands.command import Command, Elsewhere, Given, present
from commands.form import Name, ProjectKeyText, own_id
from domain.errors import ProjectKeyTaken
from domain.event import Event
from domain.project import BOARD, Project, ProjectCreated, ProjectKey, ProjectKeyReserved, key_of
from domain.workspace import Workspace


class CreateProject(Command[Project], frozen=True, kw_only=True):
    """Open a project with a board of three columns."""

    about: ClassVar = Project
    creates: ClassVar = True

    id: UUID | None = None
    workspace_id: UUID | None = None
    name: Name
    key: ProjectKeyText

    def __post_init__(self) -> None:
        own_id(self.id)

    def workspace(self, state: Project | None, given: Given) -> UUID:
        workspace_id = present(self.workspace_id)
        present(given(Workspace, workspace_id))
        return workspace_id

    def decide(self, state: Project | None, given: Given) -> Iterator[Event | Elsewhere]:
        workspace_id = present(self.workspace_id)
        reservation = key_of(workspace_id, self.key)
        if given(ProjectKey, reservation):
            raise ProjectKeyTaken(key=self.key)
        yield Elsewhere(reservation, ProjectKeyReserved(self.key, given.target))
        yield ProjectCreated(workspace_id, self.name, self.key, BOARD)
