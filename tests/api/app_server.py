"""An application on a real port, with a thread that keeps folding the log."""

import contextlib
import socket
import threading
from collections.abc import Iterator

from api.server import create_server
from infra.settings import Settings
from tests.api.in_process_app import manual_projector

PROJECT_INTERVAL_S = 0.02
"""The pause between two polls of the worker."""
JOIN_TIMEOUT_S = 10


@contextlib.contextmanager
def app_server(settings: Settings) -> Iterator[str]:
    """The address of the application, served for the duration of the block."""
    with socket.create_server(("127.0.0.1", 0)) as listening, _running_worker(settings):
        server = create_server(settings, 1024, listening)
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(JOIN_TIMEOUT_S)


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
