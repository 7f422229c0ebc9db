"""Reading: an answer from the memory of this process, from Redis, or from the read tables, whichever has what is true.

All three hold the same. What this process remembers is true until it hears that something changed; what Redis has is
true while its generation is that of the database. While PostgreSQL is away both are old, and said to be so.
"""

import asyncio
import time
from collections.abc import Sequence

import psycopg
from msgspec import Struct

from infra.database.pool import Away, Pool
from infra.reading.cache_stats import Counted
from infra.reading.cached_answer import Snapshot, State
from infra.reading.memory_cache import Hot, Watch
from infra.reading.progress import Behind, Projected
from infra.reading.shared_cache import Kept
from infra.reading.tables import Querying
from projections.engine.builds import WHOLE_BUILD_SCOPE
from projections.fingerprint import fingerprints
from projections.projection import Answer, Question

TRIES = 3
"""A build may stop answering between two looks, but not again and again."""
LONGEST_S = 2.0
"""How long anybody waits for an answer that is being read."""
_SMALL, _TOPIC = 1_500, 250
"""Bytes that an answer takes beside its body: its key and whatever points to it, and each of its topics."""


class _Flight(Struct, frozen=True):
    """Somebody reads: whether that is old before it is done, and when nobody waits for it any more."""

    task: asyncio.Task["Found"]
    watch: Watch
    ends: float


class Found(Struct, frozen=True):
    """What a question found, and the position that it reflects; of an old one, for how many seconds it has been that.

    `key` is what it is remembered under.
    """

    snapshot: Snapshot
    position: int
    key: str
    age: float | None = None

    @property
    def answer(self) -> Answer | None:
        """The answer, None where there is no such thing."""
        return self.snapshot.answer


class Reading:
    """Answers questions; whoever asks the same at the same time gets the same answer, which is read once."""

    def __init__(self, pool: Pool, querying: Querying, kept: Kept, projected: Projected, hot: Hot[Snapshot]) -> None:
        self._pool = pool
        self._querying = querying
        self._kept = kept
        self._projected = projected
        self._hot = hot
        self._flights: dict[str, _Flight] = {}
        self.counted = Counted()

    async def answer(self, question: Question, at_least: int = 0) -> Found:
        """The answer, as it is now, or was a moment ago; as old as it may be while PostgreSQL is away.

        Raises Behind where a projection has not been built for this code yet, or its table is gone, and what psycopg
        raises where nothing is remembered that includes the position.
        """
        key = _key(question)
        known = self._hot.sure(key)
        if known and self._projected.is_sure():
            position = self.position(known)
            if position >= at_least:
                self.counted.hit("process", time.time() - known.at)
                return Found(known, position, key)
        try:
            found, is_own = await self._joined(question, key)
            if found.position < at_least and not is_own:  # it was begun before the position was there
                found, _ = await self._joined(question, key)
        except (psycopg.OperationalError, psycopg.InterfaceError):
            old = await self._old(key)
            if old is None or old.position < at_least:
                raise
            return old
        return found

    def still(self, found: Sequence[tuple[str, str]]) -> list[Snapshot] | None:
        """What is remembered under these keys, if all of it holds for sure, and has these tags (no answer has none)."""
        known = [self._hot.sure(key) for key, _ in found]
        are_same = all(one and _etag(one) == etag for one, (_, etag) in zip(known, found, strict=True))
        return [one for one in known if one] if are_same and self._projected.is_sure() else None

    def position(self, snapshot: Snapshot) -> int:
        """The position that an answer reflects which still holds."""
        return max(snapshot.state.position, self._projected.up_to(snapshot.state.builds))

    async def _joined(self, question: Question, key: str) -> tuple[Found, bool]:
        """What whoever is at it finds, unless that is old already; and whether nobody was, but this one itself.

        Raises what psycopg raises, Away after a while.
        """
        if self._pool.is_silent:
            raise Away
        flight = self._flights.get(key)
        is_own = flight is None or _is_old(flight)
        if flight is None or is_own:
            flight = self._flights[key] = self._flight(question, key)
        done, _ = await asyncio.wait({flight.task}, timeout=max(0.0, flight.ends - time.monotonic()))
        if not done:
            raise Away
        return flight.task.result(), is_own

    def _flight(self, question: Question, key: str) -> "_Flight":
        topics = {(one.name, scope) for one in question.projections for scope in (*question.scopes, WHOLE_BUILD_SCOPE)}
        watch = self._hot.watch(topics)
        task = asyncio.create_task(self._found(question, key, watch), name="reading")
        flight = _Flight(task, watch, time.monotonic() + LONGEST_S)
        task.add_done_callback(lambda _: self._landed(key, flight))
        return flight

    def _landed(self, key: str, flight: "_Flight") -> None:
        self._hot.unwatch(flight.watch)
        if self._flights.get(key) is flight:
            del self._flights[key]
        if not flight.task.cancelled():
            flight.task.exception()  # seen, even where nobody waits any more

    async def _found(self, question: Question, key: str, watch: Watch) -> Found:
        """The answer that is true now, from the nearest place."""
        for _ in range(TRIES):
            snapshot = await self._remembered(question, key) or await self._asked(question, key)
            if snapshot:
                size = _SMALL + _TOPIC * len(watch.topics) + len(snapshot.answer.body if snapshot.answer else b"")
                self._hot.keep(key, snapshot, size, watch)
                return Found(snapshot, snapshot.state.position, key)
        raise Behind

    async def _remembered(self, question: Question, key: str) -> Snapshot | None:
        """What this process or Redis has, if it is still so; where neither has anything, nobody is asked about it."""
        state: State | None = None
        for layer in ("process", "redis"):
            known = self._hot.last(key) if layer == "process" else await self._kept.find(key, Snapshot)
            if known and (layer == "process" or known.is_whole()):
                state = state or await self._querying.state(question)
                if known.state.is_still(state):
                    self.counted.hit(layer, time.time() - known.at)
                    return Snapshot(known.answer, state, time.time())  # it has just been found to be so
            self.counted.miss(layer)
        return None

    async def _asked(self, question: Question, key: str) -> Snapshot | None:
        """What the read tables say; None where those builds do not answer any more."""
        asked = await self._querying.asked(question, await self._querying.builds(question))
        if asked is None:
            return None
        self.counted.hit("postgresql", 0.0)
        snapshot = Snapshot(*asked, time.time())
        if snapshot.answer:
            self._pool.aside(self._kept.keep(key, snapshot))
        return snapshot

    async def _old(self, key: str) -> Found | None:
        """What was true once."""
        own, is_sure = self._hot.last(key), self._hot.sure(key) is not None
        others = None if is_sure else await self._kept.find(key, Snapshot)
        if others and not others.is_whole():
            others = None
        snapshot = max((one for one in (own, others) if one), key=lambda one: one.state.position, default=None)
        if snapshot is None:
            return None
        at = max(snapshot.at, self._projected.looked_at) if is_sure else snapshot.at
        position = self.position(snapshot) if is_sure else snapshot.state.position
        age = max(0.0, time.time() - at)
        self.counted.hit("stale", age)
        return Found(snapshot, position, key, age)


def _is_old(flight: _Flight) -> bool:
    """Whether something changed since it began."""
    return flight.watch.is_spoilt


def _etag(snapshot: Snapshot) -> str:
    return snapshot.answer.etag if snapshot.answer else ""


def _key(question: Question) -> str:
    """What an answer is remembered under: how it is folded, what it is of, and all that was asked.

    What a reader may see is a part of that: the scopes, or parameters, of what is theirs alone.
    """
    folds = ",".join(f"{one.name}-{fingerprints()[one.name]}" for one in question.projections)
    return f"{folds}:{question.scopes[0] if question.scopes else ''}:{question.digest()}"
