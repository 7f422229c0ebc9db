"""Ports: the listener of the API, and free loopback ports for embedded servers."""

import contextlib
import errno
import os
import random
import socket
import time
from collections.abc import Iterator

from msgspec import Struct

from infra.errors import OperatorError

LOOPBACK = "127.0.0.1"
# Below the ranges that systems hand out to outgoing connections, so a server that comes back finds its port free.
SERVER_PORTS = range(15_000, 32_000)
MAX_PORT = 65_535


def find_free_port() -> int:
    """A loopback port that is free now; another process may take it first, so the caller must retry."""
    for port in random.sample(SERVER_PORTS, 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((LOOPBACK, port))
            return port
    raise OperatorError("No port is free for the embedded servers on 127.0.0.1: stop what uses ports 15000 to 31999.")


class AddressOptions(Struct, frozen=True):
    """The options or variables by which the operator chooses an address, for error messages."""

    host: str
    port: str


COMMAND_LINE = AddressOptions("--host", "--port")
METRICS = AddressOptions("TASKLEDGER_METRICS_HOST", "TASKLEDGER_METRICS_PORT")


@contextlib.contextmanager
def open_listener(
    host: str, port: int, wait_s: float = 0, chosen_by: AddressOptions = COMMAND_LINE
) -> Iterator[socket.socket]:
    """A listening socket; waits up to `wait_s` seconds for a former process to release the port."""
    with _bind(host, port, time.monotonic() + wait_s, chosen_by) as listener:
        listener.listen(2048)
        yield listener


@contextlib.contextmanager
def open_consecutive_listeners(
    host: str, port: int, count: int, wait_s: float = 0, chosen_by: AddressOptions = COMMAND_LINE
) -> Iterator[list[socket.socket]]:
    """Listening sockets on `port` and those after it; port 0: on free ports in a row."""
    if port > (highest := MAX_PORT + 1 - count):
        raise OperatorError(f"{count} ports in a row are needed: choose {highest} at most with {chosen_by.port}.")
    ports = range(port, port + count) if port else _find_free_ports(host, count)
    with contextlib.ExitStack() as opened:
        yield [opened.enter_context(open_listener(host, each, wait_s, chosen_by)) for each in ports]


def listener_url(listener: socket.socket) -> str:
    """The URL for a browser on this machine: loopback if it listens on all addresses."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": LOOPBACK, "::": "::1"}.get(host, host)  # noqa: S104 - read, not bound
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _find_free_ports(host: str, count: int) -> range:
    for first in random.sample(SERVER_PORTS, 100):
        ports = range(first, first + count)
        with contextlib.suppress(OSError), contextlib.ExitStack() as probes:
            for port in ports:
                probes.enter_context(
                    socket.create_server((host, port), family=_address_family(host, port, COMMAND_LINE))
                )
            return ports
    raise OperatorError(f"No {count} ports in a row are free on {host}.")


def _bind(host: str, port: int, deadline: float, chosen_by: AddressOptions) -> socket.socket:
    while True:
        listener = socket.socket(_address_family(host, port, chosen_by))
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            listener.close()
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                raise OperatorError(_bind_error_text(error, host, port, chosen_by)) from error
            time.sleep(0.05)
        else:
            return listener


def _address_family(host: str, port: int, chosen_by: AddressOptions) -> socket.AddressFamily:
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
    except OSError as error:
        raise OperatorError(f"{host!r} is not an address of this machine: check {chosen_by.host}.") from error


def _bind_error_text(error: OSError, host: str, port: int, chosen_by: AddressOptions) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} on {host} is taken: stop the process that listens there, or choose another port with "
            f"{chosen_by.port}."
        )
    if error.errno == errno.EACCES:
        return f"Port {port} needs privileges that you do not have: choose one above 1023 with {chosen_by.port}."
    reason = os.strerror(error.errno or 0)
    return f"Cannot listen on {host} port {port}: {reason}. Check {chosen_by.host} and {chosen_by.port}."
