"""Recent revocations of sessions and personal tokens, known to every process within a second."""

import asyncio
import time
from collections.abc import Iterable
from uuid import UUID

import psycopg

from infra.database.pool import Pool
from infra.logs import logger

POLL_INTERVAL_S = 0.5
RETENTION_S = 7200.0
"""Twice the longest time for which a verified token may be accepted without another check."""
OVERLAP_S = 60.0
"""A row may become visible this long after its `revoked_at`, which is when its transaction began."""
CLEANUP_INTERVAL_S = 3600.0
_FETCH_RECENT_SQL = "select id from auth.revoked where revoked_at > now() - make_interval(secs => %s)"
_DELETE_EXPIRED_SQL = """
with over as (delete from auth.sessions where expires_at < now())
delete from auth.revoked where revoked_at < now() - make_interval(secs => %s)
"""


class RevokedIds:
    """The revoked ids, in memory: a check costs no query. A process adds its own revocations at once; others poll."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._ids: dict[UUID, float] = {}
        self._polled_at = self._cleaned_up_at = -RETENTION_S
        self._is_failing = False

    def __contains__(self, item: object) -> bool:
        return item in self._ids

    def add(self, ids: Iterable[UUID]) -> None:
        """Count these ids as revoked from now on."""
        now = time.monotonic()
        for each in ids:
            self._ids.setdefault(each, now)

    async def poll_forever(self) -> None:
        """Poll until cancelled. While PostgreSQL is down nothing can be revoked, and the known ids are kept."""
        while True:
            await self.try_poll()
            await asyncio.sleep(POLL_INTERVAL_S)

    async def try_poll(self) -> None:
        """Poll once; log a warning if PostgreSQL is down."""
        try:
            await self.poll()
            self._is_failing = False
        except psycopg.Error as error:
            if not self._is_failing:
                logger.warning("cannot poll revocations: {}", error)
            self._is_failing = True

    async def poll(self) -> None:
        """Fetch the revocations since the last poll, and evict those older than `RETENTION_S`."""
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
