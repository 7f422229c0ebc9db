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

from commands.handling.decision import Wish
from commands.member import LeaveWorkspace, RemoveMember
from commands.trash import PurgeProject
from domain.event import Actor
from domain.member import member_of
from infra.database.pool import Pool
from infra.identity.permissions import Rights
from infra.ids import new_id
from infra.logs import logger
from infra.messaging.subscription import ALIVE_S, Channel
from infra.reading.progress import NAME

CHANNEL = "taskledger:ended"
NOBODY = 2**31
"""More answers than will ever come."""
_THERE = "select count(*) from pg_stat_activity where application_name = %s and datname = current_database()"
"""How many processes look at this database."""


class _News(Struct, frozen=True):
    streams: list[UUID]
    answer_to: str = ""
    number: UUID = UUID(int=0)


def teller(client: redis.Redis) -> Callable[[Collection[UUID]], None]:
    """A function that tells every process of what ended by a rule, which nobody waits for."""

    def tell(streams: Collection[UUID]) -> None:
        try:
            if streams:
                client.publish(CHANNEL, msgspec.json.encode(_News(list(streams))))
        except redis.RedisError as error:
            logger.debug("nobody was told of what ended: {}", error)

    return tell


class _Waiting:
    """How many have answered so far, of how many."""

    def __init__(self) -> None:
        self.answered, self.told = 0, 0
        self.all = asyncio.Event()


class Ended:
    """Tells other processes, and hears of them."""

    def __init__(self, channel: Channel, client: redis.asyncio.Redis, rights: Rights, pool: Pool) -> None:
        self._client = client
        self._pool = pool
        self._rights = rights
        self._answers = f"{CHANNEL}:{new_id()}"
        self._waiting: dict[UUID, _Waiting] = {}
        self._asides: set[asyncio.Task[None]] = set()
        channel.on(CHANNEL, self._take)
        channel.on(self._answers, self._count)

    async def tell(self, streams: Collection[UUID]) -> None:
        """Return when no process believes these memberships and projects any more."""
        if not streams:
            return
        self._rights.end(streams)
        number, waiting = new_id(), _Waiting()
        self._waiting[number] = waiting
        news = msgspec.json.encode(_News(list(streams), self._answers, number))
        try:
            async with asyncio.timeout(ALIVE_S):
                waiting.told = await self._told(news)
                while waiting.answered < waiting.told:
                    waiting.all.clear()
                    await waiting.all.wait()
        except TimeoutError:
            pass  # by now who did not answer believes nothing
        finally:
            del self._waiting[number]

    async def _told(self, news: bytes) -> int:
        """How many will answer; `NOBODY` where that is not everybody who is there."""
        try:
            told = await self._client.publish(CHANNEL, news)
            async with self._pool.asking() as connection:
                ((there,),) = await (await connection.execute(_THERE, (NAME,), prepare=True)).fetchall()
        except (redis.RedisError, OSError, psycopg.Error) as error:
            logger.debug("not everybody was told of what ended: {}", error)
            told, there = 0, 1
        return int(told) if told >= there else NOBODY

    def _take(self, data: bytes) -> None:
        try:
            news = msgspec.json.decode(data, type=_News)
        except msgspec.DecodeError:
            return
        self._rights.end(news.streams)
        if not news.answer_to:
            return
        task = asyncio.create_task(self._answer(news))
        self._asides.add(task)
        task.add_done_callback(self._asides.discard)

    async def _answer(self, news: _News) -> None:
        try:
            await self._client.publish(news.answer_to, news.number.bytes)
        except (redis.RedisError, OSError) as error:
            logger.debug("nobody was answered: {}", error)

    def _count(self, data: bytes) -> None:
        waiting = self._waiting.get(UUID(bytes=data)) if len(data) == len(UUID(int=0).bytes) else None
        if waiting:
            waiting.answered += 1
            waiting.all.set()


def ended_by(wishes: Sequence[Wish], actor: Actor) -> list[UUID]:
    """The memberships and projects that end where these are fulfilled, now or when they were sent before."""
    return list(_ended(wishes, actor))


def _ended(wishes: Sequence[Wish], actor: Actor) -> Iterator[UUID]:
    for wish in wishes:
        match wish.command:
            case RemoveMember(user_id=UUID() as user):
                yield member_of(wish.target, user)
            case LeaveWorkspace():
                yield member_of(wish.target, actor.person)
            case PurgeProject():
                yield wish.target
