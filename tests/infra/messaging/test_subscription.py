"""The subscription survives malformed messages and errors, and replaces a silent connection."""

import asyncio
import time
from collections.abc import AsyncIterator

import psycopg
import pytest
import redis
from msgspec.structs import replace

from infra.database.connections import connect
from infra.identity.permission_revocations import REVOCATIONS_CHANNEL as ENDED
from infra.messaging import subscription
from infra.messaging.subscription import Subscription
from infra.reading.progress_messages import PROGRESS_CHANNEL
from infra.settings import Settings
from projections import task_list
from projections.question import Answer, Query
from tests.examples import ADA, fixed_uuid7, project, task, workspace
from tests.projections import oracle
from tests.reading_process import ReadingProcess, open_reading_process


@pytest.fixture
async def live_process(settings: Settings) -> AsyncIterator[ReadingProcess]:
    with connect(settings.database_url) as connection:
        oracle.append_facts(connection, [*workspace(), *project(), *task()])
        oracle.catch_up(connection)
    async with open_reading_process(settings, subscribed=True) as made:
        yield made


async def _wait_until_alive(here: ReadingProcess, *, is_alive: bool = True) -> None:
    async with asyncio.timeout(10):
        while here.subscription.is_alive() is not is_alive:  # noqa: ASYNC110 - no event signals this
            await asyncio.sleep(0.01)


async def test_a_malformed_message_does_not_end_the_subscription(
    live_process: ReadingProcess, settings: Settings
) -> None:
    deep = b'{"unknown":' + b"[" * 5_000 + b"]" * 5_000 + b"}"
    with redis.Redis.from_url(settings.redis_url) as client:
        for message in (deep, b"\xff", b"", b"[]", b'{"streams": ["x"]}'):
            for name in (PROGRESS_CHANNEL, ENDED):
                assert client.publish(name, message), "no subscriber"
        await asyncio.sleep(subscription.LIVENESS_S)  # long enough for the previous sign of life to expire
        assert live_process.subscription.is_alive()
        assert client.publish(PROGRESS_CHANNEL, deep), "no subscriber any more"


async def test_a_silent_connection_is_replaced(live_process: ReadingProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    receive, connections = Subscription._on_message, list[bytes]()  # noqa: SLF001 - drops the incoming messages

    def lost(self: Subscription, kind: str, name: bytes | None, data: bytes) -> None:
        if kind == "subscribe" and name == PROGRESS_CHANNEL.encode():
            connections.append(name)
        if connections:
            receive(self, kind, name, data)

    monkeypatch.setattr(subscription, "PING_TIMEOUT_S", 0.3)
    monkeypatch.setattr(Subscription, "_on_message", lost)
    await _wait_until_alive(live_process, is_alive=False)
    await _wait_until_alive(live_process)
    assert len(connections) == 1


async def test_the_subscription_recovers_from_any_error(
    live_process: ReadingProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    receive, failures = Subscription._on_message, list[RuntimeError]()  # noqa: SLF001 - the library's errors surface there

    def failing(self: Subscription, kind: str, name: bytes | None, data: bytes) -> None:
        if not failures:
            failures.append(RuntimeError("read by two at once"))
            raise failures[0]
        receive(self, kind, name, data)

    monkeypatch.setattr(Subscription, "_on_message", failing)
    await _wait_until_alive(live_process, is_alive=False)
    await _wait_until_alive(live_process)


async def test_a_slow_query_does_not_delay_others(
    live_process: ReadingProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.time_budget.READ_S", 0.3)
    query = Query("select pg_sleep(3)::text as id", dict)
    slow = replace(
        task_list.by_id(fixed_uuid7(77), ADA.id),
        queries=(query,),
        name="slow",
        build_answer=lambda _: Answer(b"{}", '"x"'),
    )
    ends, timed_out = time.monotonic() + 2, 0

    async def query_slowly() -> None:
        nonlocal timed_out
        while time.monotonic() < ends:
            try:
                await live_process.reader.answer(slow)
            except psycopg.OperationalError:
                timed_out += 1
            await asyncio.sleep(0.01)

    slow_queries = asyncio.create_task(query_slowly())
    for number in range(50):
        await live_process.reader.answer(task_list.by_id(fixed_uuid7(1_000 + number), ADA.id))
        await asyncio.sleep(0.02)
    await slow_queries
    assert timed_out > 1
