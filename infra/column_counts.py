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
from commands.handling.decision import Wish
from commands.handling.group import Order
from commands.handling.handler import Done, Handling
from commands.handling.stream_cache import Known
from domain.column import ColumnCount, column_of
from domain.errors import ColumnNotCounted, TooBusy
from domain.project import Project
from domain.user import RULES
from infra.database.pool import Pool
from infra.ids import new_id
from infra.log import EventLog
from infra.reading.progress import Projected
from infra.reading.tables import named
from projections import task_list
from projections.engine import builds

T = TypeVar("T")
TRIES = 8
"""How often an order is made again, at most, that nothing was counted for."""
PATIENCE_S = 3.0
"""How long the read table may take to get to where the log is."""
_STANDING = SQL("select (select min(position) from read.checkpoints where build = %s), ({})")


class Counting:
    """Carries out what enters columns, and counts those that nobody has counted yet."""

    def __init__(self, log: EventLog, handling: Handling, pool: Pool, projected: Projected) -> None:
        self._log = log
        self._handling = handling
        self._pool = pool
        self._projected = projected
        self._running: dict[UUID, asyncio.Task[bool]] = {}

    async def handle(self, order: Order) -> Done:
        """As `Handling.handle`. Raises Behind where the read table does not get to where the log is."""
        if order.dry:
            return await self._tried(order)
        return await self.through(lambda: self._handling.handle(order))

    async def through(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """What an attempt comes to, once all that it needs is counted.

        Raises ColumnNotCounted where that cannot be, as a column has its limit in this very call only, and TooBusy
        where others never leave it alone.
        """
        left = TRIES
        while True:
            try:
                return await attempt()
            except ColumnNotCounted as no:
                project, column = UUID(str(no.params["project"])), str(no.params["column"])
                left -= not await self._count(project, column)
                if not left:
                    raise (TooBusy() if await self._has_limit(project, column) else no) from no

    async def _tried(self, order: Order) -> Done:
        """A dry run writes no count either: it assumes what would be counted."""
        while True:
            try:
                return await self._handling.handle(order)
            except ColumnNotCounted as no:
                project, column = UUID(str(no.params["project"])), str(no.params["column"])
                guard = column_of(project, column)
                version = await self._uncounted(guard)
                if version is None or guard in order.assumed:
                    raise
                count = ColumnCount(await self._standing(project, column, await self._log.head()))
                counted = {guard: Known(version, {ColumnCount: count})}
                order = replace(order, assumed={**order.assumed, **counted})

    async def _has_limit(self, project: UUID, column: str) -> bool:
        state = await self._log.state(Project, project)
        found = state.column_with(column) if state else None
        return found is not None and found.wip_limit is not None

    async def _count(self, project: UUID, column: str) -> bool:
        """Count it, or wait for whoever is at it; answers whether it was done."""
        guard = column_of(project, column)
        if guard not in self._running:
            task = asyncio.create_task(self._counted(project, column, guard), name="counting")
            self._running[guard] = task
            task.add_done_callback(lambda _: self._running.pop(guard))
        return await asyncio.shield(self._running[guard])

    async def _counted(self, project: UUID, column: str, guard: UUID) -> bool:
        version = await self._uncounted(guard)
        if version is None:
            return False
        tasks = await self._standing(project, column, await self._log.head())
        wish = Wish(project, CountColumn(column=column, tasks=tasks, seen=version))
        return (await self._handling.handle(Order([wish], RULES, new_id()))).changed

    async def _uncounted(self, guard: UUID) -> int | None:
        """The version of a guard stream; None where it has not begun, or somebody counts."""
        (known,) = await self._log.known([(guard, ColumnCount)])
        is_done = is_counted(cast("ColumnCount | None", known.states[ColumnCount]))
        return None if is_done else known.version or None

    async def _standing(self, project: UUID, column: str, head: int) -> int:
        """How many tasks stand there, in a read table that includes the head of the log. Raises Behind."""
        deadline, name = monotonic() + PATIENCE_S, task_list.projection.name
        while True:
            await self._projected.wait(name, head, deadline - monotonic())
            async with self._pool.connection() as connection:
                rows = await (
                    await connection.execute(builds.SERVING_BUILDS_SQL, builds.serving_parameters(), prepare=True)
                ).fetchall()
                numbers = {found: build for build, found, _ in rows}
                asked = _STANDING.format(named(task_list.COUNT_IN_COLUMN_SQL, numbers))
                row = await (await connection.execute(asked, (numbers[name], project, column))).fetchone()
            position, tasks = row or (0, 0)
            if position >= head:
                return int(tasks)
            self._projected.doubt(name)
