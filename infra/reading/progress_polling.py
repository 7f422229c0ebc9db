"""Polling of progress: each process reads the checkpoints four times a second, in case a message was lost."""

import asyncio

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from infra.database.pool import Pool
from infra.logs import logger
from infra.messaging.subscription import LIVENESS_S
from infra.reading.progress import PolledProgress, ProjectionProgress
from projections.engine import builds
from projections.engine.builds import WHOLE_BUILD_SCOPE

POLLER_APPLICATION_NAME = "taskledger looks"
POLL_INTERVAL_S = 0.25
_SELECT_ALL_POSITIONS = f"""select serving.projection, serving.build,
      coalesce((select generation from read.generations
        where generations.build = serving.build and scope = '{WHOLE_BUILD_SCOPE}'), 0),
      checkpoint.partition, checkpoint.position
    from read.serving join read.checkpoints as checkpoint using (build) where {builds.IS_THIS_CODE_SQL}"""  # noqa: S608 - our own text


class ProgressPoller:
    """Polls the checkpoints for the progress of this process, and whether PostgreSQL answers for its pool."""

    def __init__(self, progress: ProjectionProgress, pool: Pool) -> None:
        self._progress = progress
        self._pool = pool

    async def poll_forever(self) -> None:
        """Poll on a connection of its own: however busy the pool is, this is answered, or PostgreSQL is away."""
        while True:
            try:
                async with await self._pool.connect_separately(POLLER_APPLICATION_NAME) as connection:
                    await self._poll_on(connection)
            except (psycopg.Error, OSError) as error:
                logger.debug("cannot poll the checkpoints: {}", error)
            except Exception as error:  # noqa: BLE001 - whatever it is, without polling nothing is trusted
                logger.error("polling the checkpoints: {}: {}", type(error).__name__, error)
            self._pool.is_unresponsive = True
            await asyncio.sleep(POLL_INTERVAL_S)

    async def _poll_on(self, connection: AsyncConnection[TupleRow]) -> None:
        previous: dict[str, PolledProgress] = {}
        while True:
            poll = asyncio.create_task(self._poll_once(connection, previous))
            try:
                while not poll.done():
                    await asyncio.wait({poll}, timeout=LIVENESS_S)
                    self._pool.is_unresponsive = not poll.done()
            finally:
                poll.cancel()
            previous = poll.result()
            await asyncio.sleep(POLL_INTERVAL_S)

    async def _poll_once(
        self, connection: AsyncConnection[TupleRow], previous: dict[str, PolledProgress]
    ) -> dict[str, PolledProgress]:
        start, serving = self._progress.start_poll(), builds.serving_parameters()
        rows = await (await connection.execute(_SELECT_ALL_POSITIONS, serving, prepare=True)).fetchall()
        polled: dict[str, PolledProgress] = {}
        for name, build, generation, partition, position in rows:
            polled.setdefault(name, PolledProgress(build, generation, {})).positions[partition] = position
        self._progress.finish_poll(start, polled, previous)
        return polled
