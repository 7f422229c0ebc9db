"""Dramatiq on a real Valkey: a message wakes a waiting worker, and is processed once."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import uuid4

import dramatiq
import pytest
from dramatiq.brokers.redis import RedisBroker

from infra.messaging.broker import create_broker
from tests.servers import Servers

pytestmark = pytest.mark.slow


@pytest.fixture
def queue() -> str:
    """The name of a queue without messages of other tests."""
    return f"test-{uuid4().hex}"


@contextmanager
def running_worker(url: str, queue: str, handle: Callable[[int], None], threads: int = 4) -> Iterator[RedisBroker]:
    """A worker with its own broker, as in another process."""
    messages = create_broker(url)
    dramatiq.actor(broker=messages, queue_name=queue, actor_name="act", max_retries=0)(handle)
    worker = dramatiq.Worker(messages, worker_threads=threads)
    worker.start()
    try:
        yield messages
    finally:
        worker.stop(timeout=5_000)
        messages.close()


def enqueue(messages: RedisBroker, queue: str, number: int) -> None:
    messages.enqueue(dramatiq.Message(queue_name=queue, actor_name="act", args=(number,), kwargs={}, options={}))


def test_a_message_wakes_a_worker_that_has_long_been_idle(servers: Servers, queue: str) -> None:
    arrived = threading.Event()
    with running_worker(servers.broker_url, queue, lambda _: arrived.set()) as messages:
        time.sleep(0.6)  # the stock consumer would have backed off for long by now: 155 to 500 ms
        latencies = []
        for number in range(20):
            arrived.clear()
            began = time.perf_counter()
            enqueue(messages, queue, number)
            assert arrived.wait(5)
            latencies.append(time.perf_counter() - began)
    assert sorted(latencies)[10] < 0.05


def test_several_workers_handle_each_message_exactly_once(servers: Servers, queue: str) -> None:
    seen: Counter[int] = Counter()
    lock, finished = threading.Lock(), threading.Event()

    def act(number: int) -> None:
        with lock:
            seen[number] += 1
            if len(seen) == 600:
                finished.set()

    url = servers.broker_url
    with running_worker(url, queue, act) as messages, running_worker(url, queue, act), running_worker(url, queue, act):
        for number in range(600):
            enqueue(messages, queue, number)
        assert finished.wait(20)
        messages.join(queue, timeout=5_000)
    assert seen == Counter(range(600))
