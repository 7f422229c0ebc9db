"""The writer of a response: the bytes are uvicorn's, and no field can begin another line."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from api.connections.response_writer import ResponseWriter
from tests.law import planted_defect

DATE = (b"date", b"Sun, 29 Nov 2026 12:00:00 GMT")
FIELDS = [
    [(b"content-type", b"text/plain"), (b"content-length", b"2")],
    [(b"content-type", b"text/plain")],
    [(b"transfer-encoding", b"Chunked")],
    [(b"connection", b"Close"), (b"content-length", b"2")],
    [(b"vary", b"Origin"), (b"vary", b"Accept"), (b"content-length", b"2")],
]


class Transport:
    def __init__(self) -> None:
        self.written, self.is_closed = b"", False

    def write(self, data: bytes) -> None:
        self.written += data

    def close(self) -> None:
        self.is_closed = True


class Flow:
    write_paused = False


class Connection(SimpleNamespace):
    """What a writer needs of one; it can be referred to weakly."""


def our_writer(transport: Transport, method: str, keep_alive: bool) -> RequestResponseCycle:  # noqa: FBT001 - both have it
    connection = Connection(
        scope={"method": method},
        transport=transport,
        flow=Flow(),
        logger=None,
        access_logger=None,
        server_state=SimpleNamespace(default_headers=[DATE]),
        expect_100_continue=False,
    )
    return ResponseWriter(cast("Any", connection), lambda: None, None, keep_alive=keep_alive)


def uvicorns_writer(transport: Transport, method: str, keep_alive: bool) -> RequestResponseCycle:  # noqa: FBT001
    return RequestResponseCycle(
        scope=cast("Any", {"method": method}),
        transport=cast("Any", transport),
        flow=cast("Any", Flow()),
        logger=cast("Any", None),
        access_logger=cast("Any", None),
        access_log=False,
        default_headers=[DATE],
        message_event=asyncio.Event(),
        expect_100_continue=False,
        keep_alive=keep_alive,
        on_response=lambda: None,
    )


def send_response(
    make_writer: Callable[[Transport, str, bool], RequestResponseCycle],
    method: str,
    status: int,
    headers: Any,
    *,
    keep_alive: bool,
) -> tuple[bytes, bool]:
    """What is written, and whether the connection is closed after it."""
    transport = Transport()
    writer = make_writer(transport, method, keep_alive)

    async def send() -> None:
        await writer.send({"type": "http.response.start", "status": status, "headers": headers})
        body = b"" if status in (204, 304) else b"ok"
        await writer.send({"type": "http.response.body", "body": body, "more_body": False})

    asyncio.run(send())
    return transport.written, transport.is_closed


@pytest.mark.parametrize("keep_alive", [True, False])
@pytest.mark.parametrize("headers", FIELDS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_bytes_are_those_of_uvicorn(method: str, headers: Any, keep_alive: bool) -> None:  # noqa: FBT001 - parametrized
    ours, uvicorns = (
        send_response(each, method, 200, headers, keep_alive=keep_alive) for each in (our_writer, uvicorns_writer)
    )
    assert sorted(ours[0].split(b"\r\n")) == sorted(uvicorns[0].split(b"\r\n"))
    assert ours[1] == uvicorns[1]


@pytest.mark.parametrize("status", [204, 304])
def test_a_response_without_a_body_is_not_chunked(status: int) -> None:
    ours, uvicorns = (
        send_response(each, "GET", status, [(b"etag", b'"1"')], keep_alive=True)
        for each in (our_writer, uvicorns_writer)
    )
    assert ours == uvicorns
    assert b"chunked" not in ours[0]


@pytest.mark.parametrize(
    "field", [(b"x", b"a\r\nb: c"), (b"x", b"a\nb"), (b"x", b"a\rb"), (b"x\r\ny", b"a"), (b"x", b"\0")]
)
def test_a_field_of_two_lines_is_an_error(field: tuple[bytes, bytes]) -> None:
    with pytest.raises(RuntimeError, match="header"):
        send_response(our_writer, "GET", 200, [field, (b"content-length", b"2")], keep_alive=True)


@pytest.mark.parametrize(
    ("method", "defect"),
    [("_frame", lambda *_: []), ("_head", lambda _, status, *__: STATUS_LINE[status] + b"\r\n")],
)
def test_a_head_without_its_lines_is_noticed(method: str, defect: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ResponseWriter, method, defect)
    with planted_defect(), pytest.raises((AssertionError, RuntimeError)):
        test_the_bytes_are_those_of_uvicorn("GET", FIELDS[1], keep_alive=False)
