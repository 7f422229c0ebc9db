"""Raw bytes: whatever a client sends, it gets well-formed answers below 500 or none, and others are served."""

import contextlib
import re
import socket
from collections.abc import Iterator

import pytest
from hypothesis import strategies as st

from tests.api.http.raw_http import GET, POST_CHUNKED, raw_client, raw_server, read_response, uvicorn_server
from tests.law import law, planted_defect

PIECES = [
    GET,
    POST_CHUNKED,
    b"HEAD / HTTP/1.0\r\n",
    b"\r\n",
    b"\r",
    b"\n",
    b"\0",
    b": ",
    b" ",
    b"Content-Length: 3\r\n",
    b"Content-Length: -1\r\n",
    b"Content-Length: 99999999999999999999\r\n",
    b"Transfer-Encoding: chunked, identity\r\n",
    b"Transfer-Encoding: gzip\r\n",
    b"Expect: 100-continue\r\n",
    b"Connection: close\r\n",
    b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\n",
    b"CONNECT test:443 HTTP/1.1\r\n",
    b"GET http://other/ HTTP/1.1\r\n",
    b"GET /%ff%00 HTTP/9.9\r\n",
    b"3\r\nabc\r\n",
    b"0\r\n\r\n",
    b"ffffffffffffffffff\r\n",
    b"a" * 70_000,
]
REQUESTS = st.lists(st.sampled_from(PIECES) | st.binary(max_size=20), min_size=1, max_size=12)
STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-4]\d\d) ")


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with raw_server() as served:
        yield served


def test_any_bytes_get_well_formed_answers(port: int, caplog: pytest.LogCaptureFixture) -> None:
    @law(REQUESTS, examples=300)
    def answers_are_well_formed(pieces: list[bytes]) -> None:
        received = exchange(port, pieces)
        assert not received or STATUS_LINE.match(received), received[:100]
        assert b"Internal Server Error" not in received
        with raw_client(port) as client:
            client.sendall(GET + b"\r\n")
            assert read_response(client)[0] == 200

    answers_are_well_formed()
    assert not caplog.records, "a stranger writes to the log"


def test_uvicorn_alone_is_noticed(caplog: pytest.LogCaptureFixture) -> None:
    with (
        uvicorn_server() as served,
        planted_defect(),
        pytest.raises((AssertionError, ExceptionGroup)),
    ):
        test_any_bytes_get_well_formed_answers(served, caplog)


def exchange(port: int, pieces: list[bytes]) -> bytes:
    """All that the server sends to a client that sends these pieces and then closes its side."""
    received = bytearray()
    with raw_client(port) as client, contextlib.suppress(ConnectionError):
        for piece in pieces:
            client.sendall(piece)
        with contextlib.suppress(OSError):  # the server has already closed it
            client.shutdown(socket.SHUT_WR)
        while data := client.recv(65536):
            received += data
    return bytes(received)
