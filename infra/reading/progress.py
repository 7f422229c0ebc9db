"""Projection progress: published by workers after each commit, polled by API processes, awaited by readers.

A message can be lost: a worker dies between its commit and its message, or cannot reach Redis. So a process notices
if a message is missing between two, polls the checkpoints itself four times a second, and trusts nothing that was
reported for longer than a second after the subscription or the database went silent.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import msgspec
import psycopg
from msgspec import Struct
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from infra.database.pool import Pool
from infra.logs import logger
from infra.messaging.hints import FULL_BATCH_EVENTS, LINGER_S
from infra.messaging.subscription import LIVENESS_S, Subscription
from infra.reading.memory_cache import MemoryCache
from infra.reading.progress_messages import PROGRESS_CHANNEL, ProgressMessage
from projections.engine import builds
from projections.engine.builds import WHOLE_BUILD_SCOPE
from projections.fingerprint import code_fingerprint, fingerprints
from projections.projection import all_projections

POLLER_APPLICATION_NAME = "taskledger looks"
MAX_BATCH_GAP_S = 3 * LINGER_S
"""How long after a full batch the next one may take."""
POLL_INTERVAL_S = 0.25
"""How often each process polls the checkpoints, in case a message was lost."""
WAITER_POLL_INTERVAL_S = 0.25
"""How often a waiting reader polls them."""
_SELECT_POSITIONS = """select checkpoint.partition, checkpoint.position
    from read.serving join read.checkpoints as checkpoint using (build)
    where serving.projection = %s and serving.fingerprint = %s"""
_SELECT_ALL_POSITIONS = f"""select serving.projection, serving.build,
      coalesce((select generation from read.generations
        where generations.build = serving.build and scope = '{WHOLE_BUILD_SCOPE}'), 0),
      checkpoint.partition, checkpoint.position
    from read.serving join read.checkpoints as checkpoint using (build) where {builds.IS_THIS_CODE_SQL}"""  # noqa: S608 - our own text


class ProjectionBehind(Exception):
    """The read model does not include that position yet."""


class _PolledProgress(Struct, frozen=True):
    """A projection at one poll: its build, the generation of the whole build, and each partition's position."""

    build: int
    generation: int
    positions: dict[int, int]


class ProjectionProgress:
    """The positions that this process knows of, and the readers that wait for the next.

    Cached answers have topics (projection, scope), invalidated when one of them changes. A report may be wrong
    (another instance on the same Redis, a restored database): an answer carries its own position, and a reader
    that finds it too low calls `invalidate`.
    """

    def __init__(
        self, subscription: Subscription, pool: Pool, partitions: int, memory_cache: MemoryCache[Any] | None = None
    ) -> None:
        self._subscription = subscription
        self._pool = pool
        self._memory_cache: MemoryCache[Any] = MemoryCache(0) if memory_cache is None else memory_cache
        self._reported_positions = {name: dict.fromkeys(range(partitions), -1) for name in all_projections()}
        self._stands: dict[str, _PolledProgress] = {}
        self._polled_positions: dict[str, int] = {}
        self._polled_until = self.polled_at = 0.0
        self._last_full_batch_at: dict[int, float] = {}
        self._to_refetch: set[str] = set()
        self._advance_events: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        subscription.on_message(PROGRESS_CHANNEL, self._on_message)
        subscription.on_gap(lambda: self._reset(all_projections()))

    async def wait(self, projection: str, position: int, timeout_s: float) -> None:
        """Return when the projection has read up to `position`; raises ProjectionBehind at the time-out."""
        deadline = time.monotonic() + timeout_s
        must_fetch = True
        while not self.has_reached(projection, position):
            advanced = self._advance_events[projection]
            if must_fetch and await self._fetch_position(projection) >= position:
                return
            left = deadline - time.monotonic()
            if left <= 0:
                raise ProjectionBehind
            try:
                await asyncio.wait_for(advanced.wait(), min(left, WAITER_POLL_INTERVAL_S))
                must_fetch = projection in self._to_refetch
            except TimeoutError:
                must_fetch = True

    def has_reached(self, projection: str, position: int) -> bool:
        """Whether the projection is known to have read up to a position, so that no reader need wait."""
        return min(self._reported_positions[projection].values()) >= position

    def known_position(self, projections: Iterable[str]) -> int:
        """The position that these have certainly read up to, with every change until there reported."""
        return min(
            min(self._polled_positions.get(name, -1), *self._reported_positions[name].values()) for name in projections
        )

    def is_live(self) -> bool:
        """Whether everything that was committed until a second ago is known here."""
        return time.monotonic() < self._polled_until and self._subscription.is_alive()

    def reported_position(self, partition: int) -> int:
        """The position up to which all projections are known to have read a partition; -1 if none is known."""
        return min(positions.get(partition, -1) for positions in self._reported_positions.values())

    def is_batching(self, partition: int) -> bool:
        """Whether a worker has just folded a full batch there, and so polls again by itself."""
        return time.monotonic() < self._last_full_batch_at.get(partition, 0.0) + MAX_BATCH_GAP_S

    def invalidate(self, projection: str) -> None:
        """Forget what was reported: an answer showed that it is wrong."""
        self._reset([projection])

    async def poll(self) -> None:
        """Poll the checkpoints for ever: find what changed without a message, and whether PostgreSQL answers.

        On a connection of its own: however busy the pool is, this is answered, or PostgreSQL is away.
        """
        while True:
            try:
                async with await self._pool.connect_separately(POLLER_APPLICATION_NAME) as connection:
                    await self._poll_on(connection)
            except (psycopg.Error, OSError) as error:
                logger.debug("cannot poll the checkpoints: {}", error)
            except Exception as error:  # noqa: BLE001 - whatever it is, without polling nothing is trusted
                logger.error("polling the checkpoints: {}: {}", type(error).__name__, error)
            self._pool.is_unresponsive = True
            await asyncio.sleep(POLL_INTERVAL_S)

    async def _poll_on(self, connection: AsyncConnection[TupleRow]) -> None:
        previous: dict[str, _PolledProgress] = {}
        while True:
            poll = asyncio.create_task(self._poll_once(connection, previous))
            try:
                while not poll.done():
                    await asyncio.wait({poll}, timeout=LIVENESS_S)
                    self._pool.is_unresponsive = not poll.done()
            finally:
                poll.cancel()
            previous = poll.result()
            await asyncio.sleep(POLL_INTERVAL_S)

    async def _poll_once(
        self, connection: AsyncConnection[TupleRow], previous: dict[str, _PolledProgress]
    ) -> dict[str, _PolledProgress]:
        """Poll once, and invalidate what has moved without a message since the previous poll.

        What the previous poll saw is then known for certain; a message about anything later may be on its way.
        """
        began, looked_at, serving = time.monotonic(), time.time(), builds.serving_parameters()
        reported = {name: dict(positions) for name, positions in self._reported_positions.items()}
        rows = await (await connection.execute(_SELECT_ALL_POSITIONS, serving, prepare=True)).fetchall()
        polled: dict[str, _PolledProgress] = {}
        for name, build, generation, partition, position in rows:
            polled.setdefault(name, _PolledProgress(build, generation, {})).positions[partition] = position
        for name, current in polled.items():
            if any(reported[name].get(partition, -1) > position for partition, position in current.positions.items()):
                self._reset([name])  # the reports were about another database
            self._reconcile(name, current, previous.get(name))
            self._polled_positions[name] = min(previous[name].positions.values()) if name in previous else -1
        self._polled_until, self.polled_at = began + LIVENESS_S, looked_at
        return polled

    def _reconcile(self, name: str, current: _PolledProgress, previous: _PolledProgress | None) -> None:
        if previous is None or (previous.build, previous.generation) != (current.build, current.generation):
            self._reset([name])
        reported = self._reported_positions[name]
        if reported.keys() != current.positions.keys():
            self._reset([name])
            self._reported_positions[name] = reported = dict.fromkeys(current.positions, -1)
        if previous and any(
            position > reported.get(partition, -1) for partition, position in previous.positions.items()
        ):
            self._memory_cache.invalidate((name, WHOLE_BUILD_SCOPE))
            for partition, position in previous.positions.items():
                self._record_position(name, partition, position)

    def _on_message(self, data: bytes) -> None:
        try:
            message = msgspec.json.decode(data, type=ProgressMessage)
        except msgspec.DecodeError:
            return
        self._last_full_batch_at[message.partition] = time.monotonic() if message.events >= FULL_BATCH_EVENTS else 0.0
        is_ours = message.code == code_fingerprint()
        for name in self._reported_positions.keys() & set(message.projections):
            if is_ours:
                self._invalidate_changed(name, message)
                self._record_position(name, message.partition, message.position)
            else:  # during a deploy: fetch the position of our own builds
                self._to_refetch.add(name)
                self._advance_events.pop(name, asyncio.Event()).set()

    def _invalidate_changed(self, name: str, message: ProgressMessage) -> None:
        """Invalidate what changed; everything, if the batch before this one was not reported."""
        known = self._reported_positions[name].get(message.partition, -1)
        if message.start != known and message.position > known:
            self._memory_cache.invalidate((name, WHOLE_BUILD_SCOPE))
        for scope in message.generations.get(name, ()):
            self._memory_cache.invalidate((name, scope))

    def _record_position(self, projection: str, partition: int, position: int) -> None:
        if position > self._reported_positions[projection].get(partition, -1):
            self._reported_positions[projection][partition] = position
            self._advance_events.pop(projection, asyncio.Event()).set()

    def _reset(self, projections: Iterable[str]) -> None:
        for name in projections:
            self._reported_positions[name] = dict.fromkeys(self._reported_positions[name], -1)
            self._memory_cache.invalidate((name, WHOLE_BUILD_SCOPE))

    async def _fetch_position(self, projection: str) -> int:
        """The position up to which all partitions have read."""
        self._to_refetch.discard(projection)
        serving = (projection, fingerprints()[projection])
        async with self._pool.connection_fail_fast() as connection:
            found = await (await connection.execute(_SELECT_POSITIONS, serving, prepare=True)).fetchall()
        return min((position for _, position in found), default=-1)
