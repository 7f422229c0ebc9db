"""Querying: the read tables asked, by whichever names they stand there now."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection, errors
from psycopg.rows import TupleRow, dict_row
from psycopg.sql import SQL, Composed, Identifier

from infra.database.pool import Pool
from infra.reading.cached_answer import State
from infra.reading.progress import Behind
from projections.engine import builds, table
from projections.engine.builds import WHOLE_BUILD_SCOPE
from projections.fingerprint import fingerprints
from projections.projection import Answer, Question, all_projections

_STATE = f"""select serving.projection, serving.build,
      (select min(position) from read.checkpoints as checkpoint where checkpoint.build = serving.build),
      (select coalesce(sum(generation), 0) from read.generations as generation
        where generation.build = serving.build
          and generation.scope = any(%s::uuid[] || '{WHOLE_BUILD_SCOPE}'::uuid))::bigint
    from read.serving where {builds.IS_THIS_CODE_SQL} order by serving.projection"""  # noqa: S608 - our own text

_BEGIN = "begin isolation level repeatable read read only"


class Querying:
    """What is in the read tables, and under which state. Raises what psycopg raises."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._answered = dict[str, int]()

    async def state(self, question: Question) -> State:
        """That of a question. Raises Behind where one of its projections was not built for this code yet."""
        async with self._pool.asking() as connection:
            rows = await (await connection.execute(_STATE, _asking(question), prepare=True)).fetchall()
        return self._seen(State.of(question, rows))

    async def builds(self, question: Question) -> dict[str, int]:
        """Those that answered last, and so most likely do; raises as `state` does."""
        names = [projection.name for projection in question.projections]
        if self._answered.keys() >= set(names):
            return {name: self._answered[name] for name in names}
        return (await self.state(question)).builds

    async def asked(self, question: Question, numbers: Mapping[str, int]) -> tuple[Answer | None, State] | None:
        """State and rows in one snapshot; None where those builds do not answer any more.

        All of it is sent at once: a transaction of the driver would wait where it begins and where it ends.
        """
        try:
            async with self._pool.asking() as connection, connection.pipeline():
                state, cursors = (
                    connection.cursor(),
                    [connection.cursor(row_factory=dict_row) for _ in question.queries],
                )
                await connection.execute(_BEGIN)
                await state.execute(_STATE, _asking(question))
                for query, cursor in zip(question.queries, cursors, strict=True):
                    await cursor.execute(named(query.sql, numbers), question.parameters)
                await connection.execute("commit")  # where anything fails, whoever takes the connection back rolls back
                seen = self._seen(State.of(question, await state.fetchall()))
                found = [await cursor.fetchall() for cursor in cursors]
        except errors.UndefinedTable:
            self._answered.clear()
            return None
        if seen.builds != numbers:
            return None
        rows = zip(question.queries, found, strict=True)
        return question.build_answer(
            *([table.row_to_struct(query.row_type, row) for row in each] for query, each in rows)
        ), seen

    def _seen(self, state: State) -> State:
        self._answered.update(state.builds)
        return state

    async def rows(self, sql: str, parameters: Sequence[object]) -> list[tuple[Any, ...]]:
        """The rows of a small query that is not worth keeping."""
        async with self._pool.connection() as connection:
            query = named(sql, await self._serving(connection))
            return await (await connection.execute(query, parameters)).fetchall()

    async def are_ready(self) -> bool:
        """Whether every projection has been built for this code."""
        async with self._pool.connection() as connection:
            return all_projections().keys() <= (await self._serving(connection)).keys()

    async def _serving(self, connection: AsyncConnection[TupleRow]) -> dict[str, int]:
        """The builds that answer for this code, by projection."""
        rows = await (
            await connection.execute(builds.SERVING_BUILDS_SQL, builds.serving_parameters(), prepare=True)
        ).fetchall()
        return {name: build for build, name, _ in rows}


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
