"""Accounts over HTTP: users change their name, address, language or time zone, and delete their account."""

from uuid import UUID

import msgspec
from msgspec import UNSET, Struct, UnsetType

from api.endpoints.user import Me, load_me
from api.function_endpoint import delete, patch
from api.http.body import MAX_AUTH_BODY_BYTES
from api.http.command_results import WriteResult
from api.http.response import Response
from api.ledger import AuthedRequest, Ledger, command_request, user_request, write_response
from commands.command import require_found
from commands.field_types import Email, Language, Name, ZoneName, require_valid_domain, require_zone
from commands.handling.command_on import CommandOn
from commands.handling.outcome import Committed, Outcome
from commands.member import LeaveWorkspace
from commands.trash import TrashWorkspace
from commands.user import ChangeEmail, DeleteAccount, EditAccount
from commands.validation import quoted
from domain.email_address import are_same_email
from domain.errors import EmailTaken, HandOverFirst, LastOwner, VersionConflict
from domain.user import User
from domain.workspace import Workspace
from projections import workspace_list
from projections.workspace_list import WorkspaceRow

_MAX_ATTEMPTS = 3


class AccountChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What to change; a member that is left out stays, and null clears the language or the zone."""

    name: Name | UnsetType = UNSET
    email: Email | UnsetType = UNSET
    language: Language | UnsetType | None = UNSET
    zone: ZoneName | UnsetType | None = UNSET

    def __post_init__(self) -> None:
        if isinstance(self.email, str):
            require_valid_domain(self.email)
        if isinstance(self.zone, str):
            require_zone(self.zone)


@patch("/auth/me", max_body_bytes=MAX_AUTH_BODY_BYTES, guard=Ledger.require_account_manager)
async def edit_account(data: AccountChange, request: AuthedRequest, ledger: Ledger) -> Response[Me]:
    """Change your name, e-mail address, language or time zone.

    With a mail server, a new address is yours once `POST /auth/verify` gets the token that was mailed to it; until
    then it is shown as `new_email`, and to send your present address voids the change. Without one it is yours at
    once.
    """
    user = request.user.user_id
    if isinstance(data.email, str):
        await _begin_email_change(ledger, request, data.email)
    edit = EditAccount(name=data.name, language=data.language, zone=data.zone)
    await ledger.commit(command_request(request, [CommandOn(user, edit)]))
    if isinstance(data.email, str) and not ledger.mail.is_set_up:
        await change_email(ledger, user, data.email, is_verified=False)
    return Response(await load_me(ledger, request))


@delete("/auth/me", max_body_bytes=MAX_AUTH_BODY_BYTES, guard=Ledger.require_account_manager)
async def delete_account(request: AuthedRequest, ledger: Ledger) -> Response[WriteResult]:
    """Delete your account at once: sessions, tokens and memberships end; your name stays for what you did.

    A workspace without other members goes to the trash. The only owner of a workspace with other members, and the
    administrator of the installation, hand it over first.
    """
    user = request.user.user_id
    state = require_found(await ledger.log.load_state(User, user))
    deletion = DeleteAccount(address=ledger.addresses.streams(state.email))
    leaving = await _leaving_commands(ledger, request)
    outcome = await _carry_out(ledger, request, [*leaving, CommandOn(user, deletion)])
    if isinstance(outcome, Committed):
        await ledger.mail_tokens.delete_all(user)
        await ledger.tokens.revoke_all(user)
        await ledger.sessions.close_account(user)
    return write_response(deletion, outcome)


async def _carry_out(ledger: Ledger, request: AuthedRequest, commands: list[CommandOn]) -> Outcome:
    """Carry out commands one after the other, unless one of them is refused; the outcome of the last.

    Raises HandOverFirst with the workspaces whose last owner the caller is.
    """
    requests = [command_request(request, [command_on]) for command_on in commands]
    outcomes, owned = list[Outcome](), list[UUID]()
    for one in requests:
        try:
            outcomes.append(await ledger.handle(msgspec.structs.replace(one, is_dry_run=True)))
        except LastOwner:
            owned.append(one.commands[0].target)
    if owned:
        raise await _hand_over_first(ledger, owned)
    if requests[-1].is_dry_run:
        return outcomes[-1]
    for one in requests:
        try:
            outcomes.append(await ledger.commit(one))
        except LastOwner as error:  # the other owner left a moment ago
            raise await _hand_over_first(ledger, [one.commands[0].target]) from error
    return outcomes[-1]


async def _hand_over_first(ledger: Ledger, workspaces: list[UUID]) -> HandOverFirst:
    states = {one: await ledger.log.load_state(Workspace, one) for one in workspaces}
    names = {one: state.name for one, state in states.items() if state}
    detail = f"You are the last owner of {', '.join(map(quoted, names.values()))}. Appoint another one first."
    return HandOverFirst(detail, workspaces=[{"id": one, "name": name} for one, name in names.items()])


async def change_email(ledger: Ledger, user: UUID, email: str, *, is_verified: bool) -> None:
    """Give a user another address; raises EmailTaken."""
    for attempt in range(1, _MAX_ATTEMPTS + 1):
        (found,) = await ledger.log.load_states([(user, User)])
        before = found.states[User]
        if not isinstance(before, User):
            return
        change = ChangeEmail(
            email=email,
            address=ledger.addresses.streams(email),
            old_address=ledger.addresses.streams(before.email),
            email_verified=is_verified,
            expected_version=found.version,
        )
        try:
            await ledger.commit(user_request(user, CommandOn(user, change)))
            break
        except VersionConflict:  # the account was changed meanwhile
            if attempt == _MAX_ATTEMPTS:
                raise
    await ledger.mail_tokens.delete_all(user)  # they were mailed to the old address


async def _begin_email_change(ledger: Ledger, request: AuthedRequest, email: str) -> None:
    """Refuse an address that cannot be had; with a mail server, mail it the token that confirms the change."""
    user = request.user.user_id
    state = require_found(await ledger.log.load_state(User, user))
    if email == state.email:  # it stays, so that a change that waits to be confirmed is void
        await ledger.mail_tokens.delete(user, "email_change")
        return
    await ledger.charge_mail(request, email)
    if not are_same_email(email, state.email) and await ledger.addresses.find_user(email):
        raise EmailTaken
    if ledger.mail.is_set_up:
        await ledger.account_mail.mail_email_change(user, email)


async def _leaving_commands(ledger: Ledger, request: AuthedRequest) -> list[CommandOn]:
    """The commands that end the caller's memberships; a workspace without other members goes to the trash."""
    head, commands = await ledger.log.head(), list[CommandOn]()
    for workspace in await ledger.workspaces_of_caller(request, head):
        answer = (await ledger.fetch(request, workspace_list.by_id(workspace), head)).answer
        row = msgspec.json.decode(answer.body, type=WorkspaceRow) if answer else None
        is_shared = row is None or len(row.members) > 1
        leave = LeaveWorkspace() if row is None or is_shared else TrashWorkspace(expected_version=row.version)
        commands.append(CommandOn(workspace, leave))
    return commands
