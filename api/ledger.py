"""The ledger: the one facade that endpoints use, to write and to read."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from api.connections.stats import ConnectionStats
from api.http import conflict, idempotency, preconditions, tracing
from api.http.client_address import client_network
from api.http.command_mode import command_mode
from api.http.command_results import WriteResult
from api.http.conditional_response import command_headers
from api.http.deadline import current_deadline
from api.http.rate_limiting import RequestLimiter
from api.http.response import Response
from api.queries import AuthedRequest as AuthedRequest  # noqa: PLC0414 - the name that endpoints use
from api.queries import Queries
from commands import permissions
from commands.command import Command
from commands.handling.command_on import CommandOn
from commands.handling.handler import CommandHandler
from commands.handling.idempotency import IdempotencyKey
from commands.handling.outcome import Committed, DryRunOutcome, Outcome
from commands.handling.request import CommandRequest
from commands.user import require_human
from domain.attachment import Attachment
from domain.comment import Comment
from domain.errors import BlobsUnavailable, NotFound, Refusal, ScopeTooNarrow, VersionConflict
from domain.event import Actor
from domain.invitation import Invitation
from domain.project import Project
from domain.saved_filter import SavedFilter
from domain.task import Task
from domain.time_entry import TimeEntry
from domain.user import User
from domain.workspace import Workspace
from infra import time_budget
from infra.admission import Admission
from infra.blobs.blob_store import BlobKey
from infra.blobs.threads import BlobThreads, Download, Upload
from infra.bulk.bulk_runner import BulkRunner
from infra.bulk.bulk_store import BulkStore
from infra.database.pool import Pool
from infra.delivery.account_mail import AccountMail
from infra.delivery.mailer import Mailer
from infra.health.readiness import Readiness
from infra.identity.access_log import AccessLog
from infra.identity.email_addresses import EmailAddresses
from infra.identity.invitations import Invitations
from infra.identity.mail_tokens import MailTokens
from infra.identity.passwords import Passwords
from infra.identity.permission_revocations import PermissionRevocations, permissions_revoked_by
from infra.identity.personal_tokens import PersonalTokens
from infra.identity.revocations import RevokedIds
from infra.identity.sessions import Sessions
from infra.identity.sign_in_refusals import SignInRefusals
from infra.identity.trusted_proxies import TrustedProxyList
from infra.ids import new_id
from infra.log.changes import Changes
from infra.messaging.hints import HintSender
from infra.messaging.subscription import Subscription
from infra.rate_limits.attempts import AttemptLimits
from infra.reading.cached_answer import CachedAnswer
from infra.reading.memory_cache import MemoryCache
from infra.reading.progress_polling import ProgressPoller
from infra.rebuilding.projection_admin import ProjectionAdmin
from infra.settings import Settings
from infra.writer.client import WriterClient
from infra.writer.server import WriterServer

BASE_PATH = "/api/v1"
_LOCATION_PATHS = {
    Task: "/tasks/{}",
    Project: "/projects/{}",
    Workspace: "/workspaces/{}",
    User: "/auth/me",
    Invitation: "/invitations/{}",
    SavedFilter: "/filters/{}",
    Comment: "/comments/{}",
    Attachment: "/attachments/{}",
    TimeEntry: "/time/{}",
}


class Ledger(Queries, frozen=True, kw_only=True):
    """The parts of this process, with the operations of endpoints on them."""

    settings: Settings
    admission: Admission
    connection_stats: ConnectionStats
    command_handler: CommandHandler
    writer_client: WriterClient | None
    writer_server: WriterServer | None
    subscription: Subscription
    memory_cache: MemoryCache[CachedAnswer]
    progress_poller: ProgressPoller
    permission_revocations: PermissionRevocations
    passwords: Passwords
    sessions: Sessions
    access_log: AccessLog
    sign_in_refusals: SignInRefusals
    tokens: PersonalTokens
    revoked_ids: RevokedIds
    attempt_limits: AttemptLimits
    limiter: RequestLimiter
    proxies: TrustedProxyList
    hints: HintSender
    projection_admin: ProjectionAdmin
    bulk_store: BulkStore
    bulk_runner: BulkRunner
    pool: Pool
    changes: Changes
    blobs: BlobThreads
    readiness: Readiness
    addresses: EmailAddresses
    invitations: Invitations
    mail: Mailer
    draining: asyncio.Event
    """Set when this process is about to stop: it is no longer ready, and each response closes its connection."""
    mail_tokens: MailTokens
    account_mail: AccountMail

    async def write(self, request: AuthedRequest, target: UUID, command: Command[Any]) -> Response[Any]:
        """Carry out a command; the response is its WriteResult, with events after a dry run. Raises its Refusal."""
        return write_response(command, await self.carry_out(request, target, command))

    async def carry_out(
        self, request: AuthedRequest, target: UUID, command: Command[Any], content: bytes | None = None
    ) -> Outcome:
        """Carry out a command under the version, key and mode that the request names. Raises its Refusal.

        `content` tells the body of the request from others, if it is not JSON.
        """
        command = preconditions.with_expected_version(request, command)
        try:
            key = await idempotency.idempotency_key(request, content)
            wanted = command_request(request, [CommandOn(target, command)], [key] if key else [])
            if preconditions.allows_any_version(request):
                wanted = replace(wanted, allows_any_version=True)
            return await self.handle(wanted)
        except VersionConflict as error:
            raise await self.conflict(request, target, error) from error

    async def carry_out_with_blob(
        self, request: AuthedRequest, key: BlobKey, command: Command[Any], upload: Upload, content: bytes
    ) -> Outcome:
        """Store an upload, then carry out the command that names it; bytes that no event names are deleted.

        While it is not known if there is an event they stay: the sweep of the blob store finds out.
        """
        deadline = current_deadline()
        if not command_mode(request).is_dry_run:
            deadline.restart(time_budget.BLOB_STORE_S)
            await upload.store(key)
            deadline.restart()
        try:
            outcome = await self.carry_out(request, key.attachment_id, command, content)
        except Refusal:
            await self.delete_blob(key)
            raise
        if isinstance(outcome, Committed) and outcome.is_replay:
            await self.delete_blob(key)
        return outcome

    async def download(self, key: BlobKey, start: int, stop: int) -> Download:
        """The bytes from `start` up to `stop`; raises BlobMissing or BlobsUnavailable."""
        current_deadline().restart(time_budget.BLOB_READ_S)
        return await self.blobs.download(key, start, stop)

    async def delete_blob(self, key: BlobKey) -> None:
        """Delete bytes that no event names; where that fails, the sweep of the blob store does it."""
        with suppress(BlobsUnavailable):
            await self.blobs.delete([key])

    async def require_allowed(self, request: AuthedRequest, target: UUID, command: Command[Any]) -> None:
        """Raise the Refusal that a command would have now."""
        await self.handle(replace(command_request(request, [CommandOn(target, command)]), is_dry_run=True))

    async def handle(self, request: CommandRequest) -> Outcome:
        """Carry out commands, or run them dry: what an endpoint does after a command needs a Committed."""
        if request.is_dry_run:
            return await self.command_handler.dry_run(request)
        return await self.commit(request)

    async def commit(self, request: CommandRequest) -> Committed:
        """Carry out commands, and hint the workers if anything changed; a replay is authorised like a read.

        Unless it is the command itself that ended the caller's access: its replay is answered as the first time.
        """
        current_deadline().is_outcome_unknown = True  # to a late answer
        committed = await self.command_handler.handle(request)
        if revoked := permissions_revoked_by(request.commands, request.actor):
            await self.permission_revocations.broadcast(revoked)
        hides_target = any(one.command.hides_target for one in request.commands)
        for workspace_id in () if hides_target else committed.workspace_ids:  # of a replay
            await self.permissions.require_access(request.actor.user_id, workspace_id)
        if committed.has_changes:
            self.hints.hint(committed.position)
        return committed

    async def conflict(self, request: AuthedRequest, target: UUID, error: VersionConflict) -> VersionConflict:
        """The refusal as its client sees it; raises NotFound if the client may no longer see what happened."""
        rendered = await conflict.rendered_conflict(self.log, target, error)
        workspaces = [error.workspace_id] if error.workspace_id and rendered.params["current"] else []
        if workspaces and not await self.permissions.memberships(request.user.user_id, workspaces):
            raise NotFound
        return rendered

    async def charge_mail(self, request: AuthedRequest, email: str) -> None:
        """Count a mail to an address that a request asked for; raises TooManyMails."""
        network = client_network(request, self.proxies)
        await self.attempt_limits.charge_mail(self.addresses.account_id(email), network)

    def require_scope(self, request: AuthedRequest, action: str) -> None:
        """Raise ScopeTooNarrow unless the token of the caller may do this anywhere."""
        _require_scope(request, action)

    async def require_permission(self, request: AuthedRequest, action: str, workspace: UUID) -> None:
        """Raise NotFound, ScopeTooNarrow or Forbidden unless the caller has this permission, with this token."""
        _require_scope(request, action)
        await self.permissions.require_permission(action, request.user.user_id, workspace)

    async def require_operator(self, request: AuthedRequest) -> None:
        """Raise ScopeTooNarrow or Forbidden unless the caller administers this installation, with a token that may."""
        _require_scope(request, "Operate")
        await self.permissions.require_operator(request.user.user_id)

    async def require_account_manager(self, request: AuthedRequest) -> None:
        """Raise ScopeTooNarrow or Forbidden unless the caller may manage their sessions, tokens and password."""
        _require_scope(request, "ManageAccount")
        require_human(request.user)


def _require_scope(request: AuthedRequest, action: str) -> None:
    needed = permissions.REQUIRED_PERMISSIONS[action].scope
    if not permissions.is_scope_at_least(request.auth.scope, needed):
        raise ScopeTooNarrow(needed=needed)


def command_request(
    request: AuthedRequest, commands: Sequence[CommandOn], keys: Sequence[IdempotencyKey] = ()
) -> CommandRequest:
    """The commands of an HTTP request, with its actor, keys, trace, token scope and command mode.

    A caller who may only propose commands may try all that they may propose.
    """
    mode, scope = command_mode(request), request.auth.scope
    return CommandRequest(
        commands,
        request.user,
        new_id(),
        keys,
        tracing.command_trace(request),
        "write" if scope == "propose" and mode.is_dry_run else scope,
        mode.is_dry_run,
        mode.rebase,
    )


def user_request(user: UUID, command: CommandOn) -> CommandRequest:
    """A command of a user whom no access token names: they register, or have a token by mail."""
    return CommandRequest([command], Actor(user), new_id(), trace=tracing.current_trace())


def write_response(command: Command[Any], outcome: Outcome) -> Response[Any]:
    """The answer to one command; that of a dry run is 200, and has neither an entity tag nor a location."""
    content = WriteResult.from_outcome(outcome)
    if isinstance(outcome, DryRunOutcome):
        return Response(content, status_code=200, headers=command_headers(outcome.position, replayed=False))
    headers = {"ETag": f'"{content.version}"', **command_headers(outcome.position, replayed=outcome.is_replay)}
    if command.creates:
        headers["Location"] = BASE_PATH + _LOCATION_PATHS[command.state_type].format(content.id)
    return Response(content, status_code=201 if command.creates else 200, headers=headers)
