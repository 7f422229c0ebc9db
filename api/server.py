"""The HTTP server of a process: uvicorn, with connections of ours that a stranger cannot hold or flood."""

import socket
from collections.abc import Callable
from functools import partial
from typing import Any, cast

import uvicorn

from api.app import create_app
from api.http.connection import Connection
from api.http.connection_registry import ConnectionRegistry
from infra.settings import Settings

SHUTDOWN_GRACE_S = 5
"""How long requests in progress may continue after a stop was requested."""
RESERVED_FILES = 144
"""Of the open files of the process: for connections to PostgreSQL and Redis, listeners, logs and health checks."""
MIN_CONNECTIONS = 64


class Server(uvicorn.Server):
    """Calls `before_shutdown` when a stop was requested, while requests are still in progress."""

    def __init__(self, config: uvicorn.Config, before_shutdown: Callable[[], None]) -> None:
        super().__init__(config)
        self._before_shutdown = before_shutdown

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._before_shutdown()
        await super().shutdown(sockets)


def create_server(settings: Settings, max_files: int) -> Server:
    """The application and its server, not yet started, for a process that may open `max_files` files."""
    app, ledger = create_app(settings)
    max_connections = max(MIN_CONNECTIONS, max_files - RESERVED_FILES)
    registry = ConnectionRegistry(max_connections, ledger.proxies.is_trusted, ledger.connection_stats)
    config = uvicorn.Config(
        cast("Any", app),
        http=cast("Any", partial(Connection, registry=registry, admission=ledger.admission)),
        ws="none",
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=SHUTDOWN_GRACE_S,
    )
    return Server(config, ledger.progress_waiter.close)
