"""`taskledger api`: one process that serves HTTP requests."""

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import click
import psycopg

from api.server import create_server
from cli import options
from cli.output import print_line
from infra import logs, production, settings
from infra.blobs.open_store import require_blob_store
from infra.database import connection_budget
from infra.database.connections import connect
from infra.errors import OperatorError
from infra.identity.address_key import require_same_key
from infra.processes import file_limits, gc_tuning, ports, start_gate
from infra.settings import Settings
from infra.writer.role import WriterRole

MAX_DRAIN_S = 60.0


@click.command
@options.data_option
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="The port to listen on.")
@click.option("--fd", type=click.IntRange(0), help="Listen on this inherited file descriptor instead.")
@click.option(
    "--drain",
    type=click.FloatRange(0, MAX_DRAIN_S),
    default=3.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to serve on after SIGTERM, no longer ready, so that load balancers notice; Ctrl-C skips it.",
)
@click.option(
    "--writer-fd", type=click.IntRange(0), help="Carry out the commands of the API processes that connect here."
)
@click.option("--writer", type=click.Path(path_type=Path), help="Relay commands to the API process that listens here.")
@click.option("--metrics-fd", type=click.IntRange(0), help="Likewise for the metrics.")
@click.option("--after-fd", type=click.IntRange(0), help="Start when this inherited pipe has been closed.")
def command(  # noqa: PLR0917 - click calls it by name
    data: Path,
    host: str,
    port: int,
    fd: int | None,
    drain: float,
    metrics_fd: int | None,
    writer_fd: int | None,
    writer: Path | None,
    after_fd: int | None,
) -> None:
    """Run one API process on servers that are already running. `serve` starts it for you."""
    if after_fd is not None:
        start_gate.wait_at(after_fd)
    app_settings = settings.resolve(data, needs_signing_key=True)
    logs.configure(app_settings.log_level, app_settings.environment)
    production.require_safe_api(app_settings)
    require_blob_store(app_settings)
    connection_budget.require_connections(app_settings.database_url, connection_budget.API_CONNECTIONS, is_alone=False)
    _require_same_address_key(app_settings)
    with _listener(host, port, fd) as listener, _metrics_listener(app_settings, metrics_fd) as metrics_listener:
        role = WriterRole(_inherited_listener(writer_fd, "--writer-fd") if writer_fd is not None else None, writer)
        max_files = file_limits.raise_open_file_limit()
        server = create_server(app_settings, max_files, listener, metrics_listener, drain, role)
        gc_tuning.freeze_and_relax()
        server.run([listener, metrics_listener] if metrics_listener else [listener])


def _require_same_address_key(app_settings: Settings) -> None:
    """Raise OperatorError for another key than before; the process also starts while PostgreSQL does not answer."""
    with contextlib.suppress(psycopg.OperationalError), connect(app_settings.database_url) as connection:
        require_same_key(connection, app_settings.address_key)


@contextlib.contextmanager
def _listener(host: str, port: int, fd: int | None) -> Iterator[socket.socket]:
    if fd is not None:
        yield _inherited_listener(fd, "--fd")
        return
    with ports.open_listener(host, port) as listener:
        print_line(f"Listening at {ports.listener_url(listener)}")
        yield listener


@contextlib.contextmanager
def _metrics_listener(app_settings: Settings, fd: int | None) -> Iterator[socket.socket | None]:
    if fd is not None:
        yield _inherited_listener(fd, "--metrics-fd")
        return
    if app_settings.metrics_port is None:
        yield None
        return
    host, port = app_settings.metrics_host, app_settings.metrics_port
    with ports.open_listener(host, port, chosen_by=ports.METRICS) as listener:
        print_line(f"Metrics at {ports.listener_url(listener)}/metrics")
        yield listener


def _inherited_listener(fd: int, option: str) -> socket.socket:
    try:
        return socket.socket(fileno=fd)
    except OSError as error:
        raise OperatorError(f"File descriptor {fd} is no socket: check {option}.") from error
