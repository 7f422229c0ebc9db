"""The HTTP server of a process: uvicorn, with connections of ours that a stranger cannot hold or flood."""

import asyncio
import signal
import socket
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, cast

import uvicorn

from api.app import create_app
from api.connections.allowed_hosts import allowed_hosts
from api.connections.closed_connection_log import ignore_closed_connections
from api.connections.connection import Connection
from api.connections.registry import ConnectionRegistry
from api.http.cors import CorsPolicy
from api.ledger import Ledger
from infra.settings import Settings
from infra.writer.role import ALONE, WriterRole

SHUTDOWN_GRACE_S = 5
"""How long requests in progress may continue after a stop was requested."""
TICK_S = 0.1
RESERVED_FILES = 144
"""Of the open files of the process: for connections to PostgreSQL and Redis, listeners, logs and health checks."""
MIN_CONNECTIONS = 64


class Server(uvicorn.Server):
    """When a stop is requested: sets `draining`, serves on for `drain_s`, calls `end_waiting`, then closes."""

    def __init__(
        self, config: uvicorn.Config, draining: asyncio.Event, drain_s: float, end_waiting: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._draining = draining
        self.drain_s = drain_s
        self._end_waiting = end_waiting

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._draining.set()
        for connection in self.server_state.connections:
            cast("Connection", connection).close_after_response()
        if signal.SIGINT not in self._captured_signals:  # after Ctrl-C, a person waits
            await self._serve_on()
        self._end_waiting()
        await super().shutdown(sockets)

    async def _serve_on(self) -> None:
        """Answer what arrives until load balancers have noticed that this process is no longer ready."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while loop.time() < began + self.drain_s and not self.force_exit:
            await self.on_tick(0)
            await asyncio.sleep(TICK_S)


def create_server(
    settings: Settings,
    max_files: int,
    listener: socket.socket,
    metrics_listener: socket.socket | None = None,
    drain_s: float = 0,
    role: WriterRole = ALONE,
) -> Server:
    """The application and its server, to be run on these listeners by a process that may open `max_files` files."""
    ignore_closed_connections()
    app, ledger = create_app(settings, _port(metrics_listener) if metrics_listener else None, role)
    config = uvicorn.Config(
        cast("Any", app),
        http=cast("Any", _connection_factory(ledger, max_files, [listener, metrics_listener])),
        ws="none",
        interface="asgi3",
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=SHUTDOWN_GRACE_S,
    )
    return Server(config, ledger.draining, drain_s, ledger.progress_waiter.close)


def _connection_factory(
    ledger: Ledger, max_files: int, listeners: Iterable[socket.socket | None]
) -> Callable[..., Connection]:
    max_connections = max(MIN_CONNECTIONS, max_files - RESERVED_FILES)
    settings = ledger.settings
    hosts = {_port(each): allowed_hosts(settings.hosts, each.getsockname()[0]) for each in listeners if each}
    return partial(
        Connection,
        registry=ConnectionRegistry(max_connections, ledger.proxies.is_trusted, ledger.connection_stats),
        admission=ledger.admission,
        draining=ledger.draining,
        cors_policy=CorsPolicy(settings.cors_origins),
        hosts_by_port={port: names for port, names in hosts.items() if names},
    )


def _port(listener: socket.socket) -> int:
    port: int = listener.getsockname()[1]
    return port
