"""A workspace: the people, projects and tasks that see one another, and nobody else's."""

from functools import lru_cache
from typing import Literal, Self
from uuid import UUID, uuid5

from domain.event import Event, State

Role = Literal["owner", "admin", "member", "viewer"]


class WorkspaceCreated(Event, frozen=True):
    name: str


class Workspace(State, frozen=True):
    """What deciding needs to know of a workspace."""

    name: str

    @classmethod
    def evolve(cls, state: Self | None, event: Event) -> Self | None:
        return cls(event.name) if isinstance(event, WorkspaceCreated) else super().evolve(state, event)


class MemberJoined(Event, frozen=True):
    """On the member's guard stream, which every command in the workspace asserts."""

    user_id: UUID
    role: Role


class Member(State, frozen=True):
    """What one user may do in one workspace."""

    user_id: UUID
    role: Role

    @classmethod
    def evolve(cls, state: Self | None, event: Event) -> Self | None:
        if isinstance(event, MemberJoined):
            return cls(event.user_id, event.role)
        return super().evolve(state, event)


@lru_cache(maxsize=10_000)
def member_of(workspace: UUID, user: UUID) -> UUID:
    """The guard stream of a user's membership of a workspace."""
    return uuid5(workspace, f"member {user}")
