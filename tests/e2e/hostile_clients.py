"""Hostile clients: connections that say nothing, too little, too slowly or without end."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

HEAD = b"HTTP/1.1\r\nHost: localhost\r\n"
GET_LIVE = b"GET /health/live " + HEAD + b"\r\n"
HEAD_WITHOUT_END = b"GET / " + HEAD + b"A: "
UPLOAD = b"POST /api/v1/auth/login " + HEAD + b"Content-Type: application/json\r\nContent-Length: "
TRICKLE_INTERVAL_S = 0.3


class HostileClients:
    """Open connections, and threads that send on them."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._sockets: dict[str, list[socket.socket]] = {}
        self._is_over = threading.Event()
        self._threads = list[threading.Thread]()
        self.flooded_bytes = 0

    def open(self, kind: str, count: int, data: bytes = b"", addresses: int = 1) -> None:
        """Open connections from as many loopback addresses; each sends the data."""
        for number in range(count):
            address = f"127.0.0.{2 + number % addresses}"
            client = socket.create_connection(("127.0.0.1", self._port), 10, source_address=(address, 0))
            self._sockets.setdefault(kind, []).append(client)
            with contextlib.suppress(ConnectionError):
                client.sendall(data)

    def trickle(self, kind: str) -> None:
        """Send a byte on each of these connections now and then."""

        def send_one_byte_each() -> None:
            for client in self._sockets[kind]:
                _try_send(client, b"a")

        self._run(send_one_byte_each, TRICKLE_INTERVAL_S)

    def flood(self, total_bytes: int) -> None:
        """Send that much of headers without end, on one connection after the other."""

        def send_until_cut() -> None:
            if self.flooded_bytes >= total_bytes:
                self._is_over.wait(0.1)
                return
            with socket.create_connection(("127.0.0.1", self._port), 10) as client, contextlib.suppress(OSError):
                client.sendall(HEAD_WITHOUT_END)
                while not self._is_over.is_set():
                    client.sendall(b"a" * 65536)
                    self.flooded_bytes += 65536

        self._run(send_until_cut, 0.001)

    def stop_sending(self) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join(30)

    def open_counts(self) -> dict[str, int]:
        """How many connections of each kind the server has not closed; what it sent is read."""
        return {kind: sum(map(_is_open, sockets)) for kind, sockets in self._sockets.items()}

    def close(self) -> None:
        self.stop_sending()
        for sockets in self._sockets.values():
            for client in sockets:
                client.close()

    def _run(self, step: Callable[[], None], pause_s: float) -> None:
        def repeat() -> None:
            while not self._is_over.wait(pause_s):
                step()

        self._threads.append(threading.Thread(target=repeat))
        self._threads[-1].start()


@contextlib.contextmanager
def hostile_clients(port: int) -> Iterator[HostileClients]:
    clients = HostileClients(port)
    try:
        yield clients
    finally:
        clients.close()


def _try_send(client: socket.socket, data: bytes) -> None:
    with contextlib.suppress(OSError):
        client.send(data, socket.MSG_DONTWAIT)


def _is_open(client: socket.socket) -> bool:
    client.settimeout(0)
    try:
        while client.recv(65536):
            pass
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def latency_s(client: socket.socket, request: bytes) -> float:
    """How long the answer to a request takes; it must be a success."""
    began = time.monotonic()
    client.sendall(request)
    received = b""
    while b"\r\n\r\n" not in received:
        data = client.recv(65536)
        assert data, "a probe was cut"
        received += data
    assert received.startswith(b"HTTP/1.1 200 "), received
    head, _, body = received.partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += client.recv(65536)
    return time.monotonic() - began
