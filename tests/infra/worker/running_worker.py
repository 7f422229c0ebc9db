"""A worker that runs in a thread of the test."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from infra.settings import Settings
from infra.worker import worker


@contextmanager
def running_worker(settings: Settings) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=(settings, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(20)
        assert not thread.is_alive()
