"""Lost connections: a read is sent at most twice, an append too, and stuck connections are cut off."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import psycopg
import pytest
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

from commands.handling.append import Append, OutcomeUnknown
from domain.event import Change
from domain.task import TaskRenamed
from infra import time_budget
from infra.database import checkouts, retry
from infra.database.circuit import DatabaseUnavailable
from infra.database.pool import Pool, create_pool
from infra.database.retry import is_connection_lost
from infra.log.event_log import EventLog
from infra.settings import Settings
from tests.infra.log.test_event_log import append_of
from tests.proxied_servers import proxied_postgres
from tests.tcp_proxy import TcpProxy

pytestmark = pytest.mark.usefixtures("strict_time_budget")


@pytest.fixture
def proxied(settings: Settings) -> Iterator[tuple[TcpProxy, Settings]]:
    with proxied_postgres(settings) as proxied:
        yield proxied


@pytest.fixture
def proxy(proxied: tuple[TcpProxy, Settings]) -> TcpProxy:
    return proxied[0]


@pytest.fixture
async def pool(proxied: tuple[TcpProxy, Settings]) -> AsyncIterator[Pool]:
    async with create_pool(proxied[1].database_url) as connections:
        yield connections


class Refusing:
    """Drops the connection of each statement that contains a marker, up to a number of times; counts how often."""

    def __init__(self, proxy: TcpProxy, marker: bytes, times: int) -> None:
        self.sent_count, self._marker, self._times = 0, marker, times
        proxy.on_request = self._may_pass

    def _may_pass(self, data: bytes) -> bool:
        if self._marker not in data:
            return True
        self.sent_count += 1
        return self.sent_count > self._times


MARKER = b"originator_version"
"""In every statement that reads events, but in no other."""


async def test_a_read_that_loses_its_connection_is_sent_once_more(
    settings: Settings, pool: Pool, proxy: TcpProxy
) -> None:
    refusing = Refusing(proxy, MARKER, times=1)
    assert await EventLog(settings.database_url, pool).load_stream(uuid4()) == []
    assert refusing.sent_count == 2


async def test_a_read_is_sent_at_most_twice(settings: Settings, pool: Pool, proxy: TcpProxy) -> None:
    await reads_are_sent_twice(EventLog(settings.database_url, pool), proxy)


async def reads_are_sent_twice(log: EventLog, proxy: TcpProxy) -> None:
    refusing = Refusing(proxy, MARKER, times=100)
    with pytest.raises(psycopg.OperationalError):
        await log.load_stream(uuid4())
    assert refusing.sent_count == 2


async def test_a_nested_retry_is_noticed(
    settings: Settings, pool: Pool, proxy: TcpProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = retry.retry_once
    monkeypatch.setattr("infra.log.event_log.retry_once", lambda read: once(lambda: once(read)))
    with pytest.raises(AssertionError):
        await reads_are_sent_twice(EventLog(settings.database_url, pool), proxy)


async def test_an_append_that_loses_its_connection_twice_has_an_unknown_outcome(
    settings: Settings, pool: Pool, proxy: TcpProxy
) -> None:
    log, append = EventLog(settings.database_url, pool), renaming("Marked title")
    refusing = Refusing(proxy, b"Marked title", times=2)
    with pytest.raises(OutcomeUnknown):
        await log.append([append])
    assert refusing.sent_count == 2
    first, again = [await log.append([append]) for _ in range(2)]
    assert first == again, "the same command is written once"


async def test_an_append_that_was_not_sent_is_not_unknown(settings: Settings, pool: Pool) -> None:
    pool.circuit.open()
    with pytest.raises(DatabaseUnavailable):
        await EventLog(settings.database_url, pool).append([renaming("Never sent")])


def renaming(title: str) -> Append:
    return append_of(uuid4(), 0, TaskRenamed(Change("", title)))


async def test_a_connection_that_is_held_too_long_is_cut_off(
    settings: Settings, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time_budget, "DATABASE_CHECKOUT_S", 0.2)
    assert await seconds_of_a_stuck_statement(pool) < 2
    assert pool.checkouts.cut_count == 1
    assert len(pool.checkouts) == 0
    assert await EventLog(settings.database_url, pool).head() == 0, "the pool has replaced it"


async def seconds_of_a_stuck_statement(pool: Pool) -> float:
    began = time.monotonic()
    with contextlib.suppress(psycopg.OperationalError):
        async with pool.connection() as connection:
            await connection.execute("set statement_timeout = 0")
            await connection.execute("select pg_sleep(4)")
    return time.monotonic() - began


async def test_a_pool_that_cuts_nothing_off_is_noticed(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time_budget, "DATABASE_CHECKOUT_S", 0.2)
    monkeypatch.setattr(checkouts, "cut", lambda _: None)
    assert await seconds_of_a_stuck_statement(pool) > 2


async def test_every_connection_of_the_pool_may_be_lost_at_once(
    settings: Settings, pool: Pool, proxy: TcpProxy
) -> None:
    log = EventLog(settings.database_url, pool)
    await asyncio.gather(*(log.head() for _ in range(50)))
    for _ in range(3):
        proxy.drop_connections()
        began = time.monotonic()
        await log.append([renaming("After the loss")])
        assert time.monotonic() - began < time_budget.DATABASE_POOL_S


@pytest.mark.parametrize(
    ("error", "is_lost"),
    [
        (psycopg.OperationalError("server closed the connection"), True),
        (psycopg.InterfaceError("the connection is closed"), True),
        (psycopg.errors.AdminShutdown(), True),
        (psycopg.errors.DiskFull(), False),
        (psycopg.errors.QueryCanceled(), False),
        (PoolTimeout(), False),
        (PoolClosed(), False),
        (TooManyRequests(), False),
        (DatabaseUnavailable(), False),
    ],
)
def test_only_a_lost_connection_leaves_the_answer_open(error: psycopg.Error, is_lost: bool) -> None:  # noqa: FBT001 - a case of the table
    assert is_connection_lost(error) is is_lost


async def test_an_append_after_the_pool_was_closed_was_not_sent(settings: Settings) -> None:
    pool = create_pool(settings.database_url)
    await pool.open()
    await pool.close()
    with pytest.raises(PoolClosed):
        await EventLog(settings.database_url, pool).append([append_of(uuid4(), 0)])
