"""The reading parts of an API process: subscription, progress, caches, permissions and read tables."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import redis.asyncio
from msgspec import Struct

from infra.cancel import cancel_all
from infra.database.pool import Pool, create_pool
from infra.identity.permission_revocations import PermissionRevocations
from infra.identity.permissions import Permissions
from infra.log.event_log import EventLog
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
    """The parts, connected as in an API process."""

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
        """Wait until the process is subscribed and has polled the positions of the projections."""
        while not (  # noqa: ASYNC110 - no event signals this
            self.progress.is_live() and self.progress.known_position(["task_list"]) >= 0
        ):
            await asyncio.sleep(0.01)


@asynccontextmanager
async def open_reading_process(
    settings: Settings, *, subscribed: bool = False, max_bytes: int = 2**20
) -> AsyncIterator[ReadingProcess]:
    """Open a process. If `subscribed`, it receives messages and polls; else it checks each answer in the database."""
    async with create_pool(settings.database_url, 2) as pool:
        client, log = redis_clients.cache_client(settings.redis_url), EventLog(settings.database_url, pool)
        subscription = Subscription(redis_clients.subscriber_client(settings.redis_url))
        memory_cache = MemoryCache[CachedAnswer](max_bytes)
        progress = ProjectionProgress(subscription, 1, memory_cache)
        tables, permissions = ReadTables(pool), Permissions(log, pool, subscription)
        process = ReadingProcess(
            tables=tables,
            reader=Reader(pool, tables, SharedCache(client), progress, memory_cache),
            progress=progress,
            progress_poller=ProgressPoller(progress, pool),
            progress_waiter=ProgressWaiter(progress, pool),
            subscription=subscription,
            permissions=permissions,
            permission_revocations=PermissionRevocations(subscription, client, permissions, pool),
            memory_cache=memory_cache,
            pool=pool,
            redis_client=client,
        )
        coroutines = (subscription.listen(), process.progress_poller.poll_forever()) if subscribed else ()
        running = [asyncio.create_task(one) for one in coroutines]
        try:
            if subscribed:
                await asyncio.wait_for(process.wait_until_live(), 10)
            yield process
        finally:
            await cancel_all(*running)
            await subscription.close()
            await client.aclose(close_connection_pool=True)
