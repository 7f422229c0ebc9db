"""The read tables: questions are run against the tables of the builds that serve now."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection, errors
from psycopg.rows import TupleRow, dict_row
from psycopg.sql import SQL, Composable, Composed, Identifier

from infra.database.pool import Pool
from infra.reading.cached_answer import BuildState
from infra.reading.progress import ProjectionBehind
from projections.engine import builds, table
from projections.engine.builds import WHOLE_BUILD_SCOPE
from projections.fingerprint import fingerprints
from projections.moment import Moment, versions_sql
from projections.projection import all_projections
from projections.question import Answer, Question
from projections.span import Span

_SELECT_STATE = f"""select serving.projection, serving.build,
      (select min(position) from read.checkpoints as checkpoint where checkpoint.build = serving.build),
      (select coalesce(sum(generation), 0) from read.generations as generation
        where generation.build = serving.build
          and generation.scope = any(%s::uuid[] || '{WHOLE_BUILD_SCOPE}'::uuid))::bigint
    from read.serving where {builds.IS_THIS_CODE_SQL} order by serving.projection"""  # noqa: S608 - our own text

_BEGIN = "begin isolation level repeatable read read only"


class ReadTables:
    """Runs questions against the read tables, with the state that the rows belong to. Raises what psycopg raises."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._last_builds = dict[str, int]()

    async def state_of(self, question: Question) -> BuildState:
        """The state of a question. Raises ProjectionBehind if one of its projections is not built for this code yet."""
        async with self._pool.connection() as connection:
            rows = await (await connection.execute(_SELECT_STATE, _state_parameters(question), prepare=True)).fetchall()
        return self._remember_builds(BuildState.from_rows(question, rows))

    async def likely_builds(self, question: Question) -> dict[str, int]:
        """The builds that served last, and so most likely still do; raises what `state_of` raises."""
        names = [projection.name for projection in question.projections]
        if self._last_builds.keys() >= set(names):
            return {name: self._last_builds[name] for name in names}
        return (await self.state_of(question)).builds

    async def run(
        self, question: Question, build_numbers: Mapping[str, int]
    ) -> tuple[Answer | None, BuildState] | None:
        """State and rows in one database snapshot; None if those builds no longer serve.

        All of it is sent at once: a transaction of the driver would wait where it begins and where it ends.
        """
        try:
            async with self._pool.connection() as connection, connection.pipeline():
                state, cursors = (
                    connection.cursor(),
                    [connection.cursor(row_factory=dict_row) for _ in question.queries],
                )
                await connection.execute(_BEGIN)
                await state.execute(_SELECT_STATE, _state_parameters(question))
                for query, cursor in zip(question.queries, cursors, strict=True):
                    await cursor.execute(
                        with_table_names(query.sql, build_numbers, question.moment), question.parameters, prepare=False
                    )
                await connection.execute("commit")  # after a failure the pool rolls back
                build_state = self._remember_builds(BuildState.from_rows(question, await state.fetchall()))
                found = [await cursor.fetchall() for cursor in cursors]
        except errors.UndefinedTable:
            self._last_builds.clear()
            return None
        if build_state.builds != build_numbers:
            return None
        rows = zip(question.queries, found, strict=True)
        return question.build_answer(
            *([table.row_to_struct(query.row_type, row) for row in each] for query, each in rows)
        ), build_state

    def _remember_builds(self, state: BuildState) -> BuildState:
        self._last_builds.update(state.builds)
        return state

    async def fetch_rows(self, sql: str, parameters: Sequence[object] | Mapping[str, object]) -> list[tuple[Any, ...]]:
        """The rows of a small query that is not worth caching."""
        async with self._pool.connection() as connection:
            query = with_table_names(sql, await self._serving_builds(connection))
            return await (await connection.execute(query, parameters)).fetchall()

    async def is_ready(self) -> bool:
        """Whether every projection has been built for this code."""
        async with self._pool.connection() as connection:
            return all_projections().keys() <= (await self._serving_builds(connection)).keys()

    async def _serving_builds(self, connection: AsyncConnection[TupleRow]) -> dict[str, int]:
        """The builds that serve this code, by projection."""
        rows = await (
            await connection.execute(builds.SERVING_BUILDS_SQL, builds.serving_parameters(), prepare=True)
        ).fetchall()
        return {name: build for build, name, _ in rows}


def with_table_names(sql: str, build_numbers: Mapping[str, int], moment: Moment | Span | None = None) -> Composed:
    """The query with the names of the serving tables, or with what they had at a moment.

    `{name_versions}` is all that the documents of a projection that keeps the past were, and are.

    Raises ProjectionBehind if one has not been built.
    """
    tables: dict[str, Composable] = {}
    for name, build in build_numbers.items():
        table, past = Identifier("read", f"{name}_{build}"), Identifier("read", f"{name}_{build}_past")
        tables[name] = moment.table_sql(table, past) if moment else table
        tables[f"{name}_versions"] = versions_sql(table, past)
    try:
        return SQL(sql).format(**tables)
    except KeyError as error:
        raise ProjectionBehind from error


def _state_parameters(question: Question) -> tuple[list[UUID], list[str], list[str]]:
    names = [projection.name for projection in question.projections]
    return list(question.cache_scopes), names, [fingerprints()[name] for name in names]
