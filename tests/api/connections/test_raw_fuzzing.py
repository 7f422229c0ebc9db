"""Raw bytes: whatever a client sends, it gets well-formed answers below 500 or none, and others are served.

First to our connections with a small application, then to the whole API.
"""

import contextlib
import json
import re
import socket
import time
from collections import Counter
from collections.abc import Iterator
from uuid import uuid4

import httpx
import msgspec
import pytest
from hypothesis import strategies as st

from api.http import headers
from infra.settings import Settings
from tests.api.connections.raw_http import GET, POST_CHUNKED, raw_client, raw_server, read_response, uvicorn_server
from tests.api.running_server import running_server
from tests.e2e.blocking_api_user import BlockingApiUser
from tests.law import law, planted_defect

pytestmark = pytest.mark.slow

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


TOKEN = b"<token>"
"""Stands for the token of a user."""
REQUEST_LINES = [
    b"GET /api/v1/tasks?limit=1 HTTP/1.1\r\n",
    b"GET /api/v1/tasks?limit=1&min_position=%00&x=\xff HTTP/1.1\r\n",
    b"GET /api/v1/tasks/%2e%2e/%c0%af HTTP/1.1\r\n",
    b"GET /api/v1/tasks/0198c1f0-0000-7000-8000-000000000000/history?cursor=%ff HTTP/1.1\r\n",
    b"HEAD /health/live HTTP/1.1\r\n",
    b"OPTIONS /api/v1/workspaces HTTP/1.1\r\n",
    b"PURGE /api/v1/workspaces HTTP/1.1\r\n",
    b"GET /../../etc/passwd HTTP/1.1\r\n",
    b"GET http://evil.example/api/v1/workspaces HTTP/1.1\r\n",
    b"POST /api/v1/workspaces HTTP/1.1\r\n",
    b"POST /api/v1/auth/login HTTP/1.1\r\n",
    b"POST /api/v1/commands?dry_run=true HTTP/1.0\r\n",
    b"PATCH /api/v1/workspaces/0198c1f0-0000-7000-8000-000000000000 HTTP/1.1\r\n",
]
HEADERS = [
    b"Authorization: Bearer \xff\r\n",
    b"Authorization: Basic %s\r\n" % TOKEN,
    b"If-None-Match: \x80\r\nIf-Match: *\r\n",
    b"Prefer: wait=9999999999\r\n",
    b"Idempotency-Key: \xe9\r\n",
    b"traceparent: 00-\xff-0-01\r\n",
    b"X-Forwarded-For: 127.0.0.1, \xff\r\n",
    b"Accept: */*;q=x\r\n",
    b"Content-Type: application/json; charset=\xff\r\n",
    b"Content-Type: application/json\r\n",
    b"Content-Encoding: br\r\n",
    b"Expect: 100-continue\r\n",
]
BODIES = [
    b"\r\n",
    b'Content-Length: 16\r\n\r\n{"name": "Home"}',
    b"Content-Length: 16\r\n\r\n\xff\xfe\x00{[[[[[[[[[[[[",
    b"Content-Length: 16\r\n\r\nshort",
    b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n2\r\n{",
]
API_REQUESTS = st.builds(
    lambda line, tokens, headers, body: [line, b"Host: test\r\n", *tokens, *headers, body],
    st.sampled_from(REQUEST_LINES),
    st.sampled_from([[b"Authorization: Bearer %s\r\n" % TOKEN], []]),
    st.lists(st.sampled_from(HEADERS), max_size=3, unique=True),
    st.sampled_from(BODIES),
)
NOISE = st.lists(st.sampled_from(PIECES) | st.binary(max_size=20), max_size=1)
MAX_EXCHANGE_S = 5.0


@pytest.fixture
def api_port(settings: Settings) -> Iterator[int]:
    with running_server(msgspec.structs.replace(settings, hosts="test")) as (_, url):
        port = httpx.URL(url).port
        assert port
        yield port


@pytest.fixture
def token(api_port: int) -> bytes:
    return BlockingApiUser.register(f"http://127.0.0.1:{api_port}", f"{uuid4()}@example.com").token.encode()


def test_any_bytes_get_described_answers_from_the_whole_api(
    api_port: int, token: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    read = b"GET /api/v1/workspaces HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer %s\r\n\r\n" % token
    refused = exchange(api_port, [b"PURGE /api/v1/workspaces HTTP/1.1\r\n", b"Host: test\r\n\r\n"])
    statuses = Counter([assert_described(refused)])  # a method that few of the drawn requests have

    @law(st.tuples(API_REQUESTS, NOISE, API_REQUESTS, st.integers(0, 9)), examples=150)
    def answers_are_described(drawn: tuple[list[bytes], list[bytes], list[bytes], int]) -> None:
        request, noise, second, at = drawn
        pieces = [*request, *second]
        pieces[at:at] = noise
        began = time.monotonic()
        received = exchange(api_port, [piece.replace(TOKEN, token) for piece in pieces])
        assert time.monotonic() - began < MAX_EXCHANGE_S
        if received:
            statuses[assert_described(received)] += 1
        with raw_client(api_port) as client:
            client.sendall(read)
            assert read_response(client)[0] == 200

    answers_are_described()
    assert not caplog.records, "a stranger writes to the log"
    print(f"statuses {dict(statuses)}")  # noqa: T201 - how deep it went
    assert statuses.keys() >= {200, 400, 401, 404, 405}


def assert_described(received: bytes) -> int:
    """The status of the first answer: below 500 or 503, and a problem document if it is an error."""
    match = re.match(rb"HTTP/1\.1 (\d\d\d) ", received)
    assert match, received[:100]
    status, (head, _, body) = int(match[1]), received.partition(b"\r\n\r\n")
    assert status < 500 or status == 503, received[:1000]
    if status >= 400:
        assert b"content-type: application/problem+json" in head.lower(), head
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        if body and not body.startswith(b"HTTP/1.1 "):  # the answer to a HEAD has none
            assert json.loads(body[:length])["status"] == status
    return status


def test_a_server_error_behind_any_bytes_is_noticed(
    api_port: int, token: bytes, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def careless(*_: object) -> str:
        raise ValueError

    monkeypatch.setattr(headers, "first", careless)
    with planted_defect(), pytest.raises((AssertionError, ExceptionGroup)):
        test_any_bytes_get_described_answers_from_the_whole_api(api_port, token, caplog)


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
