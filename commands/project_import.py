"""Import a project: begin one with the board that it had elsewhere, and the people who worked there."""

from collections.abc import Iterator, Mapping
from typing import ClassVar
from uuid import UUID

from commands.command import DecisionContext, OtherStreamEvent, require_found
from commands.field_types import Name, ProjectKeyText
from commands.project import ProjectCommand, reserve_key
from domain.column import Column
from domain.event import Event
from domain.former_member import FormerMember, FormerMemberNamed
from domain.project import Project, ProjectCreated
from domain.workspace import Workspace


class ImportProject(ProjectCommand, frozen=True, kw_only=True):
    """Create a project with the columns that its board began with; people who are no users here are kept by name."""

    creates: ClassVar = True
    is_batchable: ClassVar = False

    workspace_id: UUID
    name: Name
    key: ProjectKeyText
    columns: tuple[Column, ...]
    former_members: Mapping[UUID, Name] = {}

    def resolve_workspace_id(self, state: Project | None, context: DecisionContext) -> UUID:
        require_found(context(Workspace, self.workspace_id))
        return self.workspace_id

    def decide(self, state: Project | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        yield from reserve_key(self.workspace_id, self.key, context)
        yield ProjectCreated(self.workspace_id, self.name, self.key, self.columns)
        for person, name in self.former_members.items():
            if context(FormerMember, person) is None:
                yield OtherStreamEvent(person, FormerMemberNamed(self.workspace_id, name))
