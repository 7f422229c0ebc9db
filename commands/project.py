"""What may be asked of a project."""

from collections.abc import Iterator
from typing import ClassVar
from uuid import UUID

from msgspec import UNSET, UnsetType

from commands.command import TO_CLOSE, Command, Elsewhere, Given, present
from commands.field_types import Name, ProjectKeyText, own_id
from domain.errors import ProjectIsArchived, ProjectIsTrashed, ProjectKeyTaken, Purged
from domain.event import Change, Event
from domain.project import (
    BOARD,
    Project,
    ProjectArchived,
    ProjectCreated,
    ProjectKey,
    ProjectKeyReserved,
    ProjectRenamed,
    ProjectRestored,
    key_of,
)
from domain.workspace import Workspace


class ProjectCommand(Command[Project], frozen=True, kw_only=True):
    """A wish about a project: the actor must be a member of the workspace that the project is in."""

    about: ClassVar = Project

    def workspace(self, state: Project | None, given: Given) -> UUID:
        return present(state).workspace_id


class CreateProject(ProjectCommand, frozen=True, kw_only=True):
    """Open a project with a board of three columns."""

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


class EditProject(ProjectCommand, frozen=True, kw_only=True):
    """Give a project another name."""

    must_name_version: ClassVar = True

    name: Name | UnsetType = UNSET

    def decide(self, state: Project | None, given: Given) -> Iterator[Event | Elsewhere]:
        project = open_for_change(state)
        if self.name is not UNSET and self.name != project.name:
            yield ProjectRenamed(Change(project.name, self.name))


class ArchiveProject(ProjectCommand, frozen=True, kw_only=True):
    """Put a project aside: it stays as it is, and out of the list."""

    past_the_end: ClassVar = TO_CLOSE

    def decide(self, state: Project | None, given: Given) -> Iterator[Event | Elsewhere]:
        project = present(state)
        if project.trashed:
            raise ProjectIsTrashed
        if not project.archived:
            yield ProjectArchived()


class RestoreProject(ProjectCommand, frozen=True, kw_only=True):
    """Take a project back into use, out of the trash and out of the archive."""

    past_the_end: ClassVar = TO_CLOSE

    def decide(self, state: Project | None, given: Given) -> Iterator[Event | Elsewhere]:
        project = present(state)
        if project.trashed or project.archived:
            yield ProjectRestored(Change(project.trashed, False), Change(project.archived, False))  # noqa: FBT003 - the value


def open_for_change(project: Project | None) -> Project:
    """The project, unless nothing in it may change: raises Purged, ProjectIsTrashed or ProjectIsArchived."""
    project = present(project)
    if project.purged:
        raise Purged
    if project.trashed:
        raise ProjectIsTrashed
    if project.archived:
        raise ProjectIsArchived
    return project
