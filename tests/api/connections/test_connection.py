"""Connections: what a client may send, and for how long; others are served meanwhile."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from api.connections import connection, registry, request_clock
from api.connections.stats import ConnectionStats
from infra.admission import MAX_BURST_REQUESTS, Admission
from tests.api.connections.raw_http import (
    GET,
    JOIN_TIMEOUT_S,
    LARGE_BYTES,
    POST_CHUNKED,
    raw_client,
    raw_server,
    read_response,
    read_until_closed,
    refusal_of,
    uvicorn_server,
    was_cut,
)
from tests.api.problems import PROBLEM_MEMBERS
from tests.e2e.running_instance import poll_until
from tests.law import planted_defect

TOO_LARGE = (431, "request_head_too_large")
KIB = 1024
OVERSIZED = {
    "a header without end": GET + b"A: " + b"a" * 200 * KIB,
    "a header name without end": GET + b"a" * 200 * KIB,
    "many headers": GET + b"A: a\r\n" * 100 + b"\r\n",
    "large headers": GET + (b"A: " + b"a" * 8000 + b"\r\n") * 9 + b"\r\n",
    "a long URL": b"GET /" + b"a" * 70 * KIB + b" HTTP/1.1\r\nHost: test\r\n\r\n",
    "a chunk extension": POST_CHUNKED + b"1;" + b"a" * 200 * KIB,
    "a chunk extension that ends": POST_CHUNKED + b"1;" + b"a" * 70 * KIB + b"\r\nx\r\n0\r\n\r\n",
    "chunk extensions in all": POST_CHUNKED + (b"1;" + b"a" * KIB + b"\r\nx\r\n") * 70 + b"0\r\n\r\n",
    "large trailers": POST_CHUNKED + b"0\r\n" + (b"A: " + b"a" * 8000 + b"\r\n") * 9 + b"\r\n",
    "many trailers": POST_CHUNKED + b"0\r\n" + b"A: a\r\n" * 100 + b"\r\n",
}
MALFORMED = {
    "no HTTP": (b"\x16\x03\x01\x02\x00\r\n\r\n", "malformed_request"),
    "two lengths": (GET + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", "malformed_request"),
    "an invalid chunk": (POST_CHUNKED + b"x\r\n", "malformed_request"),
    "no Host": (b"GET / HTTP/1.1\r\n\r\n", "invalid_host"),
    "two Hosts": (GET + b"Host: other\r\n\r\n", "invalid_host"),
    "two Content-Types": (GET + b"Content-Type: text/plain\r\nContent-Type: a/b\r\n\r\n", "repeated_header"),
    "a coding before chunked": (POST_CHUNKED.replace(b"chunked", b"gzip, chunked"), "malformed_request"),
    "HTTP/2 as text": (GET.replace(b"HTTP/1.1", b"HTTP/2.0") + b"\r\n", "malformed_request"),
    "two Authorizations": (GET + b"Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n", "repeated_header"),
}


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with raw_server() as served:
        yield served


@pytest.fixture
def impatient_port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A server with short time-outs."""
    monkeypatch.setattr(request_clock, "HEAD_TIMEOUT_S", 0.3)
    monkeypatch.setattr(request_clock, "BODY_TIMEOUT_S", 0.3)
    monkeypatch.setattr(request_clock, "WRITE_TIMEOUT_S", 0.3)
    monkeypatch.setattr(request_clock, "KEEP_ALIVE_S", 0.3)
    monkeypatch.setattr(request_clock, "MIN_BODY_BYTES_PER_S", 100)
    monkeypatch.setattr(registry, "CHECK_INTERVAL_S", 0.05)
    with raw_server() as served:
        yield served


@pytest.mark.parametrize("what", OVERSIZED)
def test_oversized_heads_are_refused(what: str, port: int) -> None:
    assert refusal_of(port, OVERSIZED[what]) == TOO_LARGE


@pytest.mark.parametrize("what", MALFORMED)
def test_malformed_requests_get_a_problem(what: str, port: int, caplog: pytest.LogCaptureFixture) -> None:
    data, code = MALFORMED[what]
    assert refusal_of(port, data) == (400, code)
    assert not caplog.records, "a stranger writes to the log"


def test_a_refusal_of_the_connection_is_a_whole_problem(port: int) -> None:
    for what, instance in (("many headers", "/"), ("a long URL", "")):
        with raw_client(port) as client:
            client.sendall(OVERSIZED[what])
            problem = read_response(client)[1]
        assert problem.keys() == PROBLEM_MEMBERS | {"detail"}
        assert (problem["type"], problem["instance"]) == ("/problems/request_head_too_large", instance)


def test_a_refusal_of_a_whole_head_names_its_path() -> None:
    places = Admission()
    places.in_progress = MAX_BURST_REQUESTS
    with raw_server(admission=places) as served, raw_client(served) as client:
        client.sendall(GET.replace(b"GET / ", b"GET /a%22b%C3%A9?c=d ") + b"\r\n")
        status, problem = read_response(client)
        assert (status, problem["code"], problem["instance"]) == (503, "overloaded", '/a"b\u00e9')
        client.sendall(GET + b"\r\n")
        assert read_response(client)[1]["instance"] == "/"


def test_uvicorn_alone_refuses_none_of_them() -> None:
    with planted_defect(), uvicorn_server() as served, raw_client(served) as client:
        client.sendall(OVERSIZED["a header without end"] + b"\r\n\r\n")
        assert read_response(client)[0] == 200


def test_a_head_at_the_limits_is_accepted(port: int) -> None:
    with raw_client(port) as client:
        client.sendall(GET + b"A: a\r\n" * 98 + b"B: " + b"b" * 60 * KIB + b"\r\n\r\n")
        status, answer = read_response(client)
    assert (status, len(answer["headers"])) == (200, 100)


def test_a_head_may_arrive_byte_by_byte_and_requests_in_a_row(port: int) -> None:
    with raw_client(port) as client:
        for _ in range(3):
            for byte in GET + b"\r\n":
                client.sendall(bytes([byte]))
            assert read_response(client)[0] == 200
        client.sendall((GET + b"\r\n") * 3)
        received = b""
        while received.count(b"HTTP/1.1 200") < 3:
            received += client.recv(65536)


def test_long_bodies_in_small_chunks_are_accepted(port: int) -> None:
    with raw_client(port) as client:
        client.sendall(POST_CHUNKED + b"1\r\na\r\n" * 100_000 + b"0\r\n\r\n")
        assert read_response(client) == (200, {"headers": ["host", "transfer-encoding"], "length": 100_000})


def test_trailers_do_not_become_headers(port: int) -> None:
    with raw_client(port) as client:
        client.sendall(POST_CHUNKED)
        client.sendall(b"0\r\nAuthorization: Bearer a\r\n\r\n")
        assert read_response(client)[1]["headers"] == ["host", "transfer-encoding"]


def test_an_upgrade_is_ignored(port: int, caplog: pytest.LogCaptureFixture) -> None:
    with raw_client(port) as client:
        for _ in range(2):
            client.sendall(GET + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
            assert read_response(client)[0] == 200
    assert not caplog.records


def test_others_are_answered_while_a_head_does_not_end(port: int) -> None:
    slowest_s = 0.0
    with raw_client(port) as flooding, raw_client(port) as probing:
        flooding.sendall(GET + b"A: ")
        for _ in range(200):
            with contextlib.suppress(ConnectionError):
                flooding.sendall(b"a" * 64 * KIB)
            began = time.monotonic()
            probing.sendall(GET + b"\r\n")
            assert read_response(probing)[0] == 200
            slowest_s = max(slowest_s, time.monotonic() - began)
    assert slowest_s < 1.0, "far above 0.1 s, for busy machines; without a limit it grows to seconds"


@pytest.mark.parametrize("sent", [b"", GET, POST_CHUNKED, POST_CHUNKED + b"1\r\na\r\n"])
def test_slow_requests_are_ended(sent: bytes, impatient_port: int) -> None:
    with raw_client(impatient_port) as client:
        client.sendall(sent)
        assert read_until_closed(client).startswith(b"HTTP/1.1 408 ")


def test_a_trickling_head_is_ended(impatient_port: int) -> None:
    with raw_client(impatient_port) as client:
        client.sendall(GET)
        assert was_cut(client, b"A: a\r\n", times=1000, pause_s=0.05)


def test_a_long_body_at_a_good_rate_is_accepted(impatient_port: int) -> None:
    with raw_client(impatient_port) as client:
        client.sendall(POST_CHUNKED)
        for _ in range(20):
            client.sendall(b"64\r\n" + b"a" * 100 + b"\r\n")
            time.sleep(0.05)  # the rate is what the test is about
        client.sendall(b"0\r\n\r\n")
        assert read_response(client)[1]["length"] == 2000


def test_idle_connections_are_closed_silently(impatient_port: int) -> None:
    with raw_client(impatient_port) as client:
        client.sendall(GET + b"\r\n")
        read_response(client)
        client.sendall(b"\r\n")  # which begins no request
        assert read_until_closed(client) == b""


def test_a_client_that_reads_no_response_is_cut(impatient_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    lost, connection_lost = threading.Event(), connection.Connection.connection_lost

    def record_loss(one: connection.Connection, error: Exception | None) -> None:
        connection_lost(one, error)
        lost.set()

    monkeypatch.setattr(connection.Connection, "connection_lost", record_loss)
    with raw_client(impatient_port) as client:
        client.sendall(GET.replace(b" / ", b" /large ") + b"\r\n")
        assert lost.wait(JOIN_TIMEOUT_S)
        assert len(read_until_closed(client)) < LARGE_BYTES


def test_an_endless_body_is_cut_after_its_response(port: int) -> None:
    chunk = b"8000\r\n" + b"a" * 0x8000 + b"\r\n"
    with raw_client(port) as client:
        client.sendall(POST_CHUNKED.replace(b"/read", b"/"))
        assert was_cut(client, chunk, times=10_000)


def _served(port: int, count: int, path: bytes = b"/") -> list[int | None]:
    """The status that each of `count` simultaneous connections gets; None: none."""
    with contextlib.ExitStack() as opened:
        clients = [opened.enter_context(raw_client(port)) for _ in range(count)]
        statuses: list[int | None] = []
        for client in clients:
            with contextlib.suppress(ConnectionError):
                client.sendall(GET.replace(b" / ", b" " + path + b" ") + b"\r\n")
        for client in clients:
            received: Any = b""
            with contextlib.suppress(ConnectionError):
                received = client.recv(65536)
            statuses.append(int(received.split()[1]) if received else None)
        return statuses


def test_an_address_has_a_limited_number_of_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "MAX_CONNECTIONS_PER_NETWORK", 5)
    with raw_server() as served:
        assert _served(served, 8) == [200] * 5 + [None] * 3
    with raw_server(is_trusted_proxy=lambda address: address == "127.0.0.1") as served:
        assert _served(served, 8) == [200] * 8


UNFINISHED = b"POST /read HTTP/1.1\r\nHost: test\r\nContent-Length: 100000\r\n\r\n" + b"a" * 60_000


def test_the_bodies_that_arrive_are_limited_per_address_and_in_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "MAX_BODY_BYTES_PER_NETWORK", 200_000)
    monkeypatch.setattr(registry, "MAX_BODY_BYTES", 300_000)
    stats = ConnectionStats()
    with raw_server(stats=stats) as served, contextlib.ExitStack() as opened:
        for sent in range(16):
            address = "127.0.0.1" if sent < 8 else "127.0.0.2"
            opened.enter_context(raw_client(served, address)).sendall(UNFINISHED)
            poll_until(lambda: stats.body_bytes // 60_000 + stats.refused["overloaded"] == sent + 1)  # noqa: B023 - used at once
        assert (stats.body_bytes, stats.refused["overloaded"]) == (5 * 60_000, 11)
        opened.close()
        poll_until(lambda: stats.body_bytes == 0)
        with raw_client(served) as client:
            client.sendall(UNFINISHED + b"a" * 40_000)
            assert read_response(client)[1]["length"] == 100_000
    assert (stats.body_bytes, stats.open) == (0, 0)


def test_a_trusted_proxy_may_bring_more_bodies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "MAX_BODY_BYTES_PER_NETWORK", 100_000)
    stats = ConnectionStats()
    with raw_server(is_trusted_proxy=lambda _: True, stats=stats) as served, contextlib.ExitStack() as opened:
        for _ in range(8):
            opened.enter_context(raw_client(served)).sendall(UNFINISHED)
        poll_until(lambda: stats.body_bytes == 8 * 60_000)
        assert not stats.refused


def test_beyond_the_maximum_only_health_is_answered() -> None:
    with raw_server(max_connections=2) as served:
        assert _served(served, 3) == [200, 200, 503]
        assert _served(served, 3, b"/health/live") == [200, 200, 200]
        assert _served(served, 2) == [200, 200]


@pytest.mark.usefixtures("impatient_port")
def test_an_unread_response_closes_the_connection_before_the_next_one_too() -> None:
    stats = ConnectionStats()
    with raw_server(stats=stats) as served, raw_client(served) as client:
        client.sendall(b"GET /large HTTP/1.1\r\nHost: test\r\n\r\n" * 3)
        poll_until(lambda: stats.closed["unread_response"] == 1)
        assert len(read_until_closed(client)) < LARGE_BYTES


@pytest.mark.parametrize("count", [1, 3])
def test_a_response_that_is_not_read_holds_no_place(count: int) -> None:
    places = Admission()
    with raw_server(admission=places) as served, raw_client(served) as client:
        client.sendall(b"GET /large HTTP/1.1\r\nHost: test\r\n\r\n" * count)
        poll_until(lambda: places.handled == 1)
        poll_until(lambda: places.in_progress == 0)
        client.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("fields", [b"", b"Host: test\r\nContent-Type: a/b\r\nContent-Type: a/c\r\n"])
def test_a_refused_head_has_no_body(fields: bytes, port: int) -> None:
    with raw_client(port) as client:
        client.sendall(b"HEAD / HTTP/1.1\r\n" + fields + b"\r\n")
        received = read_until_closed(client)
    assert received.startswith(b"HTTP/1.1 400 ")
    assert received.endswith(b"\r\n\r\n")


def test_a_refusal_has_the_date_and_the_security_headers(port: int) -> None:
    with raw_client(port) as client:
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        received = read_until_closed(client)
    for name in (b"date", b"x-content-type-options", b"x-frame-options", b"referrer-policy"):
        assert b"\r\n" + name + b": " in received
    assert b"\r\nvary: " not in received
