"""Polling of progress: each process reads the checkpoints four times a second, in case a message was lost."""

import asyncio
import time
from collections.abc import Set as AbstractSet
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from infra import time_budget
from infra.database.checkouts import cut
from infra.database.identity import SELECT_IDENTITY
from infra.database.pool import Pool
from infra.logs import logger
from infra.reading.progress import PolledProgress, ProjectionProgress
from projections.engine import builds
from projections.engine.builds import WHOLE_BUILD_SCOPE

POLLER_APPLICATION_NAME = "taskledger poll"
"""In `pg_stat_activity`, where one connection of each API process has it."""
MAX_POLL_AGE_S = 2.0
FAILURES_OF_AN_OUTAGE = 2
"""Connections in a row that failed before their first poll; one that is lost later proves nothing."""
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
        self._poll_count = 0
        self.is_first_poll_over = asyncio.Event()
        self._polled: dict[str, PolledProgress] = {}
        self._polled_at = 0.0

    def is_current(self) -> bool:
        """Whether a poll has succeeded within the last two seconds."""
        return time.monotonic() < self._polled_at + MAX_POLL_AGE_S

    def served_projections(self) -> AbstractSet[str]:
        """The names of the projections that had a build for this code at the last poll."""
        return self._polled.keys()

    async def poll_forever(self) -> None:
        """Poll on a connection of its own: however busy the pool is, this is answered, or PostgreSQL is away."""
        failure_count = 0
        while True:
            polls_before = self._poll_count
            try:
                connection = await self._pool.connect_separately(POLLER_APPLICATION_NAME)
                try:
                    await self._poll_on(connection)
                finally:
                    connection.pgconn.finish()  # at once, even if this is cancelled twice
            except (psycopg.Error, OSError) as error:
                logger.debug("cannot poll the checkpoints: {}", error)
            except Exception as error:  # noqa: BLE001 - whatever it is, without polling nothing is trusted
                logger.error("polling the checkpoints: {}: {}", type(error).__name__, error)
            self.is_first_poll_over.set()
            failure_count = failure_count + 1 if self._poll_count == polls_before else 0
            if failure_count >= FAILURES_OF_AN_OUTAGE:
                self._pool.circuit.open()
            if failure_count:
                await asyncio.sleep(time_budget.DATABASE_PROBE_INTERVAL_S)

    async def _poll_on(self, connection: AsyncConnection[TupleRow]) -> None:
        previous: dict[str, PolledProgress] = {}
        while True:
            poll = asyncio.create_task(self._poll_once(connection, previous))
            try:
                await self._watch(poll, connection)
            finally:
                poll.cancel()
            previous = self._polled = poll.result()
            self._poll_count += 1
            self._polled_at = time.monotonic()
            self._pool.circuit.close()
            self.is_first_poll_over.set()
            await asyncio.sleep(time_budget.DATABASE_PROBE_INTERVAL_S)

    async def _watch(self, poll: "asyncio.Task[dict[str, PolledProgress]]", connection: AsyncConnection[Any]) -> None:
        """Wait for a poll; open the circuit if it takes too long, and cut it off if it takes far too long."""
        await asyncio.wait({poll}, timeout=time_budget.DATABASE_PROBE_S)
        if not poll.done():
            await asyncio.wait({poll}, timeout=time_budget.STALL_GRACE_S)
        if not poll.done():
            self._pool.circuit.open()
            await asyncio.wait({poll}, timeout=time_budget.DATABASE_PROBE_CUT_S - time_budget.DATABASE_PROBE_S)
        if not poll.done():
            cut(connection)
            await asyncio.wait({poll})

    async def _poll_once(
        self, connection: AsyncConnection[TupleRow], previous: dict[str, PolledProgress]
    ) -> dict[str, PolledProgress]:
        start, serving = self._progress.start_poll(), builds.serving_parameters()
        if not previous:
            ((self._progress.database,),) = await (await connection.execute(SELECT_IDENTITY)).fetchall()
        rows = await (await connection.execute(_SELECT_ALL_POSITIONS, serving, prepare=True)).fetchall()
        polled: dict[str, PolledProgress] = {}
        for name, build, generation, partition, position in rows:
            polled.setdefault(name, PolledProgress(build, generation, {})).positions[partition] = position
        self._progress.finish_poll(start, polled, previous)
        return polled
