"""What was revoked lately: heard of by every process, kept while the database is away, forgotten when it is old."""

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
from tests.examples import ADA, id7

ONE, OTHER = id7(71), id7(72)


@pytest.fixture
async def connections(settings: Settings) -> AsyncIterator[Pool]:
    async with create_pool(settings.database_url) as opened:
        yield opened


def revoke(settings: Settings, *ids: object, ago: float = 0) -> None:
    """As another process does."""
    sql = "insert into auth.revoked (id, revoked_at) values (%s, now() - make_interval(secs => %s))"
    with psycopg.connect(settings.database_url) as connection:
        for each in ids:
            connection.execute(sql, (each, ago))


def count(settings: Settings, table: bytes) -> int:
    with psycopg.connect(settings.database_url) as connection:
        ((found,),) = connection.execute(b"select count(*) from auth." + table).fetchall()
    return int(found)


async def test_what_another_process_revoked_is_heard_of(connections: Pool, settings: Settings) -> None:
    known = RevokedIds(connections)
    revoke(settings, ONE)
    await known.poll()
    revoke(settings, OTHER, ago=30)  # committed late: its transaction began before the look
    await known.poll()
    assert ONE in known
    assert OTHER in known
    assert ADA.id not in known


async def test_what_is_told_here_is_known_at_once() -> None:
    known = RevokedIds(create_pool("postgresql://nowhere"))
    known.add([ONE])
    assert ONE in known
    assert OTHER not in known


async def test_after_a_long_silence_the_whole_of_it_is_read(
    connections: Pool, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = RevokedIds(connections)
    await known.poll()
    revoke(settings, ONE, ago=1000)
    later = time.monotonic() + 1100
    monkeypatch.setattr("infra.identity.revocations.time.monotonic", lambda: later)
    await known.poll()
    assert ONE in known


async def test_what_no_token_can_be_valid_of_any_more_is_forgotten(
    connections: Pool, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = RevokedIds(connections)
    known.add([ONE])
    revoke(settings, OTHER, ago=RETENTION_S + 1)
    with psycopg.connect(settings.database_url) as connection:
        for session, until in ((id7(73), "-1 second"), (id7(74), "1 hour")):
            sql = "insert into auth.sessions (id, user_id, expires_at, user_agent) values (%s, %s, now() + %s, '')"
            connection.execute(sql, (session, ADA.id, until))
    later = time.monotonic() + RETENTION_S + 1
    monkeypatch.setattr("infra.identity.revocations.time.monotonic", lambda: later)
    await known.poll()
    assert ONE not in known
    assert OTHER not in known
    assert (count(settings, b"revoked"), count(settings, b"sessions")) == (0, 1)


async def test_while_the_database_is_away_what_is_known_stays_and_is_said_once(
    connections: Pool, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revocations, "POLL_INTERVAL_S", 0.001)
    known, said, looks = RevokedIds(connections), list[str](), asyncio.Event()
    sink = logger.add(said.append, level="WARNING", format="{message}")
    known.add([ONE])
    failures = 0

    async def away() -> None:
        nonlocal failures
        failures += 1
        if failures == 3:
            looks.set()
        raise psycopg.OperationalError("away")

    with monkeypatch.context() as patch:
        patch.setattr(known, "poll", away)
        listening = asyncio.create_task(known.poll_forever())
        await asyncio.wait_for(looks.wait(), 5)
    logger.remove(sink)
    assert ONE in known
    assert len(said) == 1
    listening.cancel()
    await asyncio.wait({listening})
    revoke(settings, OTHER)
    await known.poll()
    assert OTHER in known
