"""Moments of the past: from a time to the last position recorded up to it, and back."""

from datetime import datetime
from typing import Final

from psycopg import AsyncConnection, Connection
from psycopg.rows import TupleRow

from projections.moment import Moment

_WAIT_FOR_APPENDS: Final = "select pg_advisory_xact_lock_shared(7291402113004155)"
"""The lock of `log.append`, which stamps the times of events: any that comes later has a later time."""
_SELECT_AT_TIME: Final = """with recursive present as materialized (
      select clock_timestamp() as clock, (select coalesce(max(notification_id), 0) from log.events) as head
    ), search (low, high) as (
      select 0::bigint, head from present
      union all
      select case when probe.recorded_at <= %(at)s then probe.notification_id else low end,
        case when probe.recorded_at <= %(at)s then high else (low + high) / 2 end
      from search cross join lateral (
        select notification_id, recorded_at from log.events
        where notification_id > (low + high) / 2 order by notification_id limit 1
      ) as probe where low < high
    ) select clock, head, (select max(low) from search) from present"""
"""The clock, the last position, and the last one recorded up to a time: found by halves, as times never decrease."""
_SELECT_AT_POSITION: Final = """select clock_timestamp(), (select coalesce(max(notification_id), 0) from log.events),
    (select recorded_at from log.events where notification_id <= %s order by notification_id desc limit 1)"""


async def moment_at(connection: AsyncConnection[TupleRow], at: datetime) -> tuple[Moment, datetime]:
    """The moment at a time, and the present by the clock of the database; a later time is the present.

    An append in flight ends first. A read model shows the moment once it has reached what the log has now.
    """
    async with connection.pipeline():
        cursor = connection.cursor()
        await connection.execute("begin")
        await connection.execute(_WAIT_FOR_APPENDS)
        await cursor.execute(_SELECT_AT_TIME, {"at": at})
        await connection.execute("commit")
        ((clock, head, position),) = await cursor.fetchall()
    at = min(at, clock)
    return Moment(position, at, head, at), clock


def read_moment_at(connection: Connection[TupleRow], at: datetime) -> Moment:
    """The same, for a program that waits; without the present."""
    with connection.transaction():
        connection.execute(_WAIT_FOR_APPENDS)
        ((clock, head, position),) = connection.execute(_SELECT_AT_TIME, {"at": at}).fetchall()
    at = min(at, clock)
    return Moment(position, at, head, at)


async def moment_at_position(connection: AsyncConnection[TupleRow], position: int) -> tuple[Moment, int]:
    """The moment at a position, and the last position of the log."""
    cursor = await connection.execute(_SELECT_AT_POSITION, (position,))
    ((_, head, recorded_at),) = await cursor.fetchall()
    return Moment(position, None, position, recorded_at), head
