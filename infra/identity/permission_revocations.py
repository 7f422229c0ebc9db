"""Permission revocations: once a revocation is acknowledged, no process uses the permission from its cache.

The revoking process publishes to all others and waits until as many have answered as poll the database. A process that
did not answer, or did not receive the message, has lost its subscription: after a second it trusts nothing that it
cached, so the wait ends then. If the revoking process is killed before it publishes, the others check the permission
against the log within `PERMISSION_TTL_S`.
"""

import asyncio
from collections.abc import Callable, Collection, Iterator, Sequence
from uuid import UUID

import msgspec
import psycopg
import redis
import redis.asyncio
from msgspec import Struct

from commands.handling.command_on import CommandOn
from commands.member import LeaveWorkspace, RemoveMember
from commands.trash import PurgeProject, TrashWorkspace
from domain.event import Actor
from domain.member import member_stream_id
from infra.background import log_failure
from infra.database.pool import Pool
from infra.identity.permissions import Permissions
from infra.ids import new_id
from infra.logs import logger
from infra.messaging.subscription import LIVENESS_S, Subscription
from infra.reading.progress_polling import POLLER_APPLICATION_NAME

REVOCATIONS_CHANNEL = "taskledger:ended"
UNREACHABLE_COUNT = 2**31
"""More answers than can arrive."""
_COUNT_PROCESSES_SQL = (
    "select count(*) from pg_stat_activity where application_name = %s and datname = current_database()"
)
"""The number of API processes that poll this database."""


class _RevocationMessage(Struct, frozen=True):
    streams: list[UUID]
    answer_to: str = ""
    number: UUID = UUID(int=0)


def announcer(client: redis.Redis) -> Callable[[Collection[UUID]], None]:
    """A function that publishes revocations by a rule to every process, without waiting for answers."""

    def announce(streams: Collection[UUID]) -> None:
        try:
            if streams:
                client.publish(REVOCATIONS_CHANNEL, msgspec.json.encode(_RevocationMessage(list(streams))))
        except redis.RedisError as error:
            logger.debug("a permission revocation was not published: {}", error)

    return announce


class _PendingBroadcast:
    """The number of answers to a broadcast so far, and the number expected."""

    def __init__(self) -> None:
        self.answer_count, self.expected_count = 0, 0
        self.answer_arrived = asyncio.Event()


class PermissionRevocations:
    """Broadcasts the revocations of this process, and applies and answers those of others."""

    def __init__(
        self, subscription: Subscription, redis_client: redis.asyncio.Redis, permissions: Permissions, pool: Pool
    ) -> None:
        self._redis_client = redis_client
        self._pool = pool
        self._permissions = permissions
        self._answer_channel = f"{REVOCATIONS_CHANNEL}:{new_id()}"
        self._pending: dict[UUID, _PendingBroadcast] = {}
        self._background_tasks: set[asyncio.Task[None]] = set()
        subscription.on_message(REVOCATIONS_CHANNEL, self._on_message)
        subscription.on_message(self._answer_channel, self._on_answer)

    async def broadcast(self, streams: Collection[UUID]) -> None:
        """Return when no process uses cached permissions that depend on these memberships and projects."""
        if not streams:
            return
        self._permissions.revoke(streams)
        broadcast_id, pending = new_id(), _PendingBroadcast()
        self._pending[broadcast_id] = pending
        message = msgspec.json.encode(_RevocationMessage(list(streams), self._answer_channel, broadcast_id))
        try:
            async with asyncio.timeout(LIVENESS_S):
                pending.expected_count = await self._publish(message)
                while pending.answer_count < pending.expected_count:
                    pending.answer_arrived.clear()
                    await pending.answer_arrived.wait()
        except TimeoutError:
            pass  # by now a process that did not answer trusts nothing that it cached
        finally:
            del self._pending[broadcast_id]

    async def _publish(self, message: bytes) -> int:
        """The number of processes that will answer; `UNREACHABLE_COUNT` if not all of them received the message."""
        try:
            receiver_count = await self._redis_client.publish(REVOCATIONS_CHANNEL, message)
            async with self._pool.connection() as connection:
                ((process_count,),) = await (
                    await connection.execute(_COUNT_PROCESSES_SQL, (POLLER_APPLICATION_NAME,), prepare=True)
                ).fetchall()
        except (redis.RedisError, OSError, psycopg.Error) as error:
            logger.debug("not every process acknowledged a permission revocation: {}", error)
            receiver_count, process_count = 0, 1
        return int(receiver_count) if receiver_count >= process_count else UNREACHABLE_COUNT

    def _on_message(self, data: bytes) -> None:
        try:
            message = msgspec.json.decode(data, type=_RevocationMessage)
        except msgspec.DecodeError:
            return
        self._permissions.revoke(message.streams)
        if not message.answer_to:
            return
        task = asyncio.create_task(self._send_answer(message), name="acknowledging a permission revocation")
        task.add_done_callback(log_failure)
        self._background_tasks.add(task)
        task.add_done_callback(self._background_tasks.discard)

    async def _send_answer(self, message: _RevocationMessage) -> None:
        try:
            await self._redis_client.publish(message.answer_to, message.number.bytes)
        except (redis.RedisError, OSError) as error:
            logger.debug("an acknowledgement was not sent: {}", error)

    def _on_answer(self, data: bytes) -> None:
        pending = self._pending.get(UUID(bytes=data)) if len(data) == len(UUID(int=0).bytes) else None
        if pending:
            pending.answer_count += 1
            pending.answer_arrived.set()


def permissions_revoked_by(commands: Sequence[CommandOn], actor: Actor) -> list[UUID]:
    """The memberships and projects that these commands end, now or, in a replay, when they were first carried out."""
    return list(_streams_revoked_by(commands, actor))


def _streams_revoked_by(commands: Sequence[CommandOn], actor: Actor) -> Iterator[UUID]:
    for command_on in commands:
        match command_on.command:
            case RemoveMember(user_id=UUID() as user):
                yield member_stream_id(command_on.target, user)
            case LeaveWorkspace():
                yield member_stream_id(command_on.target, actor.user_id)
            case PurgeProject() | TrashWorkspace():
                yield command_on.target
