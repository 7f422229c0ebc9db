"""Losing the broker costs only latency (P6): if it is down, emptied or cut off, every event is still folded.

`TASKLEDGER_TEST_KILLS` in the environment runs the full test: down for 10 s, 67 cut connections.
"""

import itertools
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest
import redis

from domain.event import Change
from domain.task import TaskRenamed
from infra import log
from infra.database.connections import connect
from infra.messaging import broker
from infra.messaging.hints import HintSender
from infra.settings import Settings
from infra.worker import worker
from projections.engine.connection import SyncConnection
from projections.projection import all_projections
from tests.e2e.running_instance import poll_until
from tests.examples import TASK, project, task, workspace
from tests.infra.messaging.unreported_progress import ProgressNeverReported
from tests.infra.worker.running_worker import running_worker
from tests.planted_defects import assert_check_fails
from tests.projections import oracle
from tests.proxied_servers import proxied_broker
from tests.tcp_proxy import TcpProxy

IS_FULL_RUN = "TASKLEDGER_TEST_KILLS" in os.environ
AWAY_S, CUTS = (10.0, 67) if IS_FULL_RUN else (1.0, 12)
MAX_CATCH_UP_S = 30.0


def has_caught_up(connection: SyncConnection, name: str) -> bool:
    return oracle.checkpoint_position(connection, name) == log.head(connection)


@contextmanager
def write_load(settings: Settings) -> Iterator[list[int]]:
    """A client that writes continuously and sends a hint each time; yields the positions."""
    messages = broker.create_broker(settings.broker_url)
    hints, over, written = HintSender(messages, ProgressNeverReported(), 1), threading.Event(), list[int]()
    hints.start()

    def write() -> None:
        with connect(settings.database_url) as connection:
            for number in itertools.count():
                oracle.append_facts(connection, [(TASK, TaskRenamed(Change("a", f"title {number}")))])
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


def everything_is_folded_after_broker_loss(proxy: TcpProxy, settings: Settings, timeout_s: float) -> None:
    """The broker is cut off several times, emptied, and down; no process is restarted."""
    with running_worker(settings), connect(settings.database_url) as connection:
        oracle.append_facts(connection, [*workspace(), *project(), *task()])
        with write_load(settings) as written:
            poll_until(lambda: oracle.checkpoint_position(connection, "task_list") > 0, timeout_s=20)
            poll_until(lambda: proxy.drop_connections() >= CUTS)
            with redis.Redis.from_url(settings.broker_url) as client:
                poll_until(lambda: flush(client))
            proxy.refuse_connections()
            begun, since = len(written), time.monotonic()
            poll_until(lambda: time.monotonic() > since + AWAY_S and len(written) > begun + 20)
        # The client has stopped: no hint follows for the last events.
        proxy.accept_connections()
        for name in all_projections():
            poll_until(partial(has_caught_up, connection, name), timeout_s)
        assert oracle.matches_log(connection)
    assert proxy.dropped_count >= CUTS


def flush(client: redis.Redis) -> bool:
    try:
        return bool(client.flushall())
    except redis.RedisError:
        return False


@pytest.fixture
def broker_proxy(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[TcpProxy, Settings]]:
    if not IS_FULL_RUN:
        monkeypatch.setattr("dramatiq.worker.CONSUMER_RESTART_DELAY", 200)  # milliseconds; the default is 3 s
    with proxied_broker(settings) as proxied:
        yield proxied


def test_broker_loss_costs_latency_only(broker_proxy: tuple[TcpProxy, Settings]) -> None:
    everything_is_folded_after_broker_loss(*broker_proxy, MAX_CATCH_UP_S)


def test_a_worker_that_relies_on_messages_alone_is_noticed(
    broker_proxy: tuple[TcpProxy, Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted defect: the worker's periodic poll does nothing."""
    monkeypatch.setattr(worker, "POLL_INTERVAL_S", 3600)
    assert_check_fails(partial(everything_is_folded_after_broker_loss, *broker_proxy, 2.0))
