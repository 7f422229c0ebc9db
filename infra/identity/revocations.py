"""Recent revocations of sessions and personal tokens, known to every process within a second."""

import asyncio
import itertools
import time
from collections.abc import Iterable
from uuid import UUID

import psycopg

from infra.database.pool import Pool
from infra.logs import logger

POLL_INTERVAL_S = 0.5
RETENTION_S = 7200.0
"""Twice the longest time for which a verified token may be accepted without another check."""
CLEANUP_INTERVAL_S = 3600.0
_FETCH_NEW_SQL = """
select pg_snapshot_xmin(pg_current_snapshot())::text,
  array(select id from auth.revoked where transaction_id >= %s::text::xid8)
"""
"""With the first transaction that may not be in this snapshot: the next poll starts there."""
_DELETE_SQL = "delete from auth.revoked where id = any(%s)"
_DELETE_EXPIRED_SESSIONS_SQL = "delete from auth.sessions where expires_at < now()"


class RevokedIds:
    """The revoked ids, in memory: a check costs no query. A process adds its own revocations at once; others poll."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._ids: dict[UUID, float] = {}
        self._next_transaction = 0
        self._cleaned_up_at = -CLEANUP_INTERVAL_S
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
        """Fetch the revocations since the last poll, and drop those known for `RETENTION_S`.

        No clock of the database is asked: if it jumps, no revocation is overlooked or forgotten early.
        """
        polled_at = time.monotonic()
        async with self._pool.connection() as connection:
            cursor = await connection.execute(_FETCH_NEW_SQL, (str(self._next_transaction),), prepare=True)
            ((first_unseen, found),) = await cursor.fetchall()
            expired = self._known_before(polled_at - RETENTION_S)
            if expired:
                await connection.execute(_DELETE_SQL, (expired,))
            if polled_at - self._cleaned_up_at > CLEANUP_INTERVAL_S:
                await connection.execute(_DELETE_EXPIRED_SESSIONS_SQL)
                self._cleaned_up_at = polled_at
        for each in expired:
            self._ids.pop(each, None)
        # A transaction number that went back is that of another database: a restored backup is read from its start.
        self._next_transaction = int(first_unseen) if int(first_unseen) >= self._next_transaction else 0
        self.add(each for each in found if each not in expired)

    def _known_before(self, cutoff: float) -> list[UUID]:
        return list(itertools.takewhile(lambda each: self._ids[each] < cutoff, self._ids))
