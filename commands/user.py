"""What may be asked of a user."""

from collections.abc import Iterator
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from commands.command import FOR_GOOD, TO_CLOSE, Command, Elsewhere, Given, present
from commands.field_types import Email, Name
from domain.errors import EmailTaken, Forbidden, NotFound, RegistrationClosed, TooManyTokens
from domain.event import Actor, Change, Event
from domain.user import (
    INSTANCE,
    AdministratorAppointed,
    EmailAddress,
    EmailReserved,
    Instance,
    PasswordChanged,
    Scope,
    TokenIssued,
    TokenKind,
    TokenRevoked,
    User,
    UserRegistered,
    address_of,
)

MOST_TOKENS = 100
"""Personal tokens that a user may have at a time."""


class UserCommand(Command[User], frozen=True, kw_only=True):
    """A wish about oneself: no other's stream is found, and no agent may."""

    about: ClassVar = User
    in_batches: ClassVar = False

    def workspace(self, state: User | None, given: Given) -> None:
        """A user belongs to no workspace."""


class RegisterUser(UserCommand, frozen=True, kw_only=True):
    """Become a user. The first one administers the installation. The password goes another way."""

    creates: ClassVar = True

    email: Email
    name: Name
    only_first: bool = False

    def decide(self, state: User | None, given: Given) -> Iterator[Event | Elsewhere]:
        instance = given(Instance, INSTANCE)
        if instance and self.only_first:
            raise RegistrationClosed
        if given(EmailAddress, address_of(self.email)):
            raise EmailTaken
        if instance is None:
            yield Elsewhere(INSTANCE, AdministratorAppointed(given.target))
        yield Elsewhere(address_of(self.email), EmailReserved(given.target))
        yield UserRegistered(self.email, self.name)


class ChangePassword(UserCommand, frozen=True, kw_only=True):
    """Take another password, named by an id; the password itself goes another way."""

    past_the_end: ClassVar = TO_CLOSE

    password_id: UUID

    def decide(self, state: User | None, given: Given) -> Iterator[Event | Elsewhere]:
        before = oneself(state, given).password_id
        if before != self.password_id:
            yield PasswordChanged(Change(before, self.password_id))


class IssueToken(UserCommand, frozen=True, kw_only=True):
    """Let a program use what is one's own, as far as the scopes go; the secret goes another way."""

    token_id: UUID
    name: Name
    scopes: tuple[Scope, ...]
    kind: TokenKind = "human"
    expires_at: datetime | None = None

    def decide(self, state: User | None, given: Given) -> Iterator[Event | Elsewhere]:
        user = oneself(state, given)
        if user.token(self.token_id):
            return
        if sum(not token.revoked for token in user.tokens) >= MOST_TOKENS:
            raise TooManyTokens(most=MOST_TOKENS)
        yield TokenIssued(self.token_id, self.name, self.scopes, self.kind, self.expires_at)


class RevokeToken(UserCommand, frozen=True, kw_only=True):
    """Have a personal token be good no more."""

    past_the_end: ClassVar = FOR_GOOD

    token_id: UUID

    def decide(self, state: User | None, given: Given) -> Iterator[Event | Elsewhere]:
        if not present(oneself(state, given).token(self.token_id)).revoked:
            yield TokenRevoked(self.token_id)


def by_a_person(actor: Actor) -> None:
    """Raise Forbidden for an agent."""
    if actor.kind != "human":
        raise Forbidden("An agent does not manage the account of whom it acts for.")


def oneself(state: User | None, given: Given) -> User:
    """The user, where it is who asks; raises NotFound otherwise, and Forbidden for an agent of theirs."""
    if given.actor.person != given.target:
        raise NotFound
    by_a_person(given.actor)
    return present(state)
