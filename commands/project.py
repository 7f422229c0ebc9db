"""Commands about a project: create, rename, archive, restore."""

from collections.abc import Iterator
from typing import ClassVar
from uuid import UUID

from msgspec import UNSET, UnsetType

from commands.command import CLOSING_EVENTS_OVER_CAP, Command, DecisionContext, OtherStreamEvent, require_found
from commands.field_types import ArchiveAfterDays, Name, NewId, ProjectKeyText, require_uuid7
from domain.column import DEFAULT_COLUMNS, NEW_BOARD_COLUMNS
from domain.errors import ProjectIsArchived, ProjectIsTrashed, ProjectKeyTaken, Purged
from domain.event import Change, Event
from domain.project import (
    ArchiveRuleSet,
    Project,
    ProjectArchived,
    ProjectCreated,
    ProjectKey,
    ProjectKeyReserved,
    ProjectRenamed,
    ProjectRestored,
    project_key_stream_id,
)
from domain.workspace import Workspace


class ProjectCommand(Command[Project], frozen=True, kw_only=True):
    """A command on a project; the actor must be a member of its workspace."""

    state_type: ClassVar = Project

    def resolve_workspace_id(self, state: Project | None, context: DecisionContext) -> UUID:
        return require_found(state).workspace_id


class CreateProject(ProjectCommand, frozen=True, kw_only=True):
    """Create a project with a board of three columns, the last of which is done."""

    creates: ClassVar = True

    id: NewId | None = None
    workspace_id: UUID | None = None
    name: Name
    key: ProjectKeyText

    def __post_init__(self) -> None:
        require_uuid7(self.id)

    def resolve_workspace_id(self, state: Project | None, context: DecisionContext) -> UUID:
        workspace_id = require_found(self.workspace_id)
        require_found(context(Workspace, workspace_id))
        return workspace_id

    def decide(self, state: Project | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        workspace_id = require_found(self.workspace_id)
        yield from reserve_key(workspace_id, self.key, context)
        columns = DEFAULT_COLUMNS if context.actor.kind == "import" else NEW_BOARD_COLUMNS
        yield ProjectCreated(workspace_id, self.name, self.key, columns)


class EditProject(ProjectCommand, frozen=True, kw_only=True):
    """Rename a project, or set its rule of the archive: after how many days unchanged its done tasks are archived."""

    requires_version: ClassVar = True

    name: Name | UnsetType = UNSET
    archive_after: ArchiveAfterDays | UnsetType | None = UNSET

    def decide(self, state: Project | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        project = require_editable_project(state)
        if self.name is not UNSET and self.name != project.name:
            yield ProjectRenamed(Change(project.name, self.name))
        if self.archive_after is not UNSET and self.archive_after != project.archive_after:
            yield ArchiveRuleSet(Change(project.archive_after, self.archive_after))


class ArchiveProject(ProjectCommand, frozen=True, kw_only=True):
    """Archive a project: it becomes read-only and leaves the list."""

    changed_fields: ClassVar = frozenset({"archived"})

    events_over_cap: ClassVar = CLOSING_EVENTS_OVER_CAP

    def decide(self, state: Project | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        project = require_found(state)
        if project.trashed:
            raise ProjectIsTrashed
        if not project.archived:
            yield ProjectArchived()


class RestoreProject(ProjectCommand, frozen=True, kw_only=True):
    """Restore a project from the trash or the archive."""

    changed_fields: ClassVar = frozenset({"archived"})

    events_over_cap: ClassVar = CLOSING_EVENTS_OVER_CAP

    def decide(self, state: Project | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        project = require_found(state)
        if project.trashed or project.archived:
            yield ProjectRestored(Change(project.trashed, False), Change(project.archived, False))  # noqa: FBT003 - the value


def reserve_key(workspace_id: UUID, key: str, context: DecisionContext) -> Iterator[OtherStreamEvent]:
    """The events of a new project, the target, that gets a key; raises ProjectKeyTaken."""
    reservation = project_key_stream_id(workspace_id, key)
    if context(ProjectKey, reservation):
        raise ProjectKeyTaken(key=key)
    yield OtherStreamEvent(reservation, ProjectKeyReserved(key, context.target))


def require_editable_project(project: Project | None) -> Project:
    """The project, if it may change; raises Purged, ProjectIsTrashed or ProjectIsArchived."""
    project = require_found(project)
    if project.purged:
        raise Purged
    if project.trashed:
        raise ProjectIsTrashed
    if project.archived:
        raise ProjectIsArchived
    return project
