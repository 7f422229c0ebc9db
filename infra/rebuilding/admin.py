"""Operating: what an administrator asks of the read models, over the pool of a process that serves."""

from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow, dict_row

from domain.errors import NotFound
from infra.database.pool import Pool
from infra.rebuilding import jobs
from infra.rebuilding.jobs import Operation, Options
from projections.engine import builds, status
from projections.engine.status import ProjectionStatus
from projections.projection import Projection


class Operating:
    """Looks, and writes down what is wanted; workers do it."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def statuses(self) -> list[ProjectionStatus]:
        """That of each projection of this code."""
        async with self._pool.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(status.STATUS_SQL, builds.serving_parameters(), prepare=True)
            return [status.parse_status(row) for row in await cursor.fetchall()]

    async def rebuild(self, projection: Projection[Any], options: Options, asked_by: UUID) -> Operation:
        """Ask for a rebuild; where one is waiting or running, it is that one."""
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute(jobs.ALONE, (projection.name,))
            row = await (await connection.execute(jobs.OPEN, jobs.opening(projection))).fetchone()
            if row is None:
                row = jobs.asking(projection, options, asked_by)
                await connection.execute(jobs.ASK, row)
            return await _found(connection, row[0])

    async def operation(self, wanted: UUID) -> Operation:
        """One operation as it stands; raises NotFound."""
        async with self._pool.connection() as connection:
            return await _found(connection, wanted)


async def _found(connection: AsyncConnection[TupleRow], wanted: UUID) -> Operation:
    async with connection.cursor(row_factory=dict_row) as cursor:
        row = await (await cursor.execute(jobs.FIND, (wanted,))).fetchone()
    if row is None:
        raise NotFound
    return jobs.read(row)
