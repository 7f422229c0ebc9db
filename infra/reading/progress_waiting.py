"""Waiting for progress: a reader waits until a projection has reached a position."""

import asyncio
import time
from collections import defaultdict

from infra.database.pool import Pool
from infra.reading.progress import ProjectionBehind, ProjectionProgress
from projections.fingerprint import fingerprints

WAITER_POLL_INTERVAL_S = 0.25
"""How often a waiting reader fetches the position from the checkpoints, in case a message was lost."""
_SELECT_POSITIONS = """select checkpoint.partition, checkpoint.position
    from read.serving join read.checkpoints as checkpoint using (build)
    where serving.projection = %s and serving.fingerprint = %s"""


class ShuttingDown(ProjectionBehind):
    """This process stops, and waits no longer."""


class ProgressWaiter:
    """Lets readers wait; an advance of the projection wakes them."""

    def __init__(self, progress: ProjectionProgress, pool: Pool) -> None:
        self._progress = progress
        self._pool = pool
        self._advance_events: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._to_refetch: set[str] = set()
        self._fetches: dict[str, asyncio.Task[int]] = {}
        self._fetched_at: dict[str, float] = {}
        self._is_closed = False
        progress.on_advance(self._wake)
        progress.on_foreign_advance(self._wake_to_refetch)

    async def wait(self, projection: str, position: int, timeout_s: float) -> None:
        """Return when the projection has read up to `position`.

        Raises ProjectionBehind at the time-out, and ShuttingDown once the waiter is closed.
        """
        deadline = time.monotonic() + timeout_s
        must_fetch, max_age_s = True, 0.0
        while not self._progress.has_reached(projection, position):
            if self._is_closed:
                raise ShuttingDown
            advanced = self._advance_events[projection]
            if must_fetch and await self._fetch_position(projection, max_age_s) >= position:
                return
            left = deadline - time.monotonic()
            if left <= 0:
                raise ProjectionBehind
            try:
                await asyncio.wait_for(advanced.wait(), min(left, WAITER_POLL_INTERVAL_S))
                must_fetch, max_age_s = projection in self._to_refetch, 0.0
            except TimeoutError:
                must_fetch, max_age_s = True, WAITER_POLL_INTERVAL_S / 2

    async def current_position(self, projection: str) -> int:
        """The position up to which all its partitions have read by now."""
        return await self._fetch_position(projection)

    def close(self) -> None:
        """End all waiting, now and from now on."""
        self._is_closed = True
        for projection in list(self._advance_events):
            self._wake(projection)

    async def _fetch_position(self, projection: str, max_age_s: float = 0.0) -> int:
        """The position up to which all partitions have read, by a query that began at most so long ago, or now."""
        self._to_refetch.discard(projection)
        fetch, now = self._fetches.get(projection), time.monotonic()
        if fetch is None or (fetch.done() and now - self._fetched_at[projection] > max_age_s):
            fetch = self._fetches[projection] = asyncio.create_task(self._select_position(projection))
            fetch.add_done_callback(lambda done: done.cancelled() or done.exception())  # retrieved if none waits
            self._fetched_at[projection] = now
        return await asyncio.shield(fetch)

    async def _select_position(self, projection: str) -> int:
        serving = (projection, fingerprints()[projection])
        async with self._pool.connection() as connection:
            found = await (await connection.execute(_SELECT_POSITIONS, serving, prepare=True)).fetchall()
        return min((position for _, position in found), default=-1)

    def _wake(self, projection: str) -> None:
        self._advance_events.pop(projection, asyncio.Event()).set()

    def _wake_to_refetch(self, projection: str) -> None:
        """Other code has advanced its build: the position of our own build must be fetched."""
        self._to_refetch.add(projection)
        self._wake(projection)
