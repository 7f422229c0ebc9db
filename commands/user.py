"""Commands about a user's own account: register, verify the e-mail address, change the password."""

from collections.abc import Iterator
from typing import ClassVar
from uuid import UUID

from commands.command import (
    CLOSING_EVENTS_OVER_CAP,
    Command,
    DecisionContext,
    OtherStreamEvent,
    require_found,
)
from commands.field_types import Email, Name
from domain.email_address import AddressStreams, are_same_email
from domain.errors import EmailTaken, Forbidden, NotFound, RegistrationClosed
from domain.event import Actor, Change, Event
from domain.instance import INSTANCE_STREAM_ID, AdministratorAppointed, Instance
from domain.user import (
    EmailAddress,
    EmailReserved,
    EmailVerified,
    PasswordChanged,
    User,
    UserRegistered,
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
