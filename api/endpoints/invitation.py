"""Invitations to a workspace over HTTP: a token goes by mail, and whoever brings it back belongs to the workspace."""

from typing import Annotated
from uuid import UUID

from litestar import delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from api.http import preconditions
from api.http.addressing import given_id
from api.http.command_mode import manner
from api.http.outcomes import Written
from api.http.parameters import Cursor, Limit
from api.http.response import Response
from api.ledger import BASE, Asked, Ledger, order, written
from commands.command import present
from commands.field_types import Email
from commands.handling.decision import Wish
from commands.invitation import AcceptInvitation, InviteMember, RevokeInvitation, inviting
from domain.errors import InvitedElsewhere, Refusal
from domain.invitation import Invitation
from domain.member import Role
from domain.user import User
from domain.workspace import Workspace
from infra.identity import invitations
from infra.identity.invitations import GOOD_FOR, Invited
from infra.ids import new_id
from projections import pagination
from projections.pagination import START_OF_TIME, ByTime, Page

Token = Annotated[str, Meta(min_length=1, max_length=200, description="The token of an invitation, from its mail.")]
_MAIL = """{who} invites you to the workspace "{where}" on Taskledger, as {role}.

Your token, good once and for {days} days:

    {token}

If you have an account with this address, log in and send it to POST /api/v1/invitations/accept. If you have none,
register with it: POST /api/v1/auth/register takes it as "invitation".
"""


class Invite(Struct, frozen=True, forbid_unknown_fields=True):
    email: Email
    role: Role = "member"


class Acceptance(Struct, frozen=True, forbid_unknown_fields=True):
    token: Token


@post("/workspaces/{workspace:str}/invitations")
async def invite(
    workspace: FromPath[str], data: JSONBody[Invite], request: Asked, ledger: NamedDependency[Ledger]
) -> Response[Written]:
    """Invite somebody by mail; only an owner invites an owner."""
    command = InviteMember(workspace_id=given_id(workspace), role=data.role)
    key = await preconditions.idempotency(request)
    whole = [] if key is None or manner(request).dry else [key.text + preconditions.WHOLE]
    with ledger.handling.alone(request.user, whole):  # the mail is a part of what must not happen twice
        async with ledger.limits.invitation(request.user.person):
            await ledger.mail.check(data.email)
            done = await ledger.handle(order(request, [Wish(new_id(), command)], [key] if key else []))
            await _send(ledger, request, done.results[0].id, command, data.email)
    return written(command, done)


@get("/workspaces/{workspace:str}/invitations")
async def list_invitations(
    workspace: FromPath[str],
    request: Asked,
    ledger: NamedDependency[Ledger],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response[Page[Invited]]:
    """The invitations to a workspace that nobody has accepted yet, oldest first."""
    workspace_id = given_id(workspace)
    this = pagination.list_of(workspace_id, "invitations", {})
    after = pagination.Cursor.place(cursor, this, ByTime) or START_OF_TIME
    await ledger.rights.may("SeeInvitations", request.user.person, workspace_id)
    found = await ledger.invitations.of_workspace(workspace_id, after, limit + 1)
    answer = pagination.paged(found, limit, this, invitations.place)
    return preconditions.answered(request, answer, await ledger.log.head())


@get("/invitations/{invitation:str}")
async def show_invitation(
    invitation: FromPath[str], request: Asked, ledger: NamedDependency[Ledger]
) -> Response[Invited]:
    """One invitation that nobody has accepted yet."""
    found = present(await ledger.invitations.one(given_id(invitation)))
    await ledger.rights.may("SeeInvitations", request.user.person, found.workspace_id)
    return preconditions.answered(request, pagination.answer(found), await ledger.log.head())


@delete("/invitations/{invitation:str}", status_code=200)
async def revoke_invitation(
    invitation: FromPath[str], data: JSONBody[RevokeInvitation], request: Asked, ledger: NamedDependency[Ledger]
) -> Response[Written]:
    """Let an invitation be good for nothing any more."""
    invitation_id = given_id(invitation)
    answer = await ledger.write(request, invitation_id, data)
    await ledger.invitations.forget(invitation_id)
    return answer


@post("/invitations/accept", status_code=200, response_headers=[preconditions.LOCATION])
async def accept_invitation(
    data: JSONBody[Acceptance], request: Asked, ledger: NamedDependency[Ledger]
) -> Response[Written]:
    """Take the place that an invitation to your address keeps for you."""
    key = await preconditions.idempotency(request)
    user = present(await ledger.log.state(User, request.user.person))
    invited = await invited_as(ledger, data.token, user.email)
    target = invited.id if invited else new_id()  # of nothing: not found, unless the key was used before
    done = await ledger.handle(order(request, [Wish(target, AcceptInvitation())], [key] if key else []))
    accepted = done.results[0].id
    await ledger.invitations.forget(accepted)
    answer = written(AcceptInvitation(), done)
    workspace = present(await ledger.log.state(Invitation, accepted)).workspace_id
    answer.headers["Location"] = f"{BASE}/workspaces/{workspace}"
    return answer


async def invited_as(ledger: Ledger, token: str, email: str) -> Invited | None:
    """The open invitation that a token proves; raises InvitedElsewhere where it is for another address."""
    invited = await ledger.invitations.with_token(token)
    if invited and invited.email.casefold() != email.casefold():
        raise InvitedElsewhere
    return invited


async def _send(ledger: Ledger, asked: Asked, invitation: UUID, command: InviteMember, email: str) -> None:
    """Mail the token, unless that was done before, or is no longer to be done, or not by who asks for it again.

    Raises MailUnavailable, and whoever asks again has another try.
    """
    token = await _may_send(ledger, asked, command) and await ledger.invitations.token_of(invitation, email)
    if not token:
        return
    by, workspace = asked.user.person, command.workspace_id
    here, who = await ledger.log.state(Workspace, workspace), await ledger.log.state(User, by)
    where, name = present(here).name, present(who).name
    text = _MAIL.format(who=name, where=where, role=command.role, days=GOOD_FOR.days, token=token)
    try:
        await ledger.mail.send(email, f"{name} invites you to {where}", text)
    except Refusal:
        await ledger.invitations.unsent(invitation)
        raise
    await ledger.invitations.sent(invitation)


async def _may_send(ledger: Ledger, asked: Asked, command: InviteMember) -> bool:
    """Whether who asks might invite now: what they did before is answered again to whoever may see it."""
    try:
        await ledger.may(asked, inviting(command.role), command.workspace_id)
    except Refusal:
        return False
    return True
