"""The channel is heard whatever is said on it, and given up where nobody answers; what is slow holds nobody else up."""

import asyncio
import time
from collections.abc import AsyncIterator

import psycopg
import pytest
import redis
from msgspec.structs import replace

from infra.database.pool import connect
from infra.identity.permission_revocations import REVOCATIONS_CHANNEL as ENDED
from infra.messaging import subscription
from infra.messaging.subscription import Subscription
from infra.reading.progress_messages import PROGRESS_CHANNEL
from infra.settings import Settings
from projections import task_list
from projections.question import Answer, Query
from tests.examples import fixed_uuid7, project, task, workspace
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
        while here.subscription.is_alive() is not is_alive:  # noqa: ASYNC110 - nobody tells when it is so
            await asyncio.sleep(0.01)


async def test_a_malformed_message_does_not_end_the_subscription(
    live_process: ReadingProcess, settings: Settings
) -> None:
    deep = b'{"unknown":' + b"[" * 5_000 + b"]" * 5_000 + b"}"
    with redis.Redis.from_url(settings.redis_url) as client:
        for said in (deep, b"\xff", b"", b"[]", b'{"streams": ["x"]}'):
            for name in (PROGRESS_CHANNEL, ENDED):
                assert client.publish(name, said), "nobody listens"
        await asyncio.sleep(subscription.LIVENESS_S)  # long enough for what was known before to be believed no more
        assert live_process.subscription.is_alive()
        assert client.publish(PROGRESS_CHANNEL, deep), "nobody listens any more"


async def test_a_silent_connection_is_replaced(live_process: ReadingProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    take, connections = Subscription._on_message, list[bytes]()  # noqa: SLF001 - what comes in is lost there

    def lost(self: Subscription, kind: str, name: bytes | None, data: bytes) -> None:
        if kind == "subscribe" and name == PROGRESS_CHANNEL.encode():
            connections.append(name)
        if connections:
            take(self, kind, name, data)

    monkeypatch.setattr(subscription, "PING_TIMEOUT_S", 0.3)
    monkeypatch.setattr(Subscription, "_on_message", lost)
    await _wait_until_alive(live_process, is_alive=False)
    await _wait_until_alive(live_process)
    assert len(connections) == 1


async def test_the_subscription_recovers_from_any_error(
    live_process: ReadingProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    take, failures = Subscription._on_message, list[RuntimeError]()  # noqa: SLF001 - the library's own errors come up there

    def failing(self: Subscription, kind: str, name: bytes | None, data: bytes) -> None:
        if not failures:
            failures.append(RuntimeError("read by two at once"))
            raise failures[0]
        take(self, kind, name, data)

    monkeypatch.setattr(Subscription, "_on_message", failing)
    await _wait_until_alive(live_process, is_alive=False)
    await _wait_until_alive(live_process)


async def test_a_slow_query_does_not_delay_others(
    live_process: ReadingProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.reading.reader.READ_TIMEOUT_S", 0.3)
    query = Query("select pg_sleep(3)::text as id", dict)
    slow = replace(
        task_list.by_id(fixed_uuid7(77)), queries=(query,), name="slow", build_answer=lambda _: Answer(b"{}", '"x"')
    )
    ends, refused = time.monotonic() + 2, 0

    async def impatient() -> None:
        nonlocal refused
        while time.monotonic() < ends:
            try:
                await live_process.reader.answer(slow)
            except psycopg.OperationalError:
                refused += 1
            await asyncio.sleep(0.01)

    nagging = asyncio.create_task(impatient())
    for number in range(50):
        await live_process.reader.answer(task_list.by_id(fixed_uuid7(1_000 + number)))
        await asyncio.sleep(0.02)
    await nagging
    assert refused > 1
