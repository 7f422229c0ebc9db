"""The reader: answers a question from the in-process cache, from Redis, or from the read tables.

All three hold the same answers. One in this process is current until its invalidation arrives; one in Redis is current
while its generation is that of the database. While PostgreSQL is away both are stale, and are marked so.
"""

import asyncio
import time
from collections.abc import Sequence

import psycopg
from msgspec import Struct

from infra import time_budget
from infra.database.circuit import DatabaseUnavailable
from infra.database.pool import Pool
from infra.reading.cache_stats import CacheStats
from infra.reading.cached_answer import BuildState, CachedAnswer
from infra.reading.memory_cache import Invalidation, MemoryCache
from infra.reading.progress import ProjectionBehind, ProjectionProgress
from infra.reading.shared_cache import SharedCache
from infra.reading.tables import ReadTables
from projections.engine.builds import WHOLE_BUILD_SCOPE
from projections.fingerprint import fingerprints
from projections.question import Answer, Question

MAX_READ_ATTEMPTS = 3
"""A build may stop serving between two statements, but not again and again."""
_ENTRY_OVERHEAD_BYTES, _TOPIC_OVERHEAD_BYTES = 1_500, 250
"""Bytes that a cached answer takes beside its body: for its key and references, and for each topic."""


class _InFlight(Struct, frozen=True):
    """A read in flight: whether it was invalidated before it ended, and the deadline of its callers."""

    task: asyncio.Task["ReadResult"]
    invalidation: Invalidation
    deadline: float


class ReadResult(Struct, frozen=True):
    """An answer and the position that it reflects; of a stale one, also its age in seconds.

    `key` is what it is remembered under.
    """

    cached: CachedAnswer
    position: int
    cache_key: str
    age_s: float | None = None

    @property
    def answer(self) -> Answer | None:
        """The answer, None if the thing does not exist."""
        return self.cached.answer


class Reader:
    """Answers questions through the cache layers; the same question asked concurrently is read once."""

    def __init__(
        self,
        pool: Pool,
        tables: ReadTables,
        shared_cache: SharedCache,
        progress: ProjectionProgress,
        memory_cache: MemoryCache[CachedAnswer],
    ) -> None:
        self._pool = pool
        self._tables = tables
        self.shared_cache = shared_cache
        self._progress = progress
        self._memory_cache = memory_cache
        self._in_flight: dict[str, _InFlight] = {}
        self.cache_stats = CacheStats()

    async def answer(self, question: Question, min_position: int = 0) -> ReadResult:
        """The current answer, or a stale one of any age while PostgreSQL is away.

        Raises ProjectionBehind if a projection has not been built for this code yet or its table is gone, and what
        psycopg raises if no cached answer includes the position.
        """
        key = _cache_key(question)
        cached = self._memory_cache.get_fresh(key)
        if cached and self._progress.is_live():
            position = self.position_of(cached)
            if position >= min_position:
                self.cache_stats.hit("process", time.time() - cached.at)
                return ReadResult(cached, position, key)
        try:
            result, is_own = await self._coalesced(question, key)
            if result.position < min_position and not is_own:  # that read began before the position was reached
                result, _ = await self._coalesced(question, key)
        except (psycopg.OperationalError, psycopg.InterfaceError):
            stale = await self._read_stale(key)
            if stale is None or stale.position < min_position:
                raise
            return stale
        return result

    def unchanged(self, tagged_keys: Sequence[tuple[str, str]]) -> list[CachedAnswer] | None:
        """The cached answers for these keys, if all are current and their ETags match (no answer has an empty one)."""
        cached = [self._memory_cache.get_fresh(key) for key, _ in tagged_keys]
        are_same = all(one and _etag(one) == etag for one, (_, etag) in zip(cached, tagged_keys, strict=True))
        return [one for one in cached if one] if are_same and self._progress.is_live() else None

    def position_of(self, cached: CachedAnswer) -> int:
        """The position that a current answer reflects."""
        return max(cached.state.position, self._progress.known_position(cached.state.builds))

    async def _coalesced(self, question: Question, key: str) -> tuple[ReadResult, bool]:
        """The result of the read in flight, unless that is invalidated; and whether this call began the read.

        Raises psycopg.Error, or DatabaseUnavailable if PostgreSQL does not answer in time.
        """
        self._pool.circuit.check()
        in_flight = self._in_flight.get(key)
        is_own = in_flight is None or _is_invalidated(in_flight)
        if in_flight is None or is_own:
            in_flight = self._in_flight[key] = self._start_read(question, key)
        done, _ = await asyncio.wait({in_flight.task}, timeout=max(0.0, in_flight.deadline - time.monotonic()))
        if not done:
            raise DatabaseUnavailable
        return in_flight.task.result(), is_own

    def _start_read(self, question: Question, key: str) -> "_InFlight":
        topics = {
            (one.name, scope) for one in question.projections for scope in (*question.cache_scopes, WHOLE_BUILD_SCOPE)
        }
        invalidation = self._memory_cache.watch(topics)
        task = asyncio.create_task(self._read(question, key, invalidation), name="reading")
        in_flight = _InFlight(task, invalidation, time.monotonic() + time_budget.READ_S)
        task.add_done_callback(lambda _: self._on_read_done(key, in_flight))
        return in_flight

    def _on_read_done(self, key: str, in_flight: "_InFlight") -> None:
        self._memory_cache.unwatch(in_flight.invalidation)
        if self._in_flight.get(key) is in_flight:
            del self._in_flight[key]
        if not in_flight.task.cancelled():
            in_flight.task.exception()  # retrieved, even if no caller waits

    async def _read(self, question: Question, key: str, invalidation: Invalidation) -> ReadResult:
        """The current answer, from the nearest layer."""
        for _ in range(MAX_READ_ATTEMPTS):
            cached = await self._read_from_caches(question, key) or await self._read_from_tables(question, key)
            if cached:
                size = (
                    _ENTRY_OVERHEAD_BYTES
                    + _TOPIC_OVERHEAD_BYTES * len(invalidation.topics)
                    + len(cached.answer.body if cached.answer else b"")
                )
                self._memory_cache.set(key, cached, size, invalidation)
                return ReadResult(cached, cached.state.position, key)
        raise ProjectionBehind

    async def _read_from_caches(self, question: Question, key: str) -> CachedAnswer | None:
        """The answer of the in-process cache or of Redis, if current; checked only if there is one."""
        state: BuildState | None = None
        for layer in ("process", "redis"):
            cached = (
                self._memory_cache.get_stale(key)
                if layer == "process"
                else await self.shared_cache.get(key, CachedAnswer)
            )
            if cached and (layer == "process" or cached.is_intact()):
                state = state or await self._tables.state_of(question)
                if cached.state.is_unchanged_since(state):
                    self.cache_stats.hit(layer, time.time() - cached.at)
                    return CachedAnswer(cached.answer, state, time.time())  # just checked
            self.cache_stats.miss(layer)
        return None

    async def _read_from_tables(self, question: Question, key: str) -> CachedAnswer | None:
        """The answer of the read tables; None if those builds no longer serve."""
        answer_and_state = await self._tables.run(question, await self._tables.likely_builds(question))
        if answer_and_state is None:
            return None
        self.cache_stats.hit("postgresql", 0.0)
        cached = CachedAnswer(*answer_and_state, time.time())
        if cached.answer:
            self._pool.run_in_background(self.shared_cache.set(key, cached))
        return cached

    async def _read_stale(self, key: str) -> ReadResult | None:
        """The newest stale answer."""
        in_memory, is_fresh = self._memory_cache.get_stale(key), self._memory_cache.get_fresh(key) is not None
        shared = None if is_fresh else await self.shared_cache.get(key, CachedAnswer)
        if shared and not shared.is_intact():
            shared = None
        cached = max((one for one in (in_memory, shared) if one), key=lambda one: one.state.position, default=None)
        if cached is None:
            return None
        at = max(cached.at, self._progress.polled_at) if is_fresh else cached.at
        position = self.position_of(cached) if is_fresh else cached.state.position
        age = max(0.0, time.time() - at)
        self.cache_stats.hit("stale", age)
        return ReadResult(cached, position, key, age)


def _is_invalidated(in_flight: _InFlight) -> bool:
    """Whether one of its topics changed since it began."""
    return in_flight.invalidation.is_invalidated


def _etag(cached: CachedAnswer) -> str:
    return cached.answer.etag if cached.answer else ""


def _cache_key(question: Question) -> str:
    """The cache key of an answer: the fingerprints of its projections, its scope, and the whole question.

    What a caller may see is part of the question: its scopes or parameters name what is theirs alone.
    """
    folds = ",".join(f"{one.name}-{fingerprints()[one.name]}" for one in question.projections)
    return f"{folds}:{question.scopes[0] if question.scopes else ''}:{question.digest()}"
