"""Counting: how many tasks stand in a column that has begun to be limited, found out when the first one wants to enter.

It is exact without a lock. The version of the guard stream is read first, then the head of the log; the read table is
asked once it includes that. Since then nobody came, for into a column that has a limit and no count nobody gets; and
whoever went moved the guard, and then the count is not written, but made again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import TypeVar, cast
from uuid import UUID

from msgspec.structs import replace
from psycopg.sql import SQL

from commands.column import CountColumn, is_counted
from commands.handling.decision import CommandOn
from commands.handling.handler import CommandHandler, Committed
from commands.handling.request import CommandRequest
from commands.handling.stream_cache import StreamState
from domain.column import ColumnCount, column_stream_id
from domain.errors import ColumnNotCounted, TooBusy
from domain.instance import RULE_ACTOR
from domain.project import Project
from infra.database.pool import Pool
from infra.ids import new_id
from infra.log import EventLog
from infra.reading.progress import ProjectionProgress
from infra.reading.tables import with_table_names
from projections import task_list
from projections.engine import builds

T = TypeVar("T")
MAX_ATTEMPTS = 8
"""How often an order is made again, at most, that nothing was counted for."""
CATCH_UP_TIMEOUT_S = 3.0
"""How long the read table may take to get to where the log is."""
_COUNT_WITH_POSITION = SQL("select (select min(position) from read.checkpoints where build = %s), ({})")


class ColumnCounter:
    """Carries out what enters columns, and counts those that nobody has counted yet."""

    def __init__(
        self, log: EventLog, command_handler: CommandHandler, pool: Pool, progress: ProjectionProgress
    ) -> None:
        self._log = log
        self._command_handler = command_handler
        self._pool = pool
        self._progress = progress
        self._counts_in_flight: dict[UUID, asyncio.Task[bool]] = {}

    async def handle(self, request: CommandRequest) -> Committed:
        """As `Handling.handle`. Raises Behind where the read table does not get to where the log is."""
        if request.is_dry_run:
            return await self._dry_run(request)
        return await self.retry_with_counts(lambda: self._command_handler.handle(request))

    async def retry_with_counts(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """What an attempt comes to, once all that it needs is counted.

        Raises ColumnNotCounted where that cannot be, as a column has its limit in this very call only, and TooBusy
        where others never leave it alone.
        """
        left = MAX_ATTEMPTS
        while True:
            try:
                return await attempt()
            except ColumnNotCounted as error:
                project, column = UUID(str(error.params["project"])), str(error.params["column"])
                left -= not await self._count_once(project, column)
                if not left:
                    raise (TooBusy() if await self._has_limit(project, column) else error) from error

    async def _dry_run(self, request: CommandRequest) -> Committed:
        """A dry run writes no count either: it assumes what would be counted."""
        while True:
            try:
                return await self._command_handler.handle(request)
            except ColumnNotCounted as error:
                project, column = UUID(str(error.params["project"])), str(error.params["column"])
                guard = column_stream_id(project, column)
                version = await self._uncounted_version(guard)
                if version is None or guard in request.assumed_states:
                    raise
                count = ColumnCount(await self._count_tasks(project, column, await self._log.head()))
                assumed_count = {guard: StreamState(version, {ColumnCount: count})}
                request = replace(request, assumed_states={**request.assumed_states, **assumed_count})

    async def _has_limit(self, project: UUID, column: str) -> bool:
        state = await self._log.load_state(Project, project)
        column_config = state.find_column_by_id(column) if state else None
        return column_config is not None and column_config.wip_limit is not None

    async def _count_once(self, project: UUID, column: str) -> bool:
        """Count it, or wait for whoever is at it; answers whether it was done."""
        guard = column_stream_id(project, column)
        if guard not in self._counts_in_flight:
            task = asyncio.create_task(self._count_column(project, column, guard), name="counting")
            self._counts_in_flight[guard] = task
            task.add_done_callback(lambda _: self._counts_in_flight.pop(guard))
        return await asyncio.shield(self._counts_in_flight[guard])

    async def _count_column(self, project: UUID, column: str, guard: UUID) -> bool:
        version = await self._uncounted_version(guard)
        if version is None:
            return False
        tasks = await self._count_tasks(project, column, await self._log.head())
        command = CommandOn(project, CountColumn(column=column, tasks=tasks, seen=version))
        return (await self._command_handler.handle(CommandRequest([command], RULE_ACTOR, new_id()))).has_changes

    async def _uncounted_version(self, guard: UUID) -> int | None:
        """The version of a guard stream; None where it has not begun, or somebody counts."""
        (stream_state,) = await self._log.load_states([(guard, ColumnCount)])
        is_already_counted = is_counted(cast("ColumnCount | None", stream_state.states[ColumnCount]))
        return None if is_already_counted else stream_state.version or None

    async def _count_tasks(self, project: UUID, column: str, head: int) -> int:
        """How many tasks stand there, in a read table that includes the head of the log. Raises Behind."""
        deadline, name = monotonic() + CATCH_UP_TIMEOUT_S, task_list.projection.name
        while True:
            await self._progress.wait(name, head, deadline - monotonic())
            async with self._pool.connection() as connection:
                rows = await (
                    await connection.execute(builds.SERVING_BUILDS_SQL, builds.serving_parameters(), prepare=True)
                ).fetchall()
                build_numbers = {projection: build for build, projection, _ in rows}
                query = _COUNT_WITH_POSITION.format(with_table_names(task_list.COUNT_IN_COLUMN_SQL, build_numbers))
                row = await (await connection.execute(query, (build_numbers[name], project, column))).fetchone()
            position, tasks = row or (0, 0)
            if position >= head:
                return int(tasks)
            self._progress.invalidate(name)
