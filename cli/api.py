"""`taskledger api`: one process that serves HTTP requests."""

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import click
import uvicorn

from api.app import create_app
from cli import options
from infra import logs, settings
from infra.processes import gc_tuning, ports

SHUTDOWN_GRACE_S = 5
"""How long requests in progress may continue after a stop was requested."""


@click.command
@options.data_option
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="The port to listen on.")
@click.option("--fd", type=click.IntRange(0), help="Listen on this inherited file descriptor instead.")
def command(data: Path, host: str, port: int, fd: int | None) -> None:
    """Run one API process on servers that are already running. `serve` starts it for you."""
    app_settings = settings.resolve(data, needs_signing_key=True)
    logs.configure(app_settings.log_level, app_settings.environment)
    config = uvicorn.Config(
        create_app(app_settings),
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=SHUTDOWN_GRACE_S,
    )
    gc_tuning.freeze_and_relax()
    with _listener(host, port, fd) as listener:
        uvicorn.Server(config).run([listener])


@contextlib.contextmanager
def _listener(host: str, port: int, fd: int | None) -> Iterator[socket.socket]:
    if fd is not None:
        yield socket.socket(fileno=fd)
        return
    with ports.open_listener(host, port) as listener:
        click.echo(f"Listening at {ports.listener_url(listener)}")
        yield listener
