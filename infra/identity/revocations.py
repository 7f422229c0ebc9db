"""What was revoked lately: sessions and personal tokens, known to every process within a second."""

import asyncio
import time
from collections.abc import Iterable
from uuid import UUID

import psycopg

from infra.database.pool import Pool
from infra.logs import logger

POLL_INTERVAL_S = 0.5
RETENTION_S = 7200.0
"""Twice as long as anything that was verified before may be believed."""
OVERLAP_S = 60.0
"""A row may show this long after the time that stands in it: its transaction began then."""
CLEANUP_INTERVAL_S = 3600.0
_FETCH_RECENT_SQL = "select id from auth.revoked where revoked_at > now() - make_interval(secs => %s)"
_DELETE_EXPIRED_SQL = """
with over as (delete from auth.sessions where expires_at < now())
delete from auth.revoked where revoked_at < now() - make_interval(secs => %s)
"""


class RevokedIds:
    """The ids, in memory: asking costs no query. A process that revokes adds them at once; others look."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._ids: dict[UUID, float] = {}
        self._polled_at = self._cleaned_up_at = -RETENTION_S
        self._is_failing = False

    def __contains__(self, item: object) -> bool:
        return item in self._ids

    def add(self, ids: Iterable[UUID]) -> None:
        """Know of these from now on."""
        now = time.monotonic()
        for each in ids:
            self._ids.setdefault(each, now)

    async def poll_forever(self) -> None:
        """Look again and again, for ever. While PostgreSQL is away nothing can be revoked, and what is known stays."""
        while True:
            await self.try_poll()
            await asyncio.sleep(POLL_INTERVAL_S)

    async def try_poll(self) -> None:
        """Look once, if PostgreSQL is there."""
        try:
            await self.poll()
            self._is_failing = False
        except psycopg.Error as error:
            if not self._is_failing:
                logger.warning("cannot poll revocations: {}", error)
            self._is_failing = True

    async def poll(self) -> None:
        """Learn what was revoked since the last look, and forget what is too old to matter."""
        polled_at = time.monotonic()
        async with self._pool.connection() as connection:
            window_s = min(polled_at - self._polled_at + OVERLAP_S, RETENTION_S)
            found = await (await connection.execute(_FETCH_RECENT_SQL, (window_s,), prepare=True)).fetchall()
            if polled_at - self._cleaned_up_at > CLEANUP_INTERVAL_S:
                await connection.execute(_DELETE_EXPIRED_SQL, (RETENTION_S,))
                self._cleaned_up_at = polled_at
        self._polled_at = polled_at
        self.add(each for (each,) in found)
        self._evict(polled_at - RETENTION_S)

    def _evict(self, cutoff: float) -> None:
        while self._ids and next(iter(self._ids.values())) < cutoff:
            del self._ids[next(iter(self._ids))]
