"""Reading: an answer from Redis where its generation still holds, from the read table otherwise."""

import random
import time
from collections.abc import Mapping, Sequence
from typing import Any
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
_STATE = f"""select serving.build,
      (select min(position) from read.checkpoints as checkpoint where checkpoint.build = serving.build),
      (select coalesce(sum(generation), 0) from read.generations as generation
        where generation.build = serving.build and generation.scope in (%s, '{WHOLE}'))::bigint
    from read.serving where serving.projection = %s and serving.fingerprint = %s"""  # noqa: S608 - our own text
_ANSWER = msgspec.msgpack.Decoder(Answer)


class State(Struct, frozen=True):
    """Which build answers a question now, the position that it has read up to, and the generation of the scope."""

    build: int
    position: int
    generation: int


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
            asked = await self._asked(question, state.build)
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
            row = await (await connection.execute(_STATE, _asking(question), prepare=True)).fetchone()
        if row is None:
            raise Behind
        return State(*row)

    async def _asked(self, question: Question, build: int) -> tuple[Answer | None, State] | None:
        """State and rows in one snapshot; None where that build does not answer any more."""
        projection = question.projection
        try:
            async with self._pool.connection() as connection, connection.pipeline(), connection.transaction():
                state, rows = connection.cursor(), connection.cursor(row_factory=dict_row)
                await connection.execute("set transaction isolation level repeatable read read only")
                await state.execute(_STATE, _asking(question))
                await rows.execute(named(question.sql, {projection.name: build}), question.parameters)
                seen, found = await state.fetchone(), await rows.fetchall()
        except errors.UndefinedTable:
            return None
        if seen is None or seen[0] != build:
            return None
        return question.answer([table.document(projection.row, row) for row in found]), State(*seen)

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


def _asking(question: Question) -> tuple[UUID, str, str]:
    name = question.projection.name
    return question.scope, name, fingerprints()[name]


def _key(question: Question, state: State) -> str:
    return f"{question.projection.name}:{state.build}:{question.scope}:{state.generation}:{question.digest()}"
