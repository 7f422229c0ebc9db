"""Commands about a workspace: create, rename, set its time zone."""

from collections.abc import Iterator
from typing import ClassVar
from uuid import UUID

from msgspec import UNSET, UnsetType

from commands.command import Command, DecisionContext, OtherStreamEvent, require_found
from commands.field_types import Name, NewId, ZoneName, require_uuid7, require_zone
from domain.event import Change, Event
from domain.member import MemberJoined, member_stream_id
from domain.workspace import Workspace, WorkspaceCreated, WorkspaceRenamed, WorkspaceZoneSet


class CreateWorkspace(Command[Workspace], frozen=True, kw_only=True):
    """Create a workspace; its creator becomes its owner."""

    state_type: ClassVar = Workspace
    creates: ClassVar = True

    id: NewId | None = None
    name: Name

    def __post_init__(self) -> None:
        require_uuid7(self.id)

    def resolve_workspace_id(self, state: Workspace | None, context: DecisionContext) -> UUID:
        return context.target

    def decide(self, state: Workspace | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        person = context.actor.user_id
        yield WorkspaceCreated(self.name)
        yield OtherStreamEvent(member_stream_id(context.target, person), MemberJoined(person, "owner"))


class EditWorkspace(Command[Workspace], frozen=True, kw_only=True):
    """Rename a workspace, or change its time zone; null clears the zone."""

    state_type: ClassVar = Workspace
    requires_version: ClassVar = True

    name: Name | UnsetType = UNSET
    zone: ZoneName | UnsetType | None = UNSET

    def __post_init__(self) -> None:
        if isinstance(self.zone, str):
            require_zone(self.zone)

    def resolve_workspace_id(self, state: Workspace | None, context: DecisionContext) -> UUID:
        return context.target

    def decide(self, state: Workspace | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        workspace = require_found(state)
        if self.name is not UNSET and self.name != workspace.name:
            yield WorkspaceRenamed(Change(workspace.name, self.name))
        if self.zone is not UNSET and self.zone != workspace.zone:
            yield WorkspaceZoneSet(Change(workspace.zone, self.zone))
