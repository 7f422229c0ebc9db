"""Recent revocations: every process receives them, keeps them during a database outage, and drops them when old."""

import asyncio
import time
from collections.abc import AsyncIterator

import psycopg
import pytest

from infra.database.pool import Pool, create_pool
from infra.identity import revocations
from infra.identity.revocations import RETENTION_S, RevokedIds
from infra.logs import logger
from infra.settings import Settings
from tests.examples import ADA, fixed_uuid7
from tests.law import planted_defect

ONE, OTHER = fixed_uuid7(71), fixed_uuid7(72)


@pytest.fixture
async def connections(settings: Settings) -> AsyncIterator[Pool]:
    async with create_pool(settings.database_url) as opened:
        yield opened


def revoke(settings: Settings, *ids: object, age_s: float = 0) -> None:
    """Revoke as another process does."""
    sql = "insert into auth.revoked (id, revoked_at) values (%s, now() - make_interval(secs => %s))"
    with psycopg.connect(settings.database_url) as connection:
        for each in ids:
            connection.execute(sql, (each, age_s))


def row_count(settings: Settings, table: bytes) -> int:
    with psycopg.connect(settings.database_url) as connection:
        ((found,),) = connection.execute(b"select count(*) from auth." + table).fetchall()
    return int(found)


async def test_revocations_of_another_process_are_seen(connections: Pool, settings: Settings) -> None:
    known = RevokedIds(connections)
    revoke(settings, ONE)
    await known.poll()
    revoke(settings, OTHER)
    await known.poll()
    assert ONE in known
    assert OTHER in known
    assert ADA.id not in known


async def revocations_are_seen_whatever_the_clock_says(connections: Pool, settings: Settings, jump_s: float) -> None:
    """A row whose time lies in the past or the future of the polls before and after it."""
    known = RevokedIds(connections)
    await known.poll()
    revoke(settings, ONE, age_s=jump_s)
    await known.poll()
    assert ONE in known
    started_later = RevokedIds(connections)
    await started_later.poll()
    assert ONE in started_later


@pytest.mark.parametrize("jump_s", [86_400.0, 3600.0, -3600.0, -86_400.0])
async def test_a_clock_that_jumps_hides_no_revocation(connections: Pool, settings: Settings, jump_s: float) -> None:
    await revocations_are_seen_whatever_the_clock_says(connections, settings, jump_s)


async def revocations_that_commit_out_of_order_are_seen(connections: Pool, settings: Settings) -> None:
    """The first transaction commits last, after a poll has seen the second."""
    known = RevokedIds(connections)
    insert = "insert into auth.revoked (id) values (%s)"
    with psycopg.connect(settings.database_url) as slow, psycopg.connect(settings.database_url) as fast:
        slow.execute(insert, (ONE,))
        fast.execute(insert, (OTHER,))
        fast.commit()
        await known.poll()
        assert OTHER in known
        assert ONE not in known
    await known.poll()
    assert ONE in known


async def test_revocations_that_commit_out_of_order_are_seen(connections: Pool, settings: Settings) -> None:
    await revocations_that_commit_out_of_order_are_seen(connections, settings)


async def test_a_cursor_that_skips_open_transactions_is_noticed(
    connections: Pool, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    skipping = revocations._FETCH_NEW_SQL.replace("pg_snapshot_xmin", "pg_snapshot_xmax")  # noqa: SLF001 - the defect
    monkeypatch.setattr(revocations, "_FETCH_NEW_SQL", skipping)
    with planted_defect(), pytest.raises(AssertionError):
        await revocations_that_commit_out_of_order_are_seen(connections, settings)


async def test_a_poll_by_time_is_noticed(
    connections: Pool, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_time = "select '0', array(select id from auth.revoked where revoked_at > now() - interval '61 s' and %s = '0')"
    monkeypatch.setattr(revocations, "_FETCH_NEW_SQL", by_time)
    with planted_defect(), pytest.raises(AssertionError):
        await revocations_are_seen_whatever_the_clock_says(connections, settings, 3600.0)


async def test_a_restored_database_is_read_from_its_start(connections: Pool, settings: Settings) -> None:
    """Its transactions have lower numbers than those seen before."""
    known = RevokedIds(connections)
    known._next_transaction = 2**62  # noqa: SLF001 - of the database before
    revoke(settings, ONE)
    for _ in range(2):
        await known.poll()
    assert ONE in known


async def test_a_poll_reads_only_what_is_new(connections: Pool, settings: Settings) -> None:
    known = RevokedIds(connections)
    revoke(settings, ONE)
    await known.poll()
    known._ids.clear()  # noqa: SLF001 - to see what the next poll reads
    revoke(settings, OTHER)
    await known.poll()
    assert OTHER in known
    assert ONE not in known


async def test_a_local_revocation_is_known_at_once() -> None:
    known = RevokedIds(create_pool("postgresql://nowhere"))
    known.add([ONE])
    assert ONE in known
    assert OTHER not in known


async def test_revocations_older_than_any_token_are_dropped(
    connections: Pool, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = RevokedIds(connections)
    revoke(settings, ONE, age_s=-86_400)
    await known.poll()
    with psycopg.connect(settings.database_url) as connection:
        for session, until in ((fixed_uuid7(73), "-1 second"), (fixed_uuid7(74), "1 hour")):
            sql = "insert into auth.sessions (id, user_id, expires_at, user_agent) values (%s, %s, now() + %s, '')"
            connection.execute(sql, (session, ADA.id, until))
    later = time.monotonic() + RETENTION_S + 1
    monkeypatch.setattr("infra.identity.revocations.time.monotonic", lambda: later)
    revoke(settings, OTHER, age_s=86_400)
    await known.poll()
    assert ONE not in known
    assert OTHER in known
    assert (row_count(settings, b"revoked"), row_count(settings, b"sessions")) == (1, 1)
    await known.poll()
    assert ONE not in known


async def test_without_the_database_known_revocations_stay_and_one_line_is_logged(
    connections: Pool, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revocations, "POLL_INTERVAL_S", 0.001)
    known, warnings, polled = RevokedIds(connections), list[str](), asyncio.Event()
    sink = logger.add(warnings.append, level="WARNING", format="{message}")
    known.add([ONE])
    failures = 0

    async def failing_poll() -> None:
        nonlocal failures
        failures += 1
        if failures == 3:
            polled.set()
        raise psycopg.OperationalError("away")

    with monkeypatch.context() as patch:
        patch.setattr(known, "poll", failing_poll)
        polling = asyncio.create_task(known.poll_forever())
        await asyncio.wait_for(polled.wait(), 5)
    logger.remove(sink)
    assert ONE in known
    assert len(warnings) == 1
    polling.cancel()
    await asyncio.wait({polling})
    revoke(settings, OTHER)
    await known.poll()
    assert OTHER in known
