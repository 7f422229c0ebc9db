"""An agent: a program with a token of its own, known by name to those who may not see the account of its user."""

from typing import Self
from uuid import UUID

from domain.event import Event, State


class AgentIntroduced(Event, frozen=True):
    """On the agent's own stream: whose agent it is. Its name is stored with the account of that user alone."""

    user_id: UUID


class Agent(State, frozen=True):
    """The user whose agent it is."""

    user_id: UUID

    @classmethod
    def evolve(cls, state: Self | None, event: Event) -> Self | None:
        return cls(event.user_id) if isinstance(event, AgentIntroduced) else state
