"""Ended: rights that were taken away are believed by no process any more when that is acknowledged.

Whoever took one away tells all and waits until each has answered, as many as look at the database. One that does not
answer, or was not told, is deaf: after a second it believes nothing that it remembers, so nobody waits for longer. What
nobody told of, as its process was killed, is asked of the log again within seconds.
"""

import asyncio
from collections.abc import Callable, Collection, Iterator, Sequence
from uuid import UUID

import msgspec
import psycopg
import redis
import redis.asyncio
from msgspec import Struct

from commands.handling.decision import CommandOn
from commands.member import LeaveWorkspace, RemoveMember
from commands.trash import PurgeProject
from domain.event import Actor
from domain.member import member_stream_id
from infra.database.pool import Pool
from infra.identity.permissions import Permissions
from infra.ids import new_id
from infra.logs import logger
from infra.messaging.subscription import LIVENESS_S, Subscription
from infra.reading.progress_polling import POLLER_APPLICATION_NAME

REVOCATIONS_CHANNEL = "taskledger:ended"
UNREACHABLE_COUNT = 2**31
"""More answers than will ever come."""
_COUNT_PROCESSES_SQL = (
    "select count(*) from pg_stat_activity where application_name = %s and datname = current_database()"
)
"""How many processes look at this database."""


class _RevocationMessage(Struct, frozen=True):
    streams: list[UUID]
    answer_to: str = ""
    number: UUID = UUID(int=0)


def announcer(client: redis.Redis) -> Callable[[Collection[UUID]], None]:
    """A function that tells every process of what ended by a rule, which nobody waits for."""

    def announce(streams: Collection[UUID]) -> None:
        try:
            if streams:
                client.publish(REVOCATIONS_CHANNEL, msgspec.json.encode(_RevocationMessage(list(streams))))
        except redis.RedisError as error:
            logger.debug("a permission revocation was not published: {}", error)

    return announce


class _PendingBroadcast:
    """How many have answered so far, of how many."""

    def __init__(self) -> None:
        self.answer_count, self.expected_count = 0, 0
        self.answer_arrived = asyncio.Event()


class PermissionRevocations:
    """Tells other processes, and hears of them."""

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
        """Return when no process believes these memberships and projects any more."""
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
            pass  # by now who did not answer believes nothing
        finally:
            del self._pending[broadcast_id]

    async def _publish(self, message: bytes) -> int:
        """How many will answer; `NOBODY` where that is not everybody who is there."""
        try:
            receiver_count = await self._redis_client.publish(REVOCATIONS_CHANNEL, message)
            async with self._pool.connection_fail_fast() as connection:
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
        task = asyncio.create_task(self._send_answer(message))
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
    """The memberships and projects that end where these are fulfilled, now or when they were sent before."""
    return list(_streams_revoked_by(commands, actor))


def _streams_revoked_by(commands: Sequence[CommandOn], actor: Actor) -> Iterator[UUID]:
    for command_on in commands:
        match command_on.command:
            case RemoveMember(user_id=UUID() as user):
                yield member_stream_id(command_on.target, user)
            case LeaveWorkspace():
                yield member_stream_id(command_on.target, actor.user_id)
            case PurgeProject():
                yield command_on.target
