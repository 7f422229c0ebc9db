"""Losing the broker costs only latency (P6): away, emptied or cut off, whatever it was told of is folded after all.

`TASKLEDGER_TEST_KILLS` in the environment asks for all that is promised: away for 10 s, 67 cut connections.
"""

import itertools
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from urllib.parse import urlsplit

import pytest
import redis
from msgspec.structs import replace

from domain.event import Change
from domain.task import TaskRenamed
from infra import log
from infra.database.pool import connect
from infra.messaging import broker
from infra.messaging.hints import HintSender
from infra.settings import Settings
from infra.worker import worker
from projections.projection import all_projections
from tests.defects import noticed
from tests.e2e.running import fact
from tests.examples import TASK, project, task, workspace
from tests.infra.test_worker import ProgressNeverReported, running
from tests.projections import oracle
from tests.proxy import Proxy

ALL = "TASKLEDGER_TEST_KILLS" in os.environ
AWAY_S, CUTS = (10.0, 67) if ALL else (1.0, 12)
PROMISED_S = 30.0


@contextmanager
def load(settings: Settings) -> Iterator[list[int]]:
    """Somebody writes all the time, and gives a hint each time; answers the positions."""
    messages = broker.create_broker(settings.broker_url)
    hints, over, written = HintSender(messages, ProgressNeverReported(), 1), threading.Event(), list[int]()
    hints.start()

    def write() -> None:
        with connect(settings.database_url) as connection:
            for number in itertools.count():
                oracle.write(connection, [(TASK, TaskRenamed(Change("a", f"title {number}")))])
                written.append(log.head(connection))
                hints.hint(written[-1])
                if over.wait(0.01):
                    break

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield written
    finally:
        over.set()
        thread.join()
        hints.stop()
        messages.close()


def nothing_is_left_after(settings: Settings, proxy: Proxy, patience: float) -> None:
    """The broker is cut off so many times, emptied, and away; nobody is started again."""
    with running(settings), connect(settings.database_url) as connection:
        oracle.write(connection, [*workspace(), *project(), *task()])
        with load(settings) as written:
            fact(lambda: oracle.position(connection, "task_list") > 0, patience=20)
            fact(lambda: proxy.cut() >= CUTS)
            with redis.Redis.from_url(settings.broker_url) as client:
                fact(lambda: is_emptied(client))
            proxy.away()
            begun, since = len(written), time.monotonic()
            fact(lambda: time.monotonic() > since + AWAY_S and len(written) > begun + 20)
        # Nobody writes any more: of the last events nobody is told again.
        proxy.back()
        for name in all_projections():
            fact(lambda name=name: oracle.position(connection, name) == log.head(connection), patience)  # type: ignore[misc]
        assert oracle.is_right(connection)
    assert proxy.cuts >= CUTS


def is_emptied(client: redis.Redis) -> bool:
    try:
        return bool(client.flushall())
    except redis.RedisError:
        return False


@pytest.fixture
def proxied(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Settings, Proxy]]:
    if not ALL:
        monkeypatch.setattr("dramatiq.worker.CONSUMER_RESTART_DELAY", 200)  # milliseconds; who has time waits for 3 s
    parts = urlsplit(settings.broker_url)
    with Proxy.before(parts.hostname or "", parts.port or 0) as proxy:
        url = parts._replace(netloc=parts.netloc.rpartition(":")[0] + f":{proxy.port}").geturl()
        yield replace(settings, broker_url=url), proxy


def test_whatever_happens_to_the_broker_all_is_folded_without_a_restart(proxied: tuple[Settings, Proxy]) -> None:
    nothing_is_left_after(*proxied, PROMISED_S)


def test_a_worker_that_relies_on_messages_alone_is_noticed(
    proxied: tuple[Settings, Proxy], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted defect: its periodic look does nothing."""
    monkeypatch.setattr(worker, "POLL_INTERVAL_S", 3600)
    noticed(partial(nothing_is_left_after, *proxied, 2.0))
