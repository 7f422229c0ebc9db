"""Reading: an answer from Redis where its generation still holds, from the read table otherwise."""

import random
import time
from collections.abc import Sequence
from typing import Any

import msgspec
import redis
import redis.asyncio
from psycopg.rows import dict_row

from infra.logs import logger
from infra.postgres import Pool
from projections import table
from projections.projection import Answer, Question

TTL_S = 300
PAUSE_S = 2.0
"""How long a cache that failed is not asked again, so that not every request waits for it."""
_STATE = """select checkpoint.position, coalesce(generation.generation, 0)
            from read.checkpoints checkpoint
            left join read.generations generation
              on generation.projection = checkpoint.projection and generation.scope = %s
            where checkpoint.projection = %s and checkpoint.partition = 0"""
_ANSWER = msgspec.msgpack.Decoder(Answer)


class Reading:
    """Answers questions. A cached answer is keyed by the generation of its scope, so it is never stale."""

    def __init__(self, pool: Pool, cache: redis.asyncio.Redis) -> None:
        self._pool = pool
        self._cache = cache
        self._back = 0.0

    async def answer(self, question: Question) -> tuple[Answer | None, int]:
        """The answer, None where there is no such thing, and the position that it reflects."""
        position, generation = await self._state(question)
        key = _key(question, generation)
        found = await self._cached(key)
        if found is None:
            found, position, generation = await self._asked(question)
            if found is not None:
                await self._keep(_key(question, generation), found)
        return found, position

    async def rows(self, sql: str, parameters: Sequence[object]) -> list[tuple[object, ...]]:
        """The rows of a small query that is not worth keeping."""
        async with self._pool.connection() as connection:
            return await (await connection.execute(sql, parameters, prepare=True)).fetchall()

    async def _state(self, question: Question) -> tuple[int, int]:
        async with self._pool.connection() as connection:
            parameters = (question.scope, question.projection.name)
            row = await (await connection.execute(_STATE, parameters, prepare=True)).fetchone()
        return (row[0], row[1]) if row else (0, 0)

    async def _asked(self, question: Question) -> tuple[Answer | None, int, int]:
        """Position, generation and rows in one snapshot, in one round trip."""
        async with self._pool.connection() as connection, connection.pipeline():
            state, rows = connection.cursor(), connection.cursor(row_factory=dict_row)
            await connection.execute("begin isolation level repeatable read read only")
            await state.execute(_STATE, (question.scope, question.projection.name))
            await rows.execute(question.sql, question.parameters)
            await connection.execute("commit")
            position, generation = await state.fetchone() or (0, 0)
            found = [table.document(question.projection, row) for row in await rows.fetchall()]
        return question.answer(found), position, generation

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


def _key(question: Question, generation: int) -> str:
    projection = question.projection
    return f"{projection.name}:{projection.version}:{question.scope}:{generation}:{question.digest()}"
