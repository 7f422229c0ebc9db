"""A server of the API in a thread of this process, on a real port."""

import contextlib
import socket
import threading
from collections.abc import Iterator

from api.server import Server, create_server
from infra.settings import Settings

JOIN_TIMEOUT_S = 15
"""How long a server may take to stop, on a busy machine."""


@contextlib.contextmanager
def running_server(settings: Settings, drain_s: float = 0) -> Iterator[tuple[Server, str]]:
    """A server, and the URL of its API; no worker runs beside it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = create_server(settings, 1024, listener, drain_s=drain_s)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield server, f"http://127.0.0.1:{listener.getsockname()[1]}/api/v1"
        finally:
            server.should_exit, server.drain_s = True, 0
            thread.join(JOIN_TIMEOUT_S)
