"""Reading: an answer from Redis where its generation still holds, from the read table otherwise."""

import random
import time
from collections.abc import Mapping, Sequence
from typing import Any, Self
from uuid import UUID

import msgspec
import redis
import redis.asyncio
from msgspec import Struct
from psycopg import AsyncConnection, errors
from psycopg.rows import TupleRow, dict_row
from psycopg.sql import SQL, Composed, Identifier

from infra.logs import logger
from infra.postgres import Pool
from infra.projected import Behind
from projections.engine import builds, table
from projections.engine.builds import WHOLE
from projections.fingerprint import fingerprints
from projections.projection import Answer, Question, every

TTL_S = 300
TRIES = 3
"""A build may stop answering between two looks, but not again and again."""
PAUSE_S = 2.0
"""How long a cache that failed is not asked again, so that not every request waits for it."""
_STATE = f"""select serving.projection, serving.build,
      (select min(position) from read.checkpoints as checkpoint where checkpoint.build = serving.build),
      (select coalesce(sum(generation), 0) from read.generations as generation
        where generation.build = serving.build and generation.scope = any(%s::uuid[] || '{WHOLE}'::uuid))::bigint
    from read.serving where {builds.OURS} order by serving.projection"""  # noqa: S608 - our own text
_ANSWER = msgspec.msgpack.Decoder(Answer)


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


class Reading:
    """Answers questions. A cached answer is keyed by the generation of its scope, so it is never stale."""

    def __init__(self, pool: Pool, cache: redis.asyncio.Redis) -> None:
        self._pool = pool
        self._cache = cache
        self._back = 0.0

    async def answer(self, question: Question) -> tuple[Answer | None, int]:
        """The answer, None where there is no such thing, and the position that it reflects.

        Raises Behind where the projection has not been built for this code yet, or its table is gone.
        """
        for _ in range(TRIES):
            state = await self._state(question)
            found = await self._cached(_key(question, state))
            if found is not None:
                return found, state.position
            asked = await self._asked(question, state.builds)
            if asked is not None:
                found, seen = asked
                if found is not None:
                    await self._keep(_key(question, seen), found)
                return found, seen.position
        raise Behind

    async def rows(self, sql: str, parameters: Sequence[object]) -> list[tuple[Any, ...]]:
        """The rows of a small query that is not worth keeping."""
        async with self._pool.connection() as connection:
            query = named(sql, await self._serving(connection))
            return await (await connection.execute(query, parameters)).fetchall()

    async def are_ready(self) -> bool:
        """Whether every projection has been built for this code."""
        async with self._pool.connection() as connection:
            return every().keys() <= (await self._serving(connection)).keys()

    async def _state(self, question: Question) -> State:
        async with self._pool.connection() as connection:
            rows = await (await connection.execute(_STATE, _asking(question), prepare=True)).fetchall()
        return State.of(question, rows)

    async def _asked(self, question: Question, numbers: Mapping[str, int]) -> tuple[Answer | None, State] | None:
        """State and rows in one snapshot; None where those builds do not answer any more."""
        try:
            async with self._pool.connection() as connection, connection.pipeline(), connection.transaction():
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

    async def _cached(self, key: str) -> Answer | None:
        if time.monotonic() < self._back:
            return None
        try:
            found: Any = await self._cache.get(key)
            return _ANSWER.decode(found) if found else None
        except (redis.RedisError, OSError, msgspec.DecodeError) as error:
            self._do_without(error)
            return None

    async def _keep(self, key: str, answer: Answer) -> None:
        if time.monotonic() < self._back:
            return
        try:
            seconds = TTL_S + random.randrange(TTL_S // 5)  # noqa: S311 - so that not all expire at once
            await self._cache.set(key, msgspec.msgpack.encode(answer), ex=seconds)
        except (redis.RedisError, OSError) as error:
            self._do_without(error)

    def _do_without(self, error: Exception) -> None:
        if not isinstance(error, msgspec.DecodeError):
            self._back = time.monotonic() + PAUSE_S
        logger.debug("without the cache: {}", error)


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


def _key(question: Question, state: State) -> str:
    tables = ",".join(f"{name}_{build}" for name, build in state.builds.items())
    return f"{tables}:{','.join(map(str, question.scopes))}:{state.generation}:{question.digest()}"
