"""The notifier: a rate-limited NOTIFY after commits, which wakes subscriptions of the `eventsourcing` library."""

import asyncio
import contextlib

import psycopg

from infra.database.pool import Pool

MIN_NOTIFY_INTERVAL_S = 0.05
"""At most 20 a second, and never inside an append: a NOTIFY there would serialise the commits of all writers."""


class Notifier:
    """Notifies external listeners of new events. Taskledger's own workers do not listen: they receive hints."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._is_pending = self._is_running = False

    def notify(self) -> None:
        """Schedule a notification about new events; returns at once."""
        self._is_pending = True
        if not self._is_running:
            self._is_running = True
            self._pool.run_in_background(self._run())

    async def _run(self) -> None:
        try:
            while self._is_pending:
                self._is_pending = False
                with contextlib.suppress(psycopg.Error):  # without a database there is nothing new
                    async with self._pool.connection() as connection:
                        await connection.execute("notify events")
                await asyncio.sleep(MIN_NOTIFY_INTERVAL_S)
        finally:
            self._is_running = False
