"""Ports: the one we listen on, and free ones for the servers beside us."""

import contextlib
import errno
import os
import random
import socket
import time
from collections.abc import Iterator

from infra.errors import OperatorError

LOOPBACK = "127.0.0.1"
# Below the ranges that systems hand out to outgoing connections, so a server that comes back finds its port free.
SERVER_PORTS = range(15_000, 32_000)


def find_free_port() -> int:
    """A loopback port that nobody listens on now; its taker must be ready to lose the race for it."""
    for port in random.sample(SERVER_PORTS, 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((LOOPBACK, port))
            return port
    raise OperatorError("No port is free for the servers on 127.0.0.1: something has taken them all.")


@contextlib.contextmanager
def open_listener(host: str, port: int, wait_s: float = 0) -> Iterator[socket.socket]:
    """A listening socket; `patience` seconds are given to a predecessor that is about to leave the port."""
    with _bind(host, port, time.monotonic() + wait_s) as listener:
        listener.listen(2048)
        yield listener


def listener_url(listener: socket.socket) -> str:
    """Where a browser on this machine finds it: an address for everybody is reached by loopback."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": LOOPBACK, "::": "::1"}.get(host, host)  # noqa: S104 - read, not bound
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _bind(host: str, port: int, deadline: float) -> socket.socket:
    while True:
        listener = socket.socket(_address_family(host, port))
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            listener.close()
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                raise OperatorError(_bind_error_text(error, host, port)) from error
            time.sleep(0.05)
        else:
            return listener


def _address_family(host: str, port: int) -> socket.AddressFamily:
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
    except OSError as error:
        raise OperatorError(f"The host {host!r} is no address of this machine: check --host.") from error


def _bind_error_text(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is taken: stop what listens there, or choose another with --port."
    if error.errno == errno.EACCES:
        return f"Port {port} needs rights that you do not have: choose one above 1023 with --port."
    return f"Cannot listen on {host} port {port}: {os.strerror(error.errno or 0)}. Check --host and --port."
