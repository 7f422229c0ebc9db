"""Users over HTTP: registration, the current user, and passwords."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct
from msgspec.structs import replace

from api.function_endpoint import get, post
from api.http.body import MAX_AUTH_BODY_BYTES
from api.http.client_address import client_network
from api.http.command_results import WriteResult
from api.http.response import Response
from api.ledger import AuthedRequest, Ledger, command_request, user_request, write_response
from commands import permissions
from commands.field_types import Email, Name, require_valid_domain
from commands.handling.command_on import CommandOn
from commands.invitation import AcceptInvitation
from commands.user import ChangePassword, RegisterUser
from domain.errors import (
    EmailTaken,
    InvitationIsClosed,
    NotFound,
    Refusal,
    RegistrationClosed,
    WrongCredentials,
    WrongPassword,
)
from domain.event import ActorKind
from domain.instance import INSTANCE_STREAM_ID, Instance
from domain.user import TokenScope, User
from infra.identity.invitations import InvitationRecord
from infra.ids import new_id

Password = Annotated[str, Meta(min_length=8, max_length=200)]


class Registration(Struct, frozen=True, forbid_unknown_fields=True):
    email: Email
    name: Name
    password: Password
    invitation: Annotated[str, Meta(max_length=200)] | None = None

    def __post_init__(self) -> None:
        require_valid_domain(self.email)


class NewPassword(Struct, frozen=True, forbid_unknown_fields=True):
    current_password: Annotated[str, Meta(max_length=200)]
    new_password: Password


class Me(Struct, frozen=True):
    """The caller. An agent has its own id and name, and the e-mail address of the user it acts for.

    `new_email` is the address of a change that waits to be confirmed.
    """

    id: UUID
    email: str
    name: str
    kind: ActorKind
    on_behalf_of: UUID | None
    scopes: tuple[TokenScope, ...]
    is_administrator: bool
    email_verified: bool
    new_email: str | None
    language: str | None
    zone: str | None


@post("/auth/register", max_body_bytes=MAX_AUTH_BODY_BYTES, is_public=True)
async def register(data: Registration, request: AuthedRequest, ledger: Ledger) -> Response[WriteResult]:
    """Register a user; the first one administers the installation, and can register even if registration is closed.

    So can a user with an invitation to their address, who joins its workspace at once. If there is a mail server, it
    sends a token to verify the address, unless it sent the invitation.
    """
    user, network = new_id(), client_network(request, ledger.proxies)
    async with (
        ledger.attempt_limits.charge_registration(network) as attempt,
        ledger.passwords.turn("registration", network),
    ):
        invited = await _acceptable_invitation(ledger, user, data)
        only_first = ledger.settings.registration == "closed" and invited is None
        if only_first and await ledger.log.load_state(Instance, INSTANCE_STREAM_ID):
            raise RegistrationClosed
        if await ledger.addresses.find_user(data.email):
            raise EmailTaken
        attempt.has_cost_a_hash = True
        # The password first: a row without events is harmless, the reverse is not.
        await ledger.passwords.store(user, await ledger.passwords.hash(data.password))
    is_verified = invited is not None and await ledger.invitations.was_mailed(invited.id)
    command = RegisterUser(
        email=data.email,
        address=ledger.addresses.streams(data.email),
        name=data.name,
        only_first=only_first,
        email_verified=is_verified,
    )
    committed = await ledger.commit(user_request(user, CommandOn(user, command)))
    if not is_verified:
        ledger.account_mail.request_verification(user)
    if invited:
        committed = replace(committed, position=await _join_workspace(ledger, user, invited) or committed.position)
    return write_response(command, committed)


@get("/auth/me")
async def show_me(request: AuthedRequest, ledger: Ledger) -> Response[Me]:
    """Show the caller, the scopes of their token, and whether they administer the installation."""
    return Response(await load_me(ledger, request))


@post("/auth/password", max_body_bytes=MAX_AUTH_BODY_BYTES, guard=Ledger.require_account_manager)
async def change_password(data: NewPassword, request: AuthedRequest, ledger: Ledger) -> None:
    """Change your password; all other sessions end."""
    user, password_id, network = request.user.user_id, new_id(), client_network(request, ledger.proxies)
    state = await ledger.log.load_state(User, user)
    account = ledger.addresses.account_id(state.email if state else "")
    try:
        async with ledger.attempt_limits.charge_guess(account, network), ledger.passwords.turn("log-in", network):
            proof = await ledger.passwords.verify(user, data.current_password)
            hashed = await ledger.passwords.hash(data.new_password)
    except WrongCredentials:
        raise WrongPassword from None
    # The event first: no password changes without one, and a client that lost the answer can repeat the request.
    async with ledger.sessions.change_password(user, proof, hashed, password_id, except_session=request.auth.session):
        await ledger.commit(command_request(request, [CommandOn(user, ChangePassword(password_id=password_id))]))


async def load_me(ledger: Ledger, request: AuthedRequest) -> Me:
    """The caller as they are now; raises NotFound for a user who is not there."""
    actor = request.user
    user, instance = (
        await ledger.log.load_state(User, actor.user_id),
        await ledger.log.load_state(Instance, INSTANCE_STREAM_ID),
    )
    if user is None or user.deleted:
        raise NotFound
    token = user.find_token(actor.id)
    return Me(
        actor.id,
        user.email,
        token.name if token else user.name,
        actor.kind,
        actor.on_behalf_of,
        permissions.scopes_within(request.auth.scope),
        instance is not None and instance.administrator_id == actor.user_id,
        user.email_verified,
        await ledger.mail_tokens.new_email(actor.user_id) if ledger.mail.is_set_up else None,
        user.language,
        user.zone,
    )


async def _acceptable_invitation(ledger: Ledger, user: UUID, data: Registration) -> InvitationRecord | None:
    """The invitation of a registration, if it can be accepted.

    Raises InvitationIsClosed for one that is no longer valid, InvitedElsewhere for one to another address.
    """
    if data.invitation is None:
        return None
    invited = await ledger.invitations.find_by_token(data.invitation, data.email)
    if invited is None:
        raise InvitationIsClosed
    await ledger.handle(replace(user_request(user, CommandOn(invited.id, AcceptInvitation())), is_dry_run=True))
    return invited


async def _join_workspace(ledger: Ledger, user: UUID, invited: InvitationRecord) -> int:
    """Accept the invitation; the position that includes it, or 0 if it was revoked a moment ago."""
    try:
        committed = await ledger.commit(user_request(user, CommandOn(invited.id, AcceptInvitation())))
    except Refusal:
        return 0
    await ledger.invitations.delete(invited.id)
    return committed.position
