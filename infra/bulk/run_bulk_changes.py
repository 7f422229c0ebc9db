"""`python -m infra.bulk.run_bulk_changes`: carry out the bulk changes that wait, in a process of its own."""

import asyncio
from uuid import UUID

from commands.handling.handler import CommandHandler
from infra import logs, settings
from infra.bulk.bulk_runner import PASSING_ERRORS, BulkRunner
from infra.bulk.bulk_store import BulkStore
from infra.column_counter import ColumnCounter
from infra.database.pool import Pool, create_pool
from infra.log.event_log import EventLog
from infra.logs import logger
from infra.member_names import MemberNameReader
from infra.messaging import redis_clients
from infra.messaging.subscription import Subscription
from infra.reading.progress import ProjectionProgress
from infra.reading.progress_waiting import ProgressWaiter
from infra.reading.tables import ReadTables


async def run_waiting(database_url: str, redis_url: str) -> None:
    """Carry out one change after the other until none waits; one that cannot go on now is left to the next process."""
    async with create_pool(database_url) as pool:
        store = BulkStore(pool)
        runner = BulkRunner(_command_handler(database_url, redis_url, pool), store)
        while change_id := await store.claim():
            await _run(store, runner, change_id)


async def _run(store: BulkStore, runner: BulkRunner, change_id: UUID) -> None:
    try:
        if found := await store.find(change_id):
            progress = await runner.carry_out(*found)
            logger.info("bulk change {}: {} of {} tasks changed", change_id, progress.changed, progress.done)
    except PASSING_ERRORS:
        raise
    except Exception as error:
        await store.fail(change_id, f"{type(error).__name__}: {error}")
        raise


def _command_handler(database_url: str, redis_url: str, pool: Pool) -> CommandHandler:
    """It knows what that of an API process knows; read models are polled only while a command waits for one."""
    log, subscription = EventLog(database_url, pool), Subscription(redis_clients.subscriber_client(redis_url))
    progress = ProjectionProgress(subscription, partitions=1)
    waiter = ProgressWaiter(progress, pool)
    return CommandHandler(
        log, ColumnCounter(log, pool, progress, waiter), MemberNameReader(log, ReadTables(pool), waiter)
    )


if __name__ == "__main__":
    values = settings.from_environment()
    logs.configure(values.get("log_level", "info"), values.get("environment", "development"))
    asyncio.run(run_waiting(values["database_url"], values["redis_url"]))
