"""Disk space of PostgreSQL: exhausted once a write failed for want of it, until a query can write to the disk again."""

import time

import psycopg

from infra.database.pool import Pool

CHECK_INTERVAL_S = 1.0
_LIMIT_MEMORY_SQL = "set local work_mem = '64kB'"
_SPILL_SQL = "select count(*) from (select n from generate_series(1, 40000) as n order by n desc) as sorted"
"""Sorts more than the memory holds, so PostgreSQL writes a megabyte to temporary files: no row, no WAL, no lock."""


class DiskSpace:
    """What the writes of this process found; costs nothing while they succeed."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._is_exhausted = False
        self._checked_at = 0.0

    def set_exhausted(self) -> None:
        """A write has failed with DiskFull."""
        self._is_exhausted, self._checked_at = True, time.monotonic()

    async def is_available(self) -> bool:
        """Whether writes should succeed; tried at most once a second, and only after one failed."""
        if self._is_exhausted and time.monotonic() > self._checked_at + CHECK_INTERVAL_S:
            self._checked_at = time.monotonic()
            self._is_exhausted = not await self._can_spill()
        return not self._is_exhausted

    async def _can_spill(self) -> bool:
        try:
            async with self._pool.connection() as connection, connection.transaction():
                await connection.execute(_LIMIT_MEMORY_SQL)
                await connection.execute(_SPILL_SQL)
        except psycopg.Error:  # also where it does not answer: it was full when it last did
            return False
        return True
