"""Reading: an answer from the memory of this process, from Redis, or from the read tables, whichever has what is true.

All three hold the same. What this process remembers is true until it hears that something changed; what Redis has is
true while its generation is that of the database. While PostgreSQL is away both are old, and said to be so.
"""

import asyncio
import time
from collections.abc import Sequence

import psycopg
from msgspec import Struct

from infra.database.pool import DatabaseUnavailable, Pool
from infra.reading.cache_stats import CacheStats
from infra.reading.cached_answer import BuildState, CachedAnswer
from infra.reading.memory_cache import Invalidation, MemoryCache
from infra.reading.progress import ProjectionBehind, ProjectionProgress
from infra.reading.shared_cache import SharedCache
from infra.reading.tables import ReadTables
from projections.engine.builds import WHOLE_BUILD_SCOPE
from projections.fingerprint import fingerprints
from projections.projection import Answer, Question

MAX_READ_ATTEMPTS = 3
"""A build may stop answering between two looks, but not again and again."""
READ_TIMEOUT_S = 2.0
"""How long anybody waits for an answer that is being read."""
_ENTRY_OVERHEAD_BYTES, _TOPIC_OVERHEAD_BYTES = 1_500, 250
"""Bytes that an answer takes beside its body: its key and whatever points to it, and each of its topics."""


class _InFlight(Struct, frozen=True):
    """Somebody reads: whether that is old before it is done, and when nobody waits for it any more."""

    task: asyncio.Task["ReadResult"]
    invalidation: Invalidation
    deadline: float


class ReadResult(Struct, frozen=True):
    """What a question found, and the position that it reflects; of an old one, for how many seconds it has been that.

    `key` is what it is remembered under.
    """

    cached: CachedAnswer
    position: int
    cache_key: str
    age_s: float | None = None

    @property
    def answer(self) -> Answer | None:
        """The answer, None where there is no such thing."""
        return self.cached.answer


class Reader:
    """Answers questions; whoever asks the same at the same time gets the same answer, which is read once."""

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
        self._shared_cache = shared_cache
        self._progress = progress
        self._memory_cache = memory_cache
        self._in_flight: dict[str, _InFlight] = {}
        self.cache_stats = CacheStats()

    async def answer(self, question: Question, min_position: int = 0) -> ReadResult:
        """The answer, as it is now, or was a moment ago; as old as it may be while PostgreSQL is away.

        Raises Behind where a projection has not been built for this code yet, or its table is gone, and what psycopg
        raises where nothing is remembered that includes the position.
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
            if result.position < min_position and not is_own:  # it was begun before the position was there
                result, _ = await self._coalesced(question, key)
        except (psycopg.OperationalError, psycopg.InterfaceError):
            stale = await self._read_stale(key)
            if stale is None or stale.position < min_position:
                raise
            return stale
        return result

    def unchanged(self, tagged_keys: Sequence[tuple[str, str]]) -> list[CachedAnswer] | None:
        """What is remembered under these keys, if all of it holds for sure, and has these tags (no answer has none)."""
        cached = [self._memory_cache.get_fresh(key) for key, _ in tagged_keys]
        are_same = all(one and _etag(one) == etag for one, (_, etag) in zip(cached, tagged_keys, strict=True))
        return [one for one in cached if one] if are_same and self._progress.is_live() else None

    def position_of(self, cached: CachedAnswer) -> int:
        """The position that an answer reflects which still holds."""
        return max(cached.state.position, self._progress.known_position(cached.state.builds))

    async def _coalesced(self, question: Question, key: str) -> tuple[ReadResult, bool]:
        """What whoever is at it finds, unless that is old already; and whether nobody was, but this one itself.

        Raises what psycopg raises, Away after a while.
        """
        if self._pool.is_unresponsive:
            raise DatabaseUnavailable
        in_flight = self._in_flight.get(key)
        is_own = in_flight is None or _is_invalidated(in_flight)
        if in_flight is None or is_own:
            in_flight = self._in_flight[key] = self._start_read(question, key)
        done, _ = await asyncio.wait({in_flight.task}, timeout=max(0.0, in_flight.deadline - time.monotonic()))
        if not done:
            raise DatabaseUnavailable
        return in_flight.task.result(), is_own

    def _start_read(self, question: Question, key: str) -> "_InFlight":
        topics = {(one.name, scope) for one in question.projections for scope in (*question.scopes, WHOLE_BUILD_SCOPE)}
        invalidation = self._memory_cache.watch(topics)
        task = asyncio.create_task(self._read(question, key, invalidation), name="reading")
        in_flight = _InFlight(task, invalidation, time.monotonic() + READ_TIMEOUT_S)
        task.add_done_callback(lambda _: self._on_read_done(key, in_flight))
        return in_flight

    def _on_read_done(self, key: str, in_flight: "_InFlight") -> None:
        self._memory_cache.unwatch(in_flight.invalidation)
        if self._in_flight.get(key) is in_flight:
            del self._in_flight[key]
        if not in_flight.task.cancelled():
            in_flight.task.exception()  # seen, even where nobody waits any more

    async def _read(self, question: Question, key: str, invalidation: Invalidation) -> ReadResult:
        """The answer that is true now, from the nearest place."""
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
        """What this process or Redis has, if it is still so; where neither has anything, nobody is asked about it."""
        state: BuildState | None = None
        for layer in ("process", "redis"):
            cached = (
                self._memory_cache.get_stale(key)
                if layer == "process"
                else await self._shared_cache.get(key, CachedAnswer)
            )
            if cached and (layer == "process" or cached.is_intact()):
                state = state or await self._tables.state_of(question)
                if cached.state.is_unchanged_since(state):
                    self.cache_stats.hit(layer, time.time() - cached.at)
                    return CachedAnswer(cached.answer, state, time.time())  # it has just been found to be so
            self.cache_stats.miss(layer)
        return None

    async def _read_from_tables(self, question: Question, key: str) -> CachedAnswer | None:
        """What the read tables say; None where those builds do not answer any more."""
        answer_and_state = await self._tables.run(question, await self._tables.likely_builds(question))
        if answer_and_state is None:
            return None
        self.cache_stats.hit("postgresql", 0.0)
        cached = CachedAnswer(*answer_and_state, time.time())
        if cached.answer:
            self._pool.run_in_background(self._shared_cache.set(key, cached))
        return cached

    async def _read_stale(self, key: str) -> ReadResult | None:
        """What was true once."""
        in_memory, is_fresh = self._memory_cache.get_stale(key), self._memory_cache.get_fresh(key) is not None
        shared = None if is_fresh else await self._shared_cache.get(key, CachedAnswer)
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
    """Whether something changed since it began."""
    return in_flight.invalidation.is_invalidated


def _etag(cached: CachedAnswer) -> str:
    return cached.answer.etag if cached.answer else ""


def _cache_key(question: Question) -> str:
    """What an answer is remembered under: how it is folded, what it is of, and all that was asked.

    What a reader may see is a part of that: the scopes, or parameters, of what is theirs alone.
    """
    folds = ",".join(f"{one.name}-{fingerprints()[one.name]}" for one in question.projections)
    return f"{folds}:{question.scopes[0] if question.scopes else ''}:{question.digest()}"
