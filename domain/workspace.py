"""A workspace: the people, projects and tasks of one tenant, invisible to all others."""

from typing import Self
from uuid import UUID

from msgspec.structs import replace

from domain.event import Change, Event, State


class WorkspaceCreated(Event, frozen=True):
    """The creator is its first owner."""

    name: str


class WorkspaceRenamed(Event, frozen=True):
    name: Change[str]


class WorkspaceZoneSet(Event, frozen=True):
    """The time zone of the workspace, by its IANA name, for users and tasks that have none."""

    zone: Change[str | None]


class WorkspaceTrashed(Event, frozen=True):
    """In the trash, with everything in it: invisible to its members, until an owner restores it."""

    name: str
    trashed: Change[bool] = Change(old=False, new=True)


class WorkspaceRestored(Event, frozen=True):
    trashed: Change[bool] = Change(old=True, new=False)


class WorkspacePurged(Event, frozen=True):
    """Permanently deleted from the trash; its projects and their tasks follow."""

    purged: Change[bool] = Change(old=False, new=True)


class OwnerAppointed(Event, frozen=True):
    """On the workspace's own stream, which therefore counts its owners."""

    user_id: UUID


class OwnerResigned(Event, frozen=True):
    """The reverse of OwnerAppointed, whether they resigned or were demoted or removed."""

    user_id: UUID


class Workspace(State, frozen=True):
    """The state of a workspace that decisions need."""

    name: str
    owners: int = 1
    zone: str | None = None
    trashed: bool = False
    purged: bool = False

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
