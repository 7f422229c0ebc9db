"""Operating: what an administrator asks of the read models, over the pool of a process that serves."""

from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow, dict_row

from domain.errors import NotFound
from infra.database.pool import Pool
from infra.rebuilding import jobs
from infra.rebuilding.jobs import Job, JobOptions
from projections.engine import builds, status
from projections.engine.status import ProjectionStatus
from projections.projection import Projection


class ProjectionAdmin:
    """Looks, and writes down what is wanted; workers do it."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def statuses(self) -> list[ProjectionStatus]:
        """That of each projection of this code."""
        async with self._pool.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(status.STATUS_SQL, builds.serving_parameters(), prepare=True)
            return [status.parse_status(row) for row in await cursor.fetchall()]

    async def enqueue_rebuild(self, projection: Projection[Any], options: JobOptions, asked_by: UUID) -> Job:
        """Ask for a rebuild; where one is waiting or running, it is that one."""
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute(jobs.LOCK_PROJECTION_SQL, (projection.name,))
            row = await (await connection.execute(jobs.FIND_OPEN_SQL, jobs.find_open_parameters(projection))).fetchone()
            if row is None:
                row = jobs.insert_parameters(projection, options, asked_by)
                await connection.execute(jobs.INSERT_SQL, row)
            return await _fetch_job(connection, row[0])

    async def find_job(self, job_id: UUID) -> Job:
        """One operation as it stands; raises NotFound."""
        async with self._pool.connection() as connection:
            return await _fetch_job(connection, job_id)


async def _fetch_job(connection: AsyncConnection[TupleRow], job_id: UUID) -> Job:
    async with connection.cursor(row_factory=dict_row) as cursor:
        row = await (await cursor.execute(jobs.FIND_SQL, (job_id,))).fetchone()
    if row is None:
        raise NotFound
    return jobs.job_from_row(row)
