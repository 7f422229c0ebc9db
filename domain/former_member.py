"""A former member: a person in the history of an imported board who is no user here, kept by name."""

from typing import ClassVar, Self
from uuid import UUID

from domain.event import Event, State


class FormerMemberNamed(Event, frozen=True):
    """On the person's own stream, the only place where the name is stored."""

    workspace_id: UUID
    name: str


class FormerMember(State, frozen=True):
    """The name of a person, and the workspace in whose imported boards they are."""

    is_personal: ClassVar = True

    workspace_id: UUID
    name: str

    @classmethod
    def evolve(cls, state: Self | None, event: Event) -> Self | None:
        return cls(event.workspace_id, event.name) if isinstance(event, FormerMemberNamed) else state
