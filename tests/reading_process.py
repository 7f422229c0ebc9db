"""An API process as far as it reads: what it hears, remembers, and asks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import redis.asyncio
from msgspec import Struct

from infra.cancel import cancel_all
from infra.database.pool import Pool, create_pool
from infra.identity.permission_revocations import PermissionRevocations
from infra.identity.permissions import Permissions
from infra.log import EventLog
from infra.messaging import redis_clients
from infra.messaging.subscription import Subscription
from infra.reading.cached_answer import CachedAnswer
from infra.reading.memory_cache import MemoryCache
from infra.reading.progress import ProjectionProgress
from infra.reading.progress_polling import ProgressPoller
from infra.reading.progress_waiting import ProgressWaiter
from infra.reading.reader import Reader
from infra.reading.shared_cache import SharedCache
from infra.reading.tables import ReadTables
from infra.settings import Settings


class ReadingProcess(Struct, frozen=True):
    """Its parts."""

    tables: ReadTables
    reader: Reader
    progress: ProjectionProgress
    progress_poller: ProgressPoller
    progress_waiter: ProgressWaiter
    subscription: Subscription
    permissions: Permissions
    permission_revocations: PermissionRevocations
    memory_cache: MemoryCache[CachedAnswer]
    pool: Pool
    redis_client: redis.asyncio.Redis

    async def wait_until_live(self) -> None:
        """Wait until it hears others, and has seen where the projections are."""
        while not (  # noqa: ASYNC110 - nobody tells when it is so
            self.progress.is_live() and self.progress.known_position(["task_list"]) >= 0
        ):
            await asyncio.sleep(0.01)


@asynccontextmanager
async def open_reading_process(
    settings: Settings, *, subscribed: bool = False, max_bytes: int = 2**20
) -> AsyncIterator[ReadingProcess]:
    """One that hears what others say, or asks each time."""
    async with create_pool(settings.database_url, 2) as connections:
        client, log = redis_clients.cache_client(settings.redis_url), EventLog(settings.database_url, connections)
        channel, hot = (
            Subscription(redis_clients.subscriber_client(settings.redis_url)),
            MemoryCache[CachedAnswer](max_bytes),
        )
        projected, rights = ProjectionProgress(channel, 1, hot), Permissions(log, connections, channel)
        querying, ended = ReadTables(connections), PermissionRevocations(channel, client, rights, connections)
        reading = Reader(connections, querying, SharedCache(client), projected, hot)
        poller, waiter = ProgressPoller(projected, connections), ProgressWaiter(projected, connections)
        running = [asyncio.create_task(one) for one in (channel.listen(), poller.poll_forever())] if subscribed else []
        made = ReadingProcess(
            querying, reading, projected, poller, waiter, channel, rights, ended, hot, connections, client
        )
        try:
            if subscribed:
                await asyncio.wait_for(made.wait_until_live(), 10)
            yield made
        finally:
            await cancel_all(*running)
            await channel.close()
            await client.aclose(close_connection_pool=True)
