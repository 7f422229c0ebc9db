"""News: one NOTIFY after commits, seldom and on a connection of its own, wakes the library's subscriptions."""

import asyncio
import contextlib

import psycopg

from infra.database.pool import Pool

PAUSE_S = 0.05
"""At most 20 a second, and never inside an append: there it would make all writers take turns once more."""


class News:
    """Tells whoever listens that there is something new. Our own workers do not: they have hints."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._fresh = self._telling = False

    def give(self) -> None:
        """Something was written; returns at once."""
        self._fresh = True
        if not self._telling:
            self._telling = True
            self._pool.aside(self._tell())

    async def _tell(self) -> None:
        try:
            while self._fresh:
                self._fresh = False
                with contextlib.suppress(psycopg.Error):  # the database is away: then nothing was written either
                    async with self._pool.connection() as connection:
                        await connection.execute("notify events")
                await asyncio.sleep(PAUSE_S)
        finally:
            self._telling = False
