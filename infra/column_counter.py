"""The column counter: counts the tasks in a column for the first command that enters it under a WIP limit.

The head of the log is read first; the read model is queried once it includes that. Why a count made like this is exact
is explained in `commands.handling.missing_counts`, which writes it.
"""

from time import monotonic
from uuid import UUID

from psycopg.sql import SQL

from commands.handling.missing_counts import TaskCount
from infra.database.pool import Pool
from infra.ids import new_id
from infra.log import EventLog
from infra.reading.progress import ProjectionProgress
from infra.reading.progress_waiting import ProgressWaiter
from infra.reading.tables import with_table_names
from projections import task_list
from projections.engine import builds

CATCH_UP_TIMEOUT_S = 3.0
"""How long the read model may take to include the head of the log."""
_COUNT_WITH_POSITION = SQL("select (select min(position) from read.checkpoints where build = %s), ({})")


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
        head = await self._log.head()
        deadline = monotonic() + CATCH_UP_TIMEOUT_S
        while True:
            await self._progress_waiter.wait(task_list.projection.name, head, deadline - monotonic())
            position, tasks = await self._query(project_id, column)
            if position >= head:
                return TaskCount(tasks, new_id())
            self._progress.invalidate(task_list.projection.name)

    async def _query(self, project_id: UUID, column: str) -> tuple[int, int]:
        """The position of the read model, and its number of tasks in the column, read in one statement."""
        async with self._pool.connection() as connection:
            rows = await (
                await connection.execute(builds.SERVING_BUILDS_SQL, builds.serving_parameters(), prepare=True)
            ).fetchall()
            build_numbers = {projection: build for build, projection, _ in rows}
            query = _COUNT_WITH_POSITION.format(with_table_names(task_list.COUNT_IN_COLUMN_SQL, build_numbers))
            parameters = (build_numbers[task_list.projection.name], project_id, column)
            row = await (await connection.execute(query, parameters)).fetchone()
        position, tasks = row or (0, 0)
        return position, int(tasks)
