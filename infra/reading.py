"""Reading: an answer from the memory of this process, from Redis, or from the read tables, whichever has what is true.

All three hold the same. What this process remembers is true until it hears that something changed; what Redis has is
true while its generation is that of the database. While PostgreSQL is away both are old, and said to be so.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any, Self
from uuid import UUID

import psycopg
from msgspec import Struct
from psycopg import AsyncConnection, errors
from psycopg.rows import TupleRow, dict_row
from psycopg.sql import SQL, Composed, Identifier

from infra.counted import Counted
from infra.hot import Hot, Watch
from infra.kept import Kept
from infra.postgres import Away, Pool
from infra.projected import Behind, Projected
from projections.engine import builds, table
from projections.engine.builds import WHOLE
from projections.fingerprint import fingerprints
from projections.page import is_whole
from projections.projection import Answer, Question, every

TRIES = 3
"""A build may stop answering between two looks, but not again and again."""
LONGEST_S = 2.0
"""How long an answer may take before PostgreSQL is taken for away."""
_SMALL = 512
"""Bytes that an answer takes beside its body."""
_STATE = f"""select serving.projection, serving.build,
      (select min(position) from read.checkpoints as checkpoint where checkpoint.build = serving.build),
      (select coalesce(sum(generation), 0) from read.generations as generation
        where generation.build = serving.build and generation.scope = any(%s::uuid[] || '{WHOLE}'::uuid))::bigint
    from read.serving where {builds.OURS} order by serving.projection"""  # noqa: S608 - our own text


class State(Struct, frozen=True):
    """Which builds answer a question now, the position that they have read up to, the generation of its scopes."""

    builds: dict[str, int]
    position: int
    generation: int

    @classmethod
    def of(cls, question: Question, rows: Sequence[TupleRow]) -> Self:
        """Of what each projection says. Raises Behind where one has not been built for this code yet."""
        if len(rows) < len(question.projections):
            raise Behind
        names, numbers, positions, generations = zip(*rows, strict=True)
        return cls(dict(zip(names, numbers, strict=True)), min(positions), sum(generations))

    def is_still(self, other: Self) -> bool:
        """Whether nothing has changed between the two, whatever else was read meanwhile."""
        return (self.builds, self.generation) == (other.builds, other.generation)


class Snapshot(Struct, frozen=True):
    """An answer (None where there is no such thing), what it is true of, and when it was: seconds since 1970."""

    answer: Answer | None
    state: State
    at: float

    def is_whole(self) -> bool:
        """Whether what is kept elsewhere is as it was written."""
        return self.answer is None or is_whole(self.answer)


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

    def __init__(self, pool: Pool, kept: Kept, projected: Projected, hot: Hot[Snapshot]) -> None:
        self._pool = pool
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
            return await self._joined(question, key)
        except (psycopg.OperationalError, psycopg.InterfaceError):
            old = await self._old(key)
            if old is None or old.position < at_least:
                raise
            return old

    def holds(self, key: str, snapshot: Snapshot) -> bool:
        """Whether an answer is still what would be answered now, as far as this process knows without asking."""
        return self._hot.sure(key) is snapshot and self._projected.is_sure()

    def position(self, snapshot: Snapshot) -> int:
        """The position that an answer reflects which still holds."""
        return max(snapshot.state.position, self._projected.up_to(snapshot.state.builds))

    async def rows(self, sql: str, parameters: Sequence[object]) -> list[tuple[Any, ...]]:
        """The rows of a small query that is not worth keeping."""
        async with self._pool.connection() as connection:
            query = named(sql, await self._serving(connection))
            return await (await connection.execute(query, parameters)).fetchall()

    async def are_ready(self) -> bool:
        """Whether every projection has been built for this code."""
        async with self._pool.connection() as connection:
            return every().keys() <= (await self._serving(connection)).keys()

    async def _joined(self, question: Question, key: str) -> Found:
        """What whoever is at it finds, unless that is old already. Raises what psycopg raises, Away after a while."""
        if self._pool.is_silent():
            raise Away
        flight = self._flights.get(key)
        if flight is None or _is_old(flight):
            flight = self._flights[key] = self._flight(question, key)
        done, _ = await asyncio.wait({flight.task}, timeout=max(0.0, flight.ends - time.monotonic()))
        if not done:
            self._pool.falls_silent()
            raise Away
        return flight.task.result()

    def _flight(self, question: Question, key: str) -> "_Flight":
        topics = {(one.name, scope) for one in question.projections for scope in (*question.scopes, WHOLE)}
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
        """Ask what is true now, and find the answer to it in the nearest place."""
        for _ in range(TRIES):
            state = await self._state(question)
            snapshot = await self._remembered(key, state) or await self._asked(question, key, state)
            if snapshot:
                size = _SMALL + len(snapshot.answer.body if snapshot.answer else b"")
                self._hot.keep(key, snapshot, size, watch)
                return Found(snapshot, snapshot.state.position, key)
        raise Behind

    async def _remembered(self, key: str, state: State) -> Snapshot | None:
        """What this process or Redis has, if it is still so."""
        known, layer = self._hot.last(key), "process"
        if known is None or not known.state.is_still(state):
            self.counted.miss(layer)
            known, layer = await self._kept.find(key, Snapshot), "redis"
        if known is None or not known.state.is_still(state) or not known.is_whole():
            self.counted.miss(layer)
            return None
        self.counted.hit(layer, time.time() - known.at)
        return Snapshot(known.answer, state, known.at)

    async def _asked(self, question: Question, key: str, state: State) -> Snapshot | None:
        """What the read tables say; None where those builds do not answer any more."""
        asked = await self._queried(question, state.builds)
        if asked is None:
            return None
        self.counted.hit("postgresql", 0.0)
        snapshot = Snapshot(*asked, time.time())
        if snapshot.answer:
            self._pool.aside(self._kept.keep(key, snapshot))
        return snapshot

    async def _old(self, key: str) -> Found | None:
        """What was true once."""
        snapshot = self._hot.last(key) or await self._kept.find(key, Snapshot)
        if snapshot is None or not snapshot.is_whole():
            return None
        age = max(0.0, time.time() - snapshot.at)
        self.counted.hit("stale", age)
        return Found(snapshot, snapshot.state.position, key, age)

    async def _state(self, question: Question) -> State:
        async with self._pool.asking() as connection:
            rows = await (await connection.execute(_STATE, _asking(question), prepare=True)).fetchall()
        return State.of(question, rows)

    async def _queried(self, question: Question, numbers: Mapping[str, int]) -> tuple[Answer | None, State] | None:
        """State and rows in one snapshot; None where those builds do not answer any more."""
        try:
            async with self._pool.asking() as connection, connection.pipeline(), connection.transaction():
                state, cursors = (
                    connection.cursor(),
                    [connection.cursor(row_factory=dict_row) for _ in question.queries],
                )
                await connection.execute("set transaction isolation level repeatable read read only")
                await state.execute(_STATE, _asking(question))
                for query, cursor in zip(question.queries, cursors, strict=True):
                    await cursor.execute(named(query.sql, numbers), question.parameters)
                seen = State.of(question, await state.fetchall())
                found = [await cursor.fetchall() for cursor in cursors]
        except errors.UndefinedTable:
            return None
        if seen.builds != numbers:
            return None
        rows = zip(question.queries, found, strict=True)
        return question.answer(*([table.document(query.row, row) for row in each] for query, each in rows)), seen

    async def _serving(self, connection: AsyncConnection[TupleRow]) -> dict[str, int]:
        """The builds that answer for this code, by projection."""
        rows = await (await connection.execute(builds.SERVING, builds.ours(), prepare=True)).fetchall()
        return {name: build for build, name, _ in rows}


def _is_old(flight: _Flight) -> bool:
    """Whether something changed since it began."""
    return flight.watch.is_spoilt


def named(sql: str, numbers: Mapping[str, int]) -> Composed:
    """The query, with the tables that answer now; raises Behind where one has not been built."""
    tables = {name: Identifier("read", f"{name}_{build}") for name, build in numbers.items()}
    try:
        return SQL(sql).format(**tables)
    except KeyError as error:
        raise Behind from error


def _asking(question: Question) -> tuple[list[UUID], list[str], list[str]]:
    names = [projection.name for projection in question.projections]
    return list(question.scopes), names, [fingerprints()[name] for name in names]


def _key(question: Question) -> str:
    """What an answer is remembered under: how it is folded, what it is of, and all that was asked.

    What a reader may see is a part of that: the scopes, or parameters, of what is theirs alone.
    """
    folds = ",".join(f"{one.name}-{fingerprints()[one.name]}" for one in question.projections)
    return f"{folds}:{','.join(map(str, question.scopes))}:{question.digest()}"
