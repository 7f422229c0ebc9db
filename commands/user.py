"""Commands about a user's own account: register, edit, change the address or password, delete."""

from collections.abc import Iterator
from typing import ClassVar
from uuid import UUID

from msgspec import UNSET, UnsetType

from commands.command import (
    CLOSING_EVENTS_OVER_CAP,
    Command,
    DecisionContext,
    OtherStreamEvent,
    require_found,
)
from commands.field_types import Email, Language, Name, ZoneName
from domain.email_address import AddressStreams, are_same_email
from domain.errors import EmailTaken, Forbidden, HandOverFirst, NotFound, RegistrationClosed
from domain.event import Actor, Change, Event
from domain.instance import INSTANCE_STREAM_ID, AdministratorAppointed, Instance
from domain.user import (
    AccountDeleted,
    EmailAddress,
    EmailChanged,
    EmailReleased,
    EmailReserved,
    EmailVerified,
    LanguageSet,
    PasswordChanged,
    User,
    UserRegistered,
    UserRenamed,
    UserZoneSet,
)


class UserCommand(Command[User], frozen=True, kw_only=True):
    """A command on the actor's own account; those of others are not found, and agents are refused."""

    state_type: ClassVar = User
    is_batchable: ClassVar = False

    def resolve_workspace_id(self, state: User | None, context: DecisionContext) -> None:
        """A user belongs to no workspace."""


class RegisterUser(UserCommand, frozen=True, kw_only=True):
    """Register a user. The first one administers the installation. The password is stored outside of the log."""

    creates: ClassVar = True

    email: Email
    address: AddressStreams
    name: Name
    only_first: bool = False
    email_verified: bool = False

    def decide(self, state: User | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        instance = context(Instance, INSTANCE_STREAM_ID)
        if instance and self.only_first:
            raise RegistrationClosed
        if is_taken(self.email, self.address, context):
            raise EmailTaken
        if instance is None:
            yield OtherStreamEvent(INSTANCE_STREAM_ID, AdministratorAppointed(context.target))
        yield OtherStreamEvent(self.address.current, EmailReserved(context.target))
        yield UserRegistered(self.email, self.name)
        if self.email_verified:
            yield EmailVerified()


class VerifyEmail(UserCommand, frozen=True, kw_only=True):
    """Record that the user receives the mail of their address, which a mailed token has proved."""

    events_over_cap: ClassVar = CLOSING_EVENTS_OVER_CAP

    def decide(self, state: User | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        if not require_own_account(state, context).email_verified:
            yield EmailVerified()


class EditAccount(UserCommand, frozen=True, kw_only=True):
    """Change your name, language or time zone; null clears the last two."""

    name: Name | UnsetType = UNSET
    language: Language | UnsetType | None = UNSET
    zone: ZoneName | UnsetType | None = UNSET

    def decide(self, state: User | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        user = require_own_account(state, context)
        if self.name not in {UNSET, user.name}:
            yield UserRenamed(Change(user.name, str(self.name)))
        if self.language is not UNSET and self.language != user.language:
            yield LanguageSet(Change(user.language, self.language))
        if self.zone is not UNSET and self.zone != user.zone:
            yield UserZoneSet(Change(user.zone, self.zone))


class ChangeEmail(UserCommand, frozen=True, kw_only=True):
    """Change the e-mail address, which reserves the new one and releases the old one."""

    email: Email
    address: AddressStreams
    old_address: AddressStreams
    email_verified: bool = False

    def decide(self, state: User | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        user = require_own_account(state, context)
        if user.email == self.email:
            return
        if not are_same_email(user.email, self.email):
            if is_taken(self.email, self.address, context):
                raise EmailTaken
            yield from released_addresses(self.old_address, context)
            yield OtherStreamEvent(self.address.current, EmailReserved(context.target))
        yield EmailChanged(Change(user.email, self.email), Change(user.email_verified, self.email_verified))


class DeleteAccount(UserCommand, frozen=True, kw_only=True):
    """Delete the account: its address is free, and the name stays for what its user did. The administrator stays."""

    events_over_cap: ClassVar = CLOSING_EVENTS_OVER_CAP

    address: AddressStreams

    def decide(self, state: User | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        user, instance = require_own_account(state, context), context(Instance, INSTANCE_STREAM_ID)
        if instance and instance.administrator_id == context.target:
            raise HandOverFirst("You administer this installation.")
        if not user.deleted:
            yield from released_addresses(self.address, context)
            yield AccountDeleted()


class ChangePassword(UserCommand, frozen=True, kw_only=True):
    """Change the password, named by an id; the password itself is stored outside of the log."""

    events_over_cap: ClassVar = CLOSING_EVENTS_OVER_CAP

    password_id: UUID

    def decide(self, state: User | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        before = require_own_account(state, context).password_id
        if before != self.password_id:
            yield PasswordChanged(Change(before, self.password_id))


def is_taken(email: str, address: AddressStreams, context: DecisionContext) -> bool:
    """Whether a user has this address, by today's rule or by the former one."""
    return bool(context(EmailAddress, address.current)) or any(
        _holds_same_email(context(EmailAddress, former), email, context) for former in address.former
    )


def released_addresses(address: AddressStreams, context: DecisionContext) -> Iterator[OtherStreamEvent]:
    """The events by which the target gives up an address, wherever it holds it."""
    for stream in (address.current, *address.former):
        held = context(EmailAddress, stream)
        if held and held.user_id == context.target:
            yield OtherStreamEvent(stream, EmailReleased(context.target))


def _holds_same_email(held: EmailAddress | None, email: str, context: DecisionContext) -> bool:
    holder = context(User, held.user_id) if held else None
    return holder is not None and are_same_email(holder.email, email)


def require_human(actor: Actor) -> None:
    """Raise Forbidden for an agent."""
    if actor.kind != "human":
        raise Forbidden("An agent cannot manage the account of the user it acts for.")


def require_own_account(state: User | None, context: DecisionContext) -> User:
    """The user, if it is the actor; raises NotFound otherwise, and Forbidden for an agent of theirs."""
    if context.actor.user_id != context.target:
        raise NotFound
    require_human(context.actor)
    return require_found(state)
