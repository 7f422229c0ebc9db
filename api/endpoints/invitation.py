"""Invitations to a workspace over HTTP: a token sent by mail, which admits its holder to the workspace."""

import contextlib
import time
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from api.function_endpoint import delete, get, post
from api.http import idempotency
from api.http.command_mode import command_mode
from api.http.command_results import WriteResult
from api.http.conditional_response import LOCATION_HEADER, conditional_response
from api.http.deadline import current_deadline
from api.http.parameters import Cursor, Limit
from api.http.response import Response
from api.ledger import BASE_PATH, AuthedRequest, Ledger, command_request, write_response
from commands.command import require_found
from commands.field_types import Email, require_valid_domain
from commands.handling.command_on import CommandOn
from commands.handling.outcome import Committed
from commands.invitation import AcceptInvitation, InviteMember, RevokeInvitation, invite_action
from domain.errors import EmailNotVerified, MailUnavailable, Refusal
from domain.invitation import Invitation
from domain.member import Role
from domain.user import User
from domain.workspace import Workspace
from infra import time_budget
from infra.delivery.token_mail import invitation_mail
from infra.identity import invitations
from infra.identity.invitations import INVITATION_LIFETIME, InvitationRecord
from infra.ids import new_id
from projections import pagination
from projections.pagination import MIN_TIME_SORT_KEY, Page, TimeSortKey

InvitationToken = Annotated[
    str, Meta(min_length=1, max_length=200, description="The token of an invitation, from its mail.")
]


_NOT_MAILED = "The invitation is open, but its mail was not sent. Invite the same address again to send it."


class Invite(Struct, frozen=True, forbid_unknown_fields=True):
    email: Email
    role: Role = "member"

    def __post_init__(self) -> None:
        require_valid_domain(self.email)


class InvitationsQuery(Struct, frozen=True):
    """The parameters of a list from the log itself, which waits for no read model."""

    limit: Limit = 50
    cursor: Cursor = None


class Acceptance(Struct, frozen=True, forbid_unknown_fields=True):
    token: InvitationToken


@post("/workspaces/{workspace}/invitations")
async def invite(workspace: UUID, data: Invite, request: AuthedRequest, ledger: Ledger) -> Response[WriteResult]:
    """Invite a person by mail; only an owner can invite an owner.

    If the mail cannot be sent now, the answer is 503: the invitation is listed without `sent_at`. Invite the address
    again to send it. A new invitation to an address replaces the older ones: those not sent at once, the others when
    its own mail is sent.
    """
    command = InviteMember(workspace_id=workspace, role=data.role)
    key = await idempotency.idempotency_key(request)
    is_dry_run = command_mode(request).is_dry_run
    batch_keys = [] if key is None or is_dry_run else [key.text + idempotency.WHOLE_BATCH_SUFFIX]
    mail_by = time.monotonic() + time_budget.MAIL_S
    with ledger.command_handler.lock_keys(request.user, batch_keys):  # the mail must not be sent twice either
        async with ledger.attempt_limits.charge_invitation(request.user.user_id, is_dry_run=is_dry_run):
            await ledger.mail.check_recipient(data.email, mail_by)
            commands = [CommandOn(new_id(), command)]
            outcome = await ledger.handle(command_request(request, commands, [key] if key else []))
            if isinstance(outcome, Committed):
                current_deadline().restart()  # from here on, the outcome is known
                await _mail_invitation(ledger, request, outcome.results[0].id, command, data.email, mail_by)
    return write_response(command, outcome)


@get("/workspaces/{workspace}/invitations")
async def list_invitations(
    workspace: UUID, request: AuthedRequest, ledger: Ledger, query: InvitationsQuery
) -> Response[Page[InvitationRecord]]:
    """List the open invitations to a workspace, oldest first."""
    list_id = pagination.list_id_for(workspace, "invitations", {})
    after = pagination.PageCursor.parse(query.cursor, list_id, TimeSortKey) or MIN_TIME_SORT_KEY
    await ledger.permissions.require_permission("SeeInvitations", request.user.user_id, workspace)
    rows = await ledger.invitations.list_for_workspace(workspace, after, query.limit + 1)
    answer = pagination.paginate(rows, query.limit, list_id, invitations.sort_key)
    return conditional_response(request, answer, await ledger.log.head())


@get("/invitations/{invitation}")
async def show_invitation(invitation: UUID, request: AuthedRequest, ledger: Ledger) -> Response[InvitationRecord]:
    """Show one open invitation."""
    found = require_found(await ledger.invitations.find(invitation))
    await ledger.permissions.require_permission("SeeInvitations", request.user.user_id, found.workspace_id)
    return conditional_response(request, pagination.encode_answer(found), await ledger.log.head())


@delete("/invitations/{invitation}")
async def revoke_invitation(
    invitation: UUID, data: RevokeInvitation, request: AuthedRequest, ledger: Ledger
) -> Response[WriteResult]:
    """Revoke an invitation."""
    outcome = await ledger.carry_out(request, invitation, data)
    if isinstance(outcome, Committed):
        await ledger.invitations.delete(invitation)
    return write_response(data, outcome)


@post("/invitations/accept", status_code=200, response_headers=[LOCATION_HEADER])
async def accept_invitation(data: Acceptance, request: AuthedRequest, ledger: Ledger) -> Response[WriteResult]:
    """Accept an invitation to your e-mail address and join its workspace."""
    key = await idempotency.idempotency_key(request)
    user = require_found(await ledger.log.load_state(User, request.user.user_id))
    invited = await ledger.invitations.find_by_token(data.token, user.email)
    if invited:
        _require_verified(ledger, user)
    target = invited.id if invited else new_id()  # of nothing: not found, unless the key was used before
    commands = [CommandOn(target, AcceptInvitation())]
    outcome = await ledger.handle(command_request(request, commands, [key] if key else []))
    answer = write_response(AcceptInvitation(), outcome)
    if not isinstance(outcome, Committed):
        return answer
    accepted = outcome.results[0].id
    await ledger.invitations.delete(accepted)
    workspace = require_found(await ledger.log.load_state(Invitation, accepted)).workspace_id
    answer.headers["Location"] = f"{BASE_PATH}/workspaces/{workspace}"
    return answer


def _require_verified(ledger: Ledger, user: User) -> None:
    """Raise EmailNotVerified for a user with an unverified address, if there is a mail server to verify it."""
    if ledger.mail.is_set_up and not user.email_verified:
        raise EmailNotVerified


async def _mail_invitation(
    ledger: Ledger, request: AuthedRequest, invitation: UUID, command: InviteMember, email: str, mail_by: float
) -> None:
    """Mail the token, unless it was sent before, the invitation is closed, or the caller may no longer invite.

    Raises MailUnavailable; a repeated request tries again.
    """
    token = await _can_invite(ledger, request, command) and await ledger.invitations.create_token(invitation, email)
    if not token:
        return
    inviter_id, workspace = request.user.user_id, command.workspace_id
    workspace_state, inviter = (
        await ledger.log.load_state(Workspace, workspace),
        await ledger.log.load_state(User, inviter_id),
    )
    workspace_name, name = require_found(workspace_state).name, require_found(inviter).name
    try:
        mail = invitation_mail(name, workspace_name, command.role, token, INVITATION_LIFETIME)
        await ledger.mail.send(email, mail, mail_by)
    except Refusal as error:
        await ledger.invitations.mark_unsent(invitation)
        await _revoke_replaced(ledger, request, invitation, is_sent=False)
        if isinstance(error, MailUnavailable):
            raise MailUnavailable(_NOT_MAILED) from error
        raise
    await ledger.invitations.mark_sent(invitation, is_mailed=ledger.mail.is_set_up)
    await _revoke_replaced(ledger, request, invitation, is_sent=True)


async def _revoke_replaced(ledger: Ledger, request: AuthedRequest, invitation: UUID, *, is_sent: bool) -> None:
    """Revoke the invitations that this one replaces; one that is accepted at this moment stays."""
    replaced = [one.id for one in await ledger.invitations.list_replaced_by(invitation, is_sent=is_sent)]
    if not replaced:
        return
    with contextlib.suppress(Refusal):
        await ledger.handle(command_request(request, [CommandOn(one, RevokeInvitation()) for one in replaced]))
        for one in replaced:
            await ledger.invitations.delete(one)


async def _can_invite(ledger: Ledger, request: AuthedRequest, command: InviteMember) -> bool:
    """Whether the caller may invite now; a replay is answered to callers who may not."""
    try:
        await ledger.require_permission(request, invite_action(command.role), command.workspace_id)
    except Refusal:
        return False
    return True
