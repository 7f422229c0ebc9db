"""A workspace: the people, projects and tasks that see one another, and nobody else's."""

from typing import Self
from uuid import UUID

from msgspec.structs import replace

from domain.event import Change, Event, State


class WorkspaceCreated(Event, frozen=True):
    """Whoever opened it is its first owner."""

    name: str


class WorkspaceRenamed(Event, frozen=True):
    name: Change[str]


class OwnerAppointed(Event, frozen=True):
    """On the workspace's own stream, which therefore knows how many owners there are."""

    user_id: UUID


class OwnerResigned(Event, frozen=True):
    """As OwnerAppointed, the other way round, whoever wanted it."""

    user_id: UUID


class Workspace(State, frozen=True):
    """What deciding needs to know of a workspace."""

    name: str
    owners: int = 1

    @classmethod
    def evolve(cls, state: Self | None, event: Event) -> Self | None:
        match event:
            case WorkspaceCreated():
                return cls(event.name)
            case OwnerAppointed():
                return state and replace(state, owners=state.owners + 1)
            case OwnerResigned():
                return state and replace(state, owners=state.owners - 1)
        return super().evolve(state, event)
