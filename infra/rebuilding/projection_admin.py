"""Administration of projections for the API: their statuses and rebuild jobs, over its connection pool."""

from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow, dict_row

from domain.errors import NotFound
from infra.database.pool import Pool
from infra.rebuilding import jobs, projection_status
from infra.rebuilding.jobs import Job, JobOptions
from infra.rebuilding.projection_status import ProjectionStatus
from projections.engine import builds
from projections.projection import Projection


class ProjectionAdmin:
    """Reads statuses and enqueues jobs; workers run them."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def statuses(self) -> list[ProjectionStatus]:
        """The status of each projection of this code."""
        async with self._pool.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(projection_status.STATUS_SQL, builds.serving_parameters(), prepare=True)
            return [projection_status.parse_status(row) for row in await cursor.fetchall()]

    async def enqueue_rebuild(self, projection: Projection[Any], options: JobOptions, asked_by: UUID) -> Job:
        """Request a rebuild; returns the waiting or running job if there is one."""
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute(jobs.LOCK_PROJECTION_SQL, (projection.name,))
            parameters = jobs.enqueue_parameters(projection, options, asked_by)
            ((job_id,),) = await (await connection.execute(jobs.ENQUEUE_SQL, parameters)).fetchall()
            return await _fetch_job(connection, job_id)

    async def find_job(self, job_id: UUID) -> Job:
        """The job with this id; raises NotFound."""
        async with self._pool.connection() as connection:
            return await _fetch_job(connection, job_id)


async def _fetch_job(connection: AsyncConnection[TupleRow], job_id: UUID) -> Job:
    async with connection.cursor(row_factory=dict_row) as cursor:
        row = await (await cursor.execute(jobs.FIND_SQL, (job_id,))).fetchone()
    if row is None:
        raise NotFound
    return jobs.job_from_row(row)
