"""News: one NOTIFY after commits, seldom and on a connection of its own, wakes the library's subscriptions."""

import asyncio
import contextlib

import psycopg

from infra.database.pool import Pool

MIN_NOTIFY_INTERVAL_S = 0.05
"""At most 20 a second, and never inside an append: there it would make all writers take turns once more."""


class Notifier:
    """Tells whoever listens that there is something new. Our own workers do not: they have hints."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._is_pending = self._is_running = False

    def notify(self) -> None:
        """Something was written; returns at once."""
        self._is_pending = True
        if not self._is_running:
            self._is_running = True
            self._pool.run_in_background(self._run())

    async def _run(self) -> None:
        try:
            while self._is_pending:
                self._is_pending = False
                with contextlib.suppress(psycopg.Error):  # the database is away: then nothing was written either
                    async with self._pool.connection() as connection:
                        await connection.execute("notify events")
                await asyncio.sleep(MIN_NOTIFY_INTERVAL_S)
        finally:
            self._is_running = False
