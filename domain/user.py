"""A user: somebody who can log in. Personal data stand in the user's own stream and nowhere else."""

from typing import Literal, Self
from uuid import UUID, uuid5

from domain.event import Event, State

Scope = Literal["read", "write", "admin"]
"""How far somebody trusts a token of theirs."""

INSTANCE = UUID("5f1c3f0e-9a5c-5d3e-8b43-7a7d5b6c2e11")
"""The guard stream of this installation: who administers it. The root of the other reserved names."""


class UserRegistered(Event, frozen=True):
    email: str
    name: str


class User(State, frozen=True):
    """What deciding needs to know of a user."""

    email: str
    name: str

    @classmethod
    def evolve(cls, state: Self | None, event: Event) -> Self | None:
        return cls(event.email, event.name) if isinstance(event, UserRegistered) else super().evolve(state, event)


class EmailReserved(Event, frozen=True):
    """On the address's reservation stream, whose id is a digest of it: one user an address."""

    user_id: UUID


class EmailAddress(State, frozen=True):
    """Whose e-mail address it is."""

    user_id: UUID

    @classmethod
    def evolve(cls, state: Self | None, event: Event) -> Self | None:
        return cls(event.user_id) if isinstance(event, EmailReserved) else state


class AdministratorAppointed(Event, frozen=True):
    """On the instance's stream: the first registered user administers the installation."""

    user_id: UUID


class Instance(State, frozen=True):
    """Who administers this installation."""

    administrator_id: UUID

    @classmethod
    def evolve(cls, state: Self | None, event: Event) -> Self | None:
        return cls(event.user_id) if isinstance(event, AdministratorAppointed) else state


def address_of(email: str) -> UUID:
    """The guard stream of an e-mail address, in any case of letters."""
    return uuid5(INSTANCE, f"email {email.casefold()}")
