"""The ledger: the one thing that endpoints ask, to write and to read."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from api.http import conflict, preconditions, tracing
from api.http.command_mode import Tried, manner
from api.http.outcomes import Written
from api.http.problems import Lost
from api.http.response import Response
from api.queries import Asked as Asked  # noqa: PLC0414 - the name by which endpoints know who asks
from api.queries import Queries
from commands import permissions
from commands.command import Command
from commands.handling.append import Key
from commands.handling.decision import Wish
from commands.handling.group import Order
from commands.handling.handler import Done, Handling
from domain.errors import NotFound, ScopeTooNarrow, VersionConflict
from domain.invitation import Invitation
from domain.project import Project
from domain.saved_filter import SavedFilter
from domain.task import Task
from domain.user import User
from domain.workspace import Workspace
from infra.column_counts import Counting
from infra.delivery.mail import Mail
from infra.identity.invitations import Invitations
from infra.identity.passwords import Credentials
from infra.identity.permission_revocations import Ended, ended_by
from infra.identity.proxies import Proxies
from infra.identity.rate_limits import Limits
from infra.identity.revocations import Revoked
from infra.identity.sessions import Sessions
from infra.identity.tokens import Tokens
from infra.ids import new_id
from infra.messaging.hints import Hints
from infra.messaging.subscription import Channel
from infra.reading.cached_answer import Snapshot
from infra.reading.memory_cache import Hot
from infra.rebuilding.admin import Operating
from infra.settings import Settings

BASE = "/api/v1"
_PLACES = {
    Task: "/tasks/{}",
    Project: "/projects/{}",
    Workspace: "/workspaces/{}",
    User: "/auth/me",
    Invitation: "/invitations/{}",
    SavedFilter: "/filters/{}",
}


class Ledger(Queries, frozen=True, kw_only=True):
    """Everything that this process holds open."""

    settings: Settings
    handling: Handling
    counting: Counting
    channel: Channel
    hot: Hot[Snapshot]
    ended: Ended
    credentials: Credentials
    sessions: Sessions
    tokens: Tokens
    revoked: Revoked
    limits: Limits
    proxies: Proxies
    hints: Hints
    operating: Operating
    invitations: Invitations
    mail: Mail

    async def write(self, asked: Asked, target: UUID, command: Command[Any]) -> Response[Written]:
        """Carry out a command, and say what it did. Raises the Refusal that answers it otherwise."""
        command, by_header = preconditions.expected(asked, command)
        try:
            key = await preconditions.idempotency(asked)
            done = await self.handle(order(asked, [Wish(target, command)], [key] if key else []))
        except VersionConflict as race:
            raise await self.lost(asked, target, race, by_header=by_header) from race
        return written(command, done)

    async def handle(self, order: Order) -> Done:
        """Carry out commands, and wake the workers if anything changed; a replay is authorised like a read.

        Raises Tried where they were only tried.
        """
        done = await self.counting.handle(order)
        if order.dry:
            raise Tried(done)
        if ended := ended_by(order.wishes, order.actor):
            await self.ended.tell(ended)
        for workspace_id in done.workspace_ids:  # of a replay
            await self.rights.may_see(order.actor.person, workspace_id)
        if done.changed:
            self.hints.give(done.position)
        return done

    async def lost(self, asked: Asked, target: UUID, race: VersionConflict, *, by_header: bool = False) -> Lost:
        """The answer to who lost a race; raises NotFound to who may not see any more what happened."""
        told = await conflict.lost(self.log, target, race, by_header=by_header)
        here = [race.workspace_id] if race.workspace_id and told.members["current"] else []
        if here and not await self.rights.memberships(asked.user.person, here):
            raise NotFound
        return told

    async def may(self, asked: Asked, operation: str, workspace: UUID) -> None:
        """Raise NotFound, ScopeTooNarrow or Forbidden unless who asks may do something there, as they ask."""
        needed = permissions.TABLE[operation].scope
        if not permissions.has_scope(asked.auth.scope, needed):
            raise ScopeTooNarrow(needed=needed)
        await self.rights.may(operation, asked.user.person, workspace)

    async def may_operate(self, asked: Asked) -> None:
        """Raise ScopeTooNarrow or Forbidden unless who asks administers this installation, and may do so as they do."""
        if not permissions.has_scope(asked.auth.scope, permissions.TABLE["Operate"].scope):
            raise ScopeTooNarrow(needed=permissions.TABLE["Operate"].scope)
        await self.rights.may_operate(asked.user.person)


def order(asked: Asked, wishes: Sequence[Wish], keys: Sequence[Key] = ()) -> Order:
    """What a request asks for: as whom, how far its token goes, where it came from, and in which manner."""
    how = manner(asked)
    return Order(wishes, asked.user, new_id(), keys, tracing.trace(), asked.auth.scope, how.dry, how.rebase)


def written(command: Command[Any], done: Done) -> Response[Written]:
    """The answer to a command that was carried out."""
    result = done.results[0]
    content = Written(result.id, result.version, done.position, result.key, result.warnings)
    headers = {"ETag": f'"{result.version}"', **preconditions.carried(done.position, replayed=done.replayed)}
    if command.creates:
        headers["Location"] = BASE + _PLACES[command.about].format(result.id)
    return Response(content, status_code=201 if command.creates else 200, headers=headers)
