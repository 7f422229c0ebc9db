"""An application on a real port, with a thread that keeps folding the log."""

import contextlib
import threading
from collections.abc import Iterator

from infra.settings import Settings
from tests.api.in_process_app import manual_projector
from tests.api.running_server import JOIN_TIMEOUT_S, running_server

PROJECT_INTERVAL_S = 0.02
"""The pause between two polls of the worker."""


@contextlib.contextmanager
def app_server(settings: Settings) -> Iterator[str]:
    """The address of the application, served for the duration of the block."""
    with _running_worker(settings), running_server(settings) as (_, url):
        yield url.removesuffix("/api/v1")


@contextlib.contextmanager
def _running_worker(settings: Settings) -> Iterator[None]:
    ended = threading.Event()

    def work() -> None:
        with manual_projector(settings) as look:
            while not ended.wait(PROJECT_INTERVAL_S):
                look()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(JOIN_TIMEOUT_S)
