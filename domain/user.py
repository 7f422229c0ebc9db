"""A user: a person who can log in. Personal data are stored only in the user's own stream."""

from datetime import datetime
from typing import ClassVar, Literal, Self
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from domain.event import Change, Event, State

TokenScope = Literal["read", "propose", "write", "admin"]
"""What a token may be used for; each scope includes the ones before it. One that may only propose changes nothing."""
TokenKind = Literal["human", "agent"]


UNVERIFIED_TO_VERIFIED: Change[bool] = Change(old=False, new=True)


class UserRegistered(Event, frozen=True):
    email: str
    name: str


class PasswordChanged(Event, frozen=True):
    """The current password, by an id stored beside its hash; nothing of the password itself."""

    password_id: Change[UUID | None]


class EmailVerified(Event, frozen=True):
    """The user has proved with a mailed token that they receive the mail of their address."""

    email_verified: Change[bool] = UNVERIFIED_TO_VERIFIED


class UserRenamed(Event, frozen=True):
    name: Change[str]


class EmailChanged(Event, frozen=True):
    """The user has another address, which is verified if its mail server took the token that confirmed it."""

    email: Change[str]
    email_verified: Change[bool]


class LanguageSet(Event, frozen=True):
    """The language that the user reads, as a BCP 47 tag."""

    language: Change[str | None]


class UserZoneSet(Event, frozen=True):
    """The time zone that the user lives in, by its IANA name."""

    zone: Change[str | None]


class AccountDeleted(Event, frozen=True):
    """The user can no longer log in. The name stays for what they did."""

    deleted: Change[bool] = Change(old=False, new=True)


class TokenIssued(Event, frozen=True):
    """A personal token: its holder acts as the user (human), or as an agent of its own on the user's behalf."""

    token_id: UUID
    name: str
    scopes: tuple[TokenScope, ...]
    kind: TokenKind
    expires_at: datetime | None = None


class TokenRevoked(Event, frozen=True):
    token_id: UUID


class PersonalToken(Struct, frozen=True):
    """A personal token, without its secret; revoked tokens are kept for the names of past actors."""

    id: UUID
    name: str
    scopes: tuple[TokenScope, ...]
    kind: TokenKind
    expires_at: datetime | None = None
    revoked: bool = False


class User(State, frozen=True):
    """The state of a user that decisions need."""

    is_personal: ClassVar = True

    email: str
    name: str
    password_id: UUID | None = None
    email_verified: bool = False
    tokens: tuple[PersonalToken, ...] = ()
    language: str | None = None
    zone: str | None = None
    deleted: bool = False

    @classmethod
    def evolve(cls, state: Self | None, event: Event) -> Self | None:
        if isinstance(event, UserRegistered):
            return cls(event.email, event.name)
        if isinstance(event, TokenIssued):
            issued = PersonalToken(event.token_id, event.name, event.scopes, event.kind, event.expires_at)
            return state and replace(state, tokens=(*state.tokens, issued))
        if isinstance(event, TokenRevoked):
            return state and state.with_token_revoked(event.token_id)
        return super().evolve(state, event)

    def find_token(self, token_id: UUID) -> PersonalToken | None:
        """The token with that id, revoked or not."""
        return next((token for token in self.tokens if token.id == token_id), None)

    def with_token_revoked(self, token_id: UUID) -> Self:
        """The same, with that token revoked."""
        tokens = (replace(token, revoked=True) if token.id == token_id else token for token in self.tokens)
        return replace(self, tokens=tuple(tokens))


class EmailReserved(Event, frozen=True):
    """On the guard stream of an address, whose id reveals nothing of the address: one user per address."""

    user_id: UUID


class EmailReleased(Event, frozen=True):
    """On the guard stream of an address: its user has another one now, or none."""

    user_id: UUID


class EmailAddress(State, frozen=True):
    """The user that holds an e-mail address."""

    user_id: UUID

    @classmethod
    def evolve(cls, state: Self | None, event: Event) -> Self | None:
        if isinstance(event, EmailReserved):
            return cls(event.user_id)
        return None if isinstance(event, EmailReleased) else state
