"""The column counter: counts the tasks in a column for the first command that enters it under a WIP limit.

The head of the log is read first; the read model is queried once it includes that. Why a count made like this is exact
is explained in `commands.handling.missing_counts`, which writes it.
"""

from time import monotonic
from typing import Any
from uuid import UUID

from psycopg.sql import SQL

from commands.archive import MAX_ARCHIVED_TASKS
from commands.column_removal import MAX_MOVED_TASKS
from commands.copy import MAX_COPIED_TASKS
from commands.handling.missing_counts import TaskCount
from domain.column import ColumnTasks
from domain.task import TaskStatus
from infra.database.pool import Pool
from infra.ids import new_id
from infra.log.event_log import EventLog
from infra.reading.progress import ProjectionProgress
from infra.reading.progress_waiting import ProgressWaiter
from infra.reading.tables import with_table_names
from projections import task_list
from projections.engine import builds

CATCH_UP_TIMEOUT_S = 3.0
"""How long the read model may take to include the head of the log."""
MAX_LISTED_TASKS = max(MAX_MOVED_TASKS, MAX_ARCHIVED_TASKS, MAX_COPIED_TASKS)
_VALUE_WITH_POSITION = SQL("select (select min(position) from read.checkpoints where build = %s), ({})")


class ColumnCounter:
    """Counts the tasks of a column in the task list."""

    def __init__(
        self, log: EventLog, pool: Pool, progress: ProjectionProgress, progress_waiter: ProgressWaiter
    ) -> None:
        self._log = log
        self._pool = pool
        self._progress = progress
        self._progress_waiter = progress_waiter

    async def count_tasks(self, project_id: UUID, column: str) -> TaskCount:
        """The number of tasks in the column, at the head of the log or later.

        Raises ProjectionBehind if the read model does not include the head in time.
        """
        return TaskCount(int(await self._query_at_head(task_list.COUNT_IN_COLUMN_SQL, project_id, column)), new_id())

    async def list_tasks(self, project_id: UUID, column: str | None, status: TaskStatus | None = None) -> ColumnTasks:
        """The tasks in the column, or on the board, at the head of the log or later, with ids for one command.

        Raises ProjectionBehind as `count_tasks` does.
        """
        found = project_id, column, column, status, status, MAX_LISTED_TASKS
        total, ids = await self._query_at_head(task_list.LIST_ON_BOARD_SQL, *found)
        return ColumnTasks(total, tuple(map(UUID, ids)))

    async def _query_at_head(self, sql: str, *parameters: object) -> Any:
        """The one value of a query, in a state that includes the head of the log."""
        head = await self._log.head()
        deadline = monotonic() + CATCH_UP_TIMEOUT_S
        while True:
            await self._progress_waiter.wait(task_list.projection.name, head, deadline - monotonic())
            position, value = await self._query(sql, parameters)
            if position >= head:
                return value
            self._progress.invalidate(task_list.projection.name)

    async def _query(self, sql: str, parameters: tuple[object, ...]) -> tuple[int, Any]:
        """The position of the read model, and the value, read in one statement."""
        async with self._pool.connection() as connection:
            rows = await (
                await connection.execute(builds.SERVING_BUILDS_SQL, builds.serving_parameters(), prepare=True)
            ).fetchall()
            build_numbers = {projection: build for build, projection, _ in rows}
            query = _VALUE_WITH_POSITION.format(with_table_names(sql, build_numbers))
            of_position = build_numbers[task_list.projection.name]
            row = await (await connection.execute(query, (of_position, *parameters))).fetchone()
        return row or (0, None)
