"""What was revoked lately: sessions and personal tokens, known to every process within a second."""

import asyncio
import time
from collections.abc import Iterable
from uuid import UUID

import psycopg

from infra.database.pool import Pool
from infra.logs import logger

LOOK_S = 0.5
KEPT_S = 7200.0
"""Twice as long as anything that was verified before may be believed."""
OVERLAP_S = 60.0
"""A row may show this long after the time that stands in it: its transaction began then."""
TIDY_S = 3600.0
_NEWS = "select id from auth.revoked where revoked_at > now() - make_interval(secs => %s)"
_TIDY = """
with over as (delete from auth.sessions where expires_at < now())
delete from auth.revoked where revoked_at < now() - make_interval(secs => %s)
"""


class Revoked:
    """The ids, in memory: asking costs no query. A process that revokes adds them at once; others look."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._ids: dict[UUID, float] = {}
        self._looked = self._tidied = -KEPT_S
        self._is_away = False

    def __contains__(self, wanted: object) -> bool:
        return wanted in self._ids

    def add(self, ids: Iterable[UUID]) -> None:
        """Know of these from now on."""
        now = time.monotonic()
        for each in ids:
            self._ids.setdefault(each, now)

    async def listen(self) -> None:
        """Look again and again, for ever. While PostgreSQL is away nothing can be revoked, and what is known stays."""
        while True:
            await self.catch_up()
            await asyncio.sleep(LOOK_S)

    async def catch_up(self) -> None:
        """Look once, if PostgreSQL is there."""
        try:
            await self.look()
            self._is_away = False
        except psycopg.Error as error:
            if not self._is_away:
                logger.warning("not hearing of what is revoked: {}", error)
            self._is_away = True

    async def look(self) -> None:
        """Learn what was revoked since the last look, and forget what is too old to matter."""
        began = time.monotonic()
        async with self._pool.connection() as connection:
            since = min(began - self._looked + OVERLAP_S, KEPT_S)
            found = await (await connection.execute(_NEWS, (since,), prepare=True)).fetchall()
            if began - self._tidied > TIDY_S:
                await connection.execute(_TIDY, (KEPT_S,))
                self._tidied = began
        self._looked = began
        self.add(each for (each,) in found)
        self._forget(began - KEPT_S)

    def _forget(self, before: float) -> None:
        while self._ids and next(iter(self._ids.values())) < before:
            del self._ids[next(iter(self._ids))]
