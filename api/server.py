"""The HTTP server of a process: uvicorn, with connections of ours that a stranger cannot hold or flood."""

from functools import partial
from typing import Any, cast

import uvicorn

from api.app import create_app
from api.http.connection import Connection
from api.http.connection_registry import ConnectionRegistry
from infra.identity.trusted_proxies import TrustedProxyList
from infra.settings import Settings

SHUTDOWN_GRACE_S = 5
"""How long requests in progress may continue after a stop was requested."""
RESERVED_FILES = 144
"""Of the open files of the process: for connections to PostgreSQL and Redis, listeners, logs and health checks."""
MIN_CONNECTIONS = 64


def create_server(settings: Settings, max_files: int) -> uvicorn.Server:
    """The application and its server, not yet started, for a process that may open `max_files` files."""
    proxies = TrustedProxyList(settings.trusted_proxies)
    registry = ConnectionRegistry(max(MIN_CONNECTIONS, max_files - RESERVED_FILES), proxies.is_trusted)
    return uvicorn.Server(
        uvicorn.Config(
            cast("Any", create_app(settings)),
            http=cast("Any", partial(Connection, registry=registry)),
            ws="none",
            access_log=False,
            log_config=None,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=SHUTDOWN_GRACE_S,
        )
    )
