"""An API process as far as it reads: what it hears, remembers, and asks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import redis.asyncio
from msgspec import Struct

from infra.database.pool import Pool, pool
from infra.identity.permission_revocations import Ended
from infra.identity.permissions import Rights
from infra.log import EventLog
from infra.messaging import clients
from infra.messaging.subscription import Channel
from infra.processes.cancel import end
from infra.reading.cached_answer import Snapshot
from infra.reading.memory_cache import Hot
from infra.reading.progress import Projected
from infra.reading.reader import Reading
from infra.reading.shared_cache import Kept
from infra.reading.tables import Querying
from infra.settings import Settings


class Reader(Struct, frozen=True):
    """Its parts."""

    querying: Querying
    reading: Reading
    projected: Projected
    channel: Channel
    rights: Rights
    ended: Ended
    hot: Hot[Snapshot]
    pool: Pool
    client: redis.asyncio.Redis

    async def is_sure(self) -> None:
        """Wait until it hears others, and has seen where the projections are."""
        while not (  # noqa: ASYNC110 - nobody tells when it is so
            self.projected.is_sure() and self.projected.up_to(["task_list"]) >= 0
        ):
            await asyncio.sleep(0.01)


@asynccontextmanager
async def reader(settings: Settings, *, hears: bool = False, most_bytes: int = 2**20) -> AsyncIterator[Reader]:
    """One that hears what others say, or asks each time."""
    async with pool(settings.database_url, 2) as connections:
        client, log = clients.client(settings.redis_url), EventLog(settings.database_url, connections)
        channel, hot = Channel(clients.listening_client(settings.redis_url)), Hot[Snapshot](most_bytes)
        projected, rights = Projected(channel, connections, 1, hot), Rights(log, connections, channel)
        querying, ended = Querying(connections), Ended(channel, client, rights, connections)
        reading = Reading(connections, querying, Kept(client), projected, hot)
        running = [asyncio.create_task(one) for one in (channel.listen(), projected.watch())] if hears else []
        made = Reader(querying, reading, projected, channel, rights, ended, hot, connections, client)
        try:
            if hears:
                await asyncio.wait_for(made.is_sure(), 10)
            yield made
        finally:
            await end(*running)
            await channel.close()
            await client.aclose(close_connection_pool=True)
