"""Readiness: whether a process can answer requests, known at any moment without asking a server."""

import asyncio
import contextlib

import psycopg

from infra.database.pool import Pool
from infra.logs import logger
from infra.reading.progress_polling import ProgressPoller
from infra.schema.pending import SELECT_APPLIED_SQL, pending_migrations
from projections.projection import all_projections

MIGRATIONS_POLL_INTERVAL_S = 1.0


class Readiness:
    """What the probes of PostgreSQL and a check of the migrations have found last."""

    def __init__(self, pool: Pool, poller: ProgressPoller) -> None:
        self._pool = pool
        self._poller = poller
        self._pending_migrations: list[str] | None = None
        self._are_migrations_checked = asyncio.Event()

    async def wait_until_known(self, timeout_s: float) -> None:
        """Return when the first checks are over, so that a process that has just started does not seem unready."""
        checks = (self._poller.is_first_poll_over.wait(), self._are_migrations_checked.wait())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*checks), timeout_s)

    def obstacle(self) -> str | None:
        """The reason why this process is not ready, as a sentence; None if it is ready."""
        if self._pool.circuit.is_open or not self._poller.is_current():
            return "The database does not answer."
        if self._pending_migrations is None:
            return "The migrations of the database are not known yet."
        if self._pending_migrations:
            return f"Migrations are missing ({', '.join(self._pending_migrations)}): run `taskledger migrate`."
        if not all_projections().keys() <= self._poller.served_projections():
            return "Read models are being built."
        return None

    async def watch_migrations(self) -> None:
        """Check the migrations until none is missing."""
        while self._pending_migrations != []:
            try:
                async with self._pool.connection() as connection:
                    found = await (await connection.execute(SELECT_APPLIED_SQL)).fetchall()
                self._pending_migrations = pending_migrations({name for (name,) in found})
            except psycopg.Error as error:  # also where there is no such table yet
                logger.debug("cannot check the migrations: {}", error)
            self._are_migrations_checked.set()
            if self._pending_migrations != []:
                await asyncio.sleep(MIGRATIONS_POLL_INTERVAL_S)
