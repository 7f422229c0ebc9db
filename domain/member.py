"""A member: the role of one user in one workspace. Every command there asserts the member's guard stream."""

from functools import lru_cache
from typing import Literal, Self
from uuid import UUID, uuid5

from domain.event import Change, Event, State

Role = Literal["owner", "admin", "member", "viewer"]


class MemberJoined(Event, frozen=True):
    """On the member's guard stream, which holds only changes of the role."""

    user_id: UUID
    role: Role


class MemberRoleChanged(Event, frozen=True):
    user_id: UUID
    role: Change[Role]


class MemberRemoved(Event, frozen=True):
    """Another member removed them."""

    user_id: UUID
    role: Change[Role | None]


class MemberLeft(Event, frozen=True):
    """They left on their own."""

    user_id: UUID
    role: Change[Role | None]


class Member(State, frozen=True):
    """The role of a user in a workspace. A former member has no state, like one who never joined."""

    user_id: UUID
    role: Role

    @classmethod
    def evolve(cls, state: Self | None, event: Event) -> Self | None:
        if isinstance(event, MemberJoined):
            return cls(event.user_id, event.role)
        return None if isinstance(event, MemberRemoved | MemberLeft) else super().evolve(state, event)


@lru_cache(maxsize=10_000)
def member_stream_id(workspace_id: UUID, user_id: UUID) -> UUID:
    """The guard stream of a user's membership of a workspace."""
    return uuid5(workspace_id, f"member {user_id}")
