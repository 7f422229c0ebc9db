"""Raw HTTP: a server with our connections around a small application, and sockets that send it any bytes."""

import asyncio
import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, cast

import uvicorn
from litestar.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.connections.connection import Connection
from api.connections.registry import ConnectionRegistry
from api.connections.stats import ConnectionStats
from infra.admission import Admission

JOIN_TIMEOUT_S = 10
LARGE_BYTES = 32 * 2**20
GET = b"GET / HTTP/1.1\r\nHost: test\r\n"
POST_CHUNKED = b"POST /read HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n"


async def echo_app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the names of the headers and the length of the body; only /read reads it, /large answers 32 MiB."""
    length, is_whole = 0, scope["path"] != "/read"
    while not is_whole:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        length += len(message.get("body", b""))  # type: ignore[arg-type]
        is_whole = not message.get("more_body")
    body = json.dumps({"headers": [name.decode() for name, _ in scope["headers"]], "length": length}).encode()
    body = b" " * LARGE_BYTES if scope["path"] == "/large" else body
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


@contextlib.contextmanager
def raw_server(
    max_connections: int = 950,
    is_trusted_proxy: Callable[[str], bool] = lambda _: False,
    *,
    app: ASGIApp = echo_app,
    admission: Admission | None = None,
    stats: ConnectionStats | None = None,
    **connection_options: Any,
) -> Iterator[int]:
    """The port of a server with our connections."""
    registry = ConnectionRegistry(max_connections, is_trusted_proxy, stats or ConnectionStats())
    options = {"admission": admission or Admission(), "draining": asyncio.Event(), **connection_options}
    with uvicorn_server(partial(Connection, registry=registry, **options), app) as port:
        yield port


@contextlib.contextmanager
def uvicorn_server(protocol: Any = HttpToolsProtocol, app: ASGIApp = echo_app) -> Iterator[int]:
    """The port of a server; by default with uvicorn's own connections, which have no limits."""
    config = uvicorn.Config(cast("Any", app), http=protocol, ws="none", log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(JOIN_TIMEOUT_S)


@contextlib.contextmanager
def raw_client(port: int, address: str = "127.0.0.1") -> Iterator[socket.socket]:
    """A client at an address of the loopback network."""
    with socket.create_connection(("127.0.0.1", port), JOIN_TIMEOUT_S, source_address=(address, 0)) as client:
        yield client


def read_until_closed(client: socket.socket) -> bytes:
    """All that the server sends until it closes the connection."""
    received = bytearray()
    with contextlib.suppress(ConnectionResetError):
        while data := client.recv(65536):
            received += data
    return bytes(received)


def read_response(client: socket.socket) -> tuple[int, Any]:
    """The status and the JSON body of one response."""
    received = bytearray()
    while b"\r\n\r\n" not in received:
        data = client.recv(65536)
        assert data, f"closed after {bytes(received)!r}"
        received += data
    head, _, body = bytes(received).partition(b"\r\n\r\n")
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    while len(body) < int(fields[b"content-length"]):
        body += client.recv(65536)
    return int(head.split()[1]), json.loads(body)


def refusal_of(port: int, data: bytes) -> tuple[int, str] | None:
    """The status and code of the problem that answers these bytes, if the connection is closed after it."""
    with raw_client(port) as client:
        with contextlib.suppress(ConnectionError):
            client.sendall(data)
        received = read_until_closed(client)
    head, _, body = received.partition(b"\r\n\r\n")
    return (int(head.split()[1]), json.loads(body)["code"]) if b"problem+json" in head else None


def was_cut(client: socket.socket, data: bytes, times: int, pause_s: float = 0.0) -> bool:
    """Whether the connection is closed while the client sends the same data again and again."""
    for _ in range(times):
        try:
            client.sendall(data)
        except ConnectionError:
            return True
        time.sleep(pause_s)  # a client that trickles
    return False
