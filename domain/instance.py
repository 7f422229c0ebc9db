"""The installation: who administers it, and the actor of its own rules."""

from typing import Self
from uuid import UUID, uuid5

from domain.event import Actor, Event, State

INSTANCE_STREAM_ID = UUID("5f1c3f0e-9a5c-5d3e-8b43-7a7d5b6c2e11")
"""The guard stream of this installation, with its administrator; the namespace of other reserved names."""
RULE_ACTOR = Actor(uuid5(INSTANCE_STREAM_ID, "rules"), "rule")
"""The actor of what the installation does by itself."""


class AdministratorAppointed(Event, frozen=True):
    """On the instance's stream: the first registered user administers the installation, until they hand it over."""

    user_id: UUID


class Instance(State, frozen=True):
    """The state of the installation: its administrator."""

    administrator_id: UUID

    @classmethod
    def evolve(cls, state: Self | None, event: Event) -> Self | None:
        return cls(event.user_id) if isinstance(event, AdministratorAppointed) else state
