"""The log of a worker while the broker is away: one line when it goes, one when it is back, and no traceback."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from dramatiq import Message
from msgspec.structs import replace

from infra.logs import logger
from infra.messaging import broker
from infra.settings import Settings
from tests.e2e.running_instance import poll_until
from tests.infra.worker.running_worker import running_worker
from tests.law import planted_defect
from tests.proxied_servers import proxied_broker

pytestmark = pytest.mark.slow

Outage = Callable[
    [Settings], contextlib.AbstractContextManager[tuple[Settings, Callable[[], object], Callable[[], object]]]
]
"""Yields the settings of the worker, what begins the outage and what ends it."""


@contextlib.contextmanager
def full(settings: Settings) -> Iterator[Any]:
    """It refuses every write, as on a full disk."""
    with redis.Redis.from_url(settings.broker_url) as client:
        try:
            yield settings, lambda: client.config_set("maxmemory", 1), lambda: client.config_set("maxmemory", 0)
        finally:
            client.config_set("maxmemory", 0)


@contextlib.contextmanager
def gone(settings: Settings) -> Iterator[Any]:
    """It closes its connections and accepts no others."""
    with proxied_broker(settings) as (proxy, through):

        def cut() -> None:
            proxy.refuse_connections()
            proxy.drop_connections()

        yield through, cut, proxy.accept_connections


@contextlib.contextmanager
def silent(settings: Settings) -> Iterator[Any]:
    """It answers later than the client waits, until the client waits longer."""
    wait, consumer = 0.0, broker._BlockingConsumer._wait_for_message  # noqa: SLF001 - as the library calls it

    def wait_for_message(one: broker._BlockingConsumer) -> None:
        one.broker.client.execute_command("BLPOP", "nothing", wait or 0.01)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(broker, "MAX_BLOCK_S", 0.1)
        patch.setattr(broker._BlockingConsumer, "_wait_for_message", wait_for_message)  # noqa: SLF001 - as above

        def hang() -> None:
            nonlocal wait
            wait = 5

        def answer() -> None:
            nonlocal wait
            wait = 0.0
            patch.setattr(broker._BlockingConsumer, "_wait_for_message", consumer)  # noqa: SLF001 - as above

        yield replace(settings, broker_url=f"{settings.broker_url}?socket_timeout=1"), hang, answer


def an_outage_is_logged_in_two_lines(
    settings: Settings, outage: Outage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("dramatiq.worker.CONSUMER_RESTART_DELAY_SECS", 0.05)
    consumers, consume, lines = list[str](), broker._Broker.consume, list[str]()  # noqa: SLF001 - to count restarts
    sink = logger.add(lines.append, level="INFO", format="{message}", filter="infra.messaging.broker")

    def consume_and_count(one: Any, *arguments: Any, **named: Any) -> Any:
        consumers.append(named["queue_name"])
        return consume(one, *arguments, **named)

    monkeypatch.setattr(broker._Broker, "consume", consume_and_count)  # noqa: SLF001 - as above
    with outage(settings) as (affected, begin, end), running_worker(affected):
        poll_until(lambda: broker.QUEUE_NAME in consumers)
        begin()
        poll_until(lambda: consumers.count(broker.QUEUE_NAME) >= 4)
        assert lines
        end()
        with contextlib.suppress(AssertionError):
            poll_until(lambda: len(lines) >= 2, timeout_s=10)
    logger.remove(sink)
    assert [line.partition(":")[0].strip() for line in lines] == [
        "the broker is away, so events are polled",
        "the broker is back",
    ]
    assert not [record.getMessage() for record in caplog.records if record.name.startswith("dramatiq")]


@pytest.mark.parametrize("outage", [full, gone, silent])
def test_an_outage_is_logged_in_two_lines(
    settings: Settings, outage: Outage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    an_outage_is_logged_in_two_lines(settings, outage, monkeypatch, caplog)


def test_a_message_from_memory_does_not_end_an_outage(settings: Settings) -> None:
    connected: Any = broker.create_broker(settings.broker_url)
    connected.declare_queue(broker.QUEUE_NAME)
    consumer = connected.consume(broker.QUEUE_NAME, prefetch=2)
    connected.is_away = True
    consumer.message_cache = [Message(broker.QUEUE_NAME, "fold", (), {}, {}).encode()]
    next(consumer)
    assert connected.is_away, "the broker was not asked"
    next(consumer)
    assert not connected.is_away
    connected.close()


def test_the_librarys_own_handling_of_a_full_broker_is_noticed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    unprotected = lambda _: contextlib.nullcontext()  # noqa: E731 - the defect
    monkeypatch.setattr(broker._BlockingConsumer, "_outages_as_closed_connections", unprotected)  # noqa: SLF001 - as above
    with planted_defect(), pytest.raises(AssertionError):
        an_outage_is_logged_in_two_lines(settings, full, monkeypatch, caplog)
