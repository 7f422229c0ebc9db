"""Connections use UTC, and the pool loses no connection when a task is cancelled."""

import asyncio
from datetime import UTC, datetime

import pytest
from psycopg import conninfo
from psycopg.sql import SQL, Identifier

from infra.database.connections import connect
from infra.database.pool import Pool, create_pool, run_with_timeout
from infra.settings import Settings
from tests.planted_defects import assert_async_check_fails
from tests.store import planted_defects


async def test_a_cancelled_return_still_returns_the_connection(settings: Settings) -> None:
    async with create_pool(settings.database_url, max_size=2) as connections:
        await pool_is_whole_after_a_cancelled_return(connections)


async def test_a_pool_that_loses_returned_connections_is_noticed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted_defects.pool_loses_returned_connections(monkeypatch)
    async with create_pool(settings.database_url, max_size=2) as connections:
        await assert_async_check_fails(lambda: pool_is_whole_after_a_cancelled_return(connections))


async def pool_is_whole_after_a_cancelled_return(connections: Pool) -> None:
    """The task is cancelled while another one holds the pool's lock."""
    await connections.wait()
    connection = await connections.getconn()
    async with connections._lock:  # noqa: SLF001 - this moment is hard to hit from outside
        giving = asyncio.create_task(connections.putconn(connection))
        for _ in range(3):
            await asyncio.sleep(0)
        giving.cancel()
        await asyncio.wait([giving])
    for _ in range(5):
        await asyncio.sleep(0)
    stats = connections.get_stats()
    assert stats["pool_available"] == stats["pool_size"] == 2, stats


def test_a_read_that_is_given_up_at_the_end_prints_nothing(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """As after Ctrl-C: the pool closes while a read still waits for its first connection."""

    async def read(connections: Pool) -> None:
        async with connections.connection():
            pass

    async def give_up() -> None:
        async with create_pool(settings.database_url) as connections:
            reading = asyncio.create_task(run_with_timeout(read(connections), 5))
            await asyncio.sleep(0)
            reading.cancel()
            await reading

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(give_up())
    assert "unhandled exception" not in caplog.text


LAST_INSTANT = datetime.max.replace(tzinfo=UTC)


async def test_the_last_instant_is_read_in_any_server_time_zone(settings: Settings) -> None:
    name = conninfo.conninfo_to_dict(settings.migration_url)["dbname"]
    with connect(settings.migration_url) as owner:
        owner.execute(SQL("alter database {} set timezone = 'Asia/Tokyo'").format(Identifier(str(name))))
    with connect(conninfo.make_conninfo(settings.database_url, options="-c work_mem=8MB")) as connection:
        for binary in (False, True):
            cursor = connection.cursor(binary=binary).execute(
                "select %s::timestamptz, current_setting('work_mem')", [LAST_INSTANT]
            )
            assert cursor.fetchall() == [(LAST_INSTANT, "8MB")]
    async with create_pool(settings.database_url) as connections, connections.connection() as pooled:
        assert await (await pooled.execute("select %s::timestamptz", [LAST_INSTANT])).fetchall() == [(LAST_INSTANT,)]
