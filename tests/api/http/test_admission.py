"""Admission: who is refused when a process is full, at what cost, and who does not take a place."""

import asyncio
import contextlib
import json
import re
import socket
import struct
import time
from typing import Any
from uuid import uuid4

import pytest
from litestar.types import Receive, Scope, Send

from api.connections import closable_connection, late_responses
from api.connections.late_responses import DELAY_S, LateResponses
from domain.errors import Overloaded
from infra import admission
from infra.admission import (
    FLOOD_MIN_PLACES,
    MAX_BURST_REQUESTS,
    MAX_WAITING_REQUESTS_PER_USER,
    MIN_PLACES,
    RESERVED_FOR_READS,
    Admission,
    Place,
    WaitReason,
)
from infra.cancel import cancel_all
from infra.identity import refusal_pause
from tests.api.connections.raw_http import (
    GET,
    POST_CHUNKED,
    echo_app,
    raw_client,
    raw_server,
    read_response,
    read_until_closed,
    was_cut,
)
from tests.e2e.running_instance import poll_until
from tests.law import planted_defect

READ_TIMEOUT_S = 5
STATUS_LINE = re.compile(rb"HTTP/1\.1 (\d{3}) ")
POST = b"POST /read HTTP/1.1\r\nHost: test\r\nContent-Length: 3\r\n\r\nabc"


class Clock:
    """A clock that the test sets."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(admission, "time", clock)
    return clock


def admitted(places: Admission, count: int, *, is_read: bool = False) -> int:
    """How many of `count` requests that arrive now are admitted."""
    before = places.in_progress
    for _ in range(count):
        if places.has_place(is_read=is_read):
            Place(places).take()
    return places.in_progress - before


def test_a_burst_is_admitted_and_a_standing_crowd_is_not(clock: Clock) -> None:
    places = Admission()
    assert admitted(places, 200) == 200
    clock.now += 0.2
    assert admitted(places, 1000) == MAX_BURST_REQUESTS - 200
    for _ in range(50):
        handle_all(places)
        clock.now += 0.2
        assert admitted(places, 200) == MIN_PLACES
    clock.now += 1.5
    places.in_progress = 0
    assert admitted(places, 200) == 200


def handle_all(places: Admission) -> None:
    """At once, as a group of appended commands is."""
    places.handled += places.in_progress
    places.in_progress = 0


def test_a_flood_is_given_fewer_places_until_it_is_over(clock: Clock) -> None:
    places = Admission()
    admitted(places, 1000)
    for _ in range(10):
        handle_all(places)
        clock.now += 0.5
        admitted(places, 1000)
    assert places.in_progress == FLOOD_MIN_PLACES
    clock.now += 0.5
    handle_all(places)
    places.handled += 10_000
    admitted(places, 1000)
    handle_all(places)
    clock.now += 0.5
    assert admitted(places, MIN_PLACES) == MIN_PLACES


def test_a_fast_process_has_more_places(clock: Clock) -> None:
    places = Admission()

    def limit_at(rate: int) -> int:
        clock.now += 0.5
        places.handled += rate // 2
        places.in_progress = MIN_PLACES
        places.has_place(is_read=False)
        return places.limit

    limit_at(0)
    assert [limit_at(rate) for rate in (10_000, 1_000, 10_000)] == [300, MIN_PLACES, 300]


def test_writes_leave_places_for_reads(clock: Clock) -> None:
    places = Admission()
    places.in_progress = MIN_PLACES
    places.has_place(is_read=False)
    clock.now += 0.5
    assert admitted(places, 10) == 0
    assert admitted(places, 1000, is_read=True) == RESERVED_FOR_READS


def test_a_waiting_request_leaves_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "MAX_WAITING_REQUESTS", 1)
    places = Admission()
    place, other = Place(places), Place(places)
    place.take()
    other.take()
    with place.left_to_others("read model"):
        assert (places.in_progress, places.waiting.total) == (1, 1)
        with pytest.raises(Overloaded), other.left_to_others("read model"):
            pass
    assert (places.in_progress, places.waiting.total) == (2, 0)
    place.end()
    place.take()
    other.end()
    assert places.in_progress == 0


async def test_a_crowd_that_waits_for_refusals_keeps_no_log_in_from_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "MAX_WAITING_REQUESTS", 3)
    monkeypatch.setattr(refusal_pause, "REFUSAL_PAUSE_S", 60.0)
    places, crowd = Admission(), list[asyncio.Task[None]]()
    for _ in range(3):
        admission.begin(Place(places))
        crowd.append(asyncio.create_task(refusal_pause.pause_before_refusal()))
    await asyncio.sleep(0)
    assert places.waiting.total == 3
    async with asyncio.timeout(5):
        await refusal_pause.pause_before_refusal()  # one more is refused at once
    others: tuple[WaitReason, ...] = ("turn to hash", "read model")
    for reason in others:
        with admission.waiting(reason):
            assert places.waiting.total == 4
    await cancel_all(*crowd)
    assert places.waiting.total == 0


def test_one_user_leaves_others_room_to_wait() -> None:
    places, ann, bob = Admission(), uuid4(), uuid4()
    with contextlib.ExitStack() as waiting:
        for _ in range(MAX_WAITING_REQUESTS_PER_USER):
            waiting.enter_context(Place(places).left_to_others("read model", ann))
        with pytest.raises(Overloaded), Place(places).left_to_others("read model", ann):
            pass
        with Place(places).left_to_others("read model", bob):
            assert places.waiting.total == MAX_WAITING_REQUESTS_PER_USER + 1
    with Place(places).left_to_others("read model", ann):
        assert places.waiting.total == 1


@pytest.fixture
def full() -> Admission:
    """No place is free, since long ago."""
    places = Admission()
    places.in_progress = MAX_BURST_REQUESTS
    return places


def test_a_refused_client_keeps_its_connection(full: Admission) -> None:
    with raw_server(admission=full) as port, raw_client(port) as client:
        for request in (GET + b"\r\n", POST, POST_CHUNKED + b"3\r\nabc\r\n0\r\n\r\n", POST):
            client.sendall(request)
            assert read_problem(client) == (503, "overloaded")
        client.sendall((GET + b"\r\n").replace(b"GET", b"HEAD"))
        assert client.recv(65536).endswith(b"\r\n\r\n")
        client.sendall(b"GET /health/live HTTP/1.1\r\nHost: test\r\n\r\n")
        assert read_response(client)[0] == 200
        full.in_progress = 0
        client.sendall(POST)
        assert read_response(client) == (200, {"headers": ["host", "content-length"], "length": 3})
        assert full.in_progress == 0


def test_a_refusal_says_when_to_try_again(full: Admission) -> None:
    with raw_server(admission=full) as port, raw_client(port) as client:
        began = time.monotonic()
        client.sendall(GET + b"Connection: close\r\n\r\n")
        received = read_until_closed(client)
        assert received.startswith(b"HTTP/1.1 503 ")
        assert b"\r\nretry-after: 1\r\n" in received
        assert b"\r\nconnection: close\r\n" in received
        assert time.monotonic() - began < 1


def test_a_client_that_does_not_wait_is_refused_late(full: Admission) -> None:
    with raw_server(admission=full) as port, raw_client(port) as client:
        assert refusal_s(client) < DELAY_S, "the first refusal waited"
        assert min(refusal_s(client) for _ in range(5)) > DELAY_S / 2
        full.in_progress = 0
        client.sendall(POST)
        assert read_response(client)[0] == 200


def test_a_client_that_waits_is_refused_at_once(full: Admission, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closable_connection, "RETRY_AFTER_S", 0.2)
    with raw_server(admission=full) as port, raw_client(port) as client:
        refusal_s(client)
        time.sleep(0.25)  # this client waits as long as it was told
        assert refusal_s(client) < DELAY_S


def refusal_s(client: socket.socket) -> float:
    """How long a refusal takes."""
    began = time.monotonic()
    client.sendall(GET + b"\r\n")
    assert read_problem(client) == (503, "overloaded")
    return time.monotonic() - began


@pytest.mark.parametrize(
    ("next_bytes", "statuses"),
    [
        (b"GET /health/live HTTP/1.1\r\nHost: test\r\n\r\n", [503, 503, 200]),
        (b"\0", [503, 503, 400]),
        (POST_CHUNKED + b"x\r\n", [503, 503, 503]),
    ],
)
def test_a_late_refusal_comes_before_the_next_response(
    next_bytes: bytes, statuses: list[int], full: Admission, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(late_responses, "DELAY_S", 60)
    with raw_server(admission=full) as port, raw_client(port) as client:
        client.sendall(GET + b"\r\n" + GET + b"\r\n" + next_bytes)
        received = bytearray()
        while len(STATUS_LINE.findall(received)) < len(statuses) and (more := client.recv(65536)):
            received += more
    assert [int(status) for status in STATUS_LINE.findall(received)] == statuses


def test_a_client_that_leaves_before_its_late_refusal_delays_no_other(full: Admission) -> None:
    with raw_server(admission=full) as port, raw_client(port) as client:
        for _ in range(3):
            with raw_client(port) as leaving:
                refusal_s(leaving)
                leaving.sendall(GET + b"\r\n")
                leaving.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset
            assert refusal_s(client) < READ_TIMEOUT_S


def test_a_late_response_that_fails_delays_no_other() -> None:
    class Client:
        def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
            self.loop = loop

        def send_late_response(self) -> None:
            answered.append(self)
            if len(answered) == 1:
                raise RuntimeError("the handler is closed")
            if len(answered) == 3:
                last.set()

    async def add_three() -> None:
        waiting, loop = LateResponses(), asyncio.get_running_loop()
        loop.set_exception_handler(lambda *_: None)
        for _ in range(3):
            waiting.add(Client(loop))
        async with asyncio.timeout(READ_TIMEOUT_S):
            await last.wait()

    answered, last = list[Client](), asyncio.Event()
    asyncio.run(add_three())


def test_pipelined_requests_are_refused_too_when_their_turn_comes() -> None:
    places, app = Admission(), GatedApp()
    with raw_server(admission=places, app=app) as port, raw_client(port) as client:
        head = (GET + b"\r\n").replace(b"GET", b"HEAD")
        client.sendall(POST + POST + head + b"GET /health/live HTTP/1.1\r\nHost: test\r\n\r\n")
        wait_for_places(places, 1)
        places.in_progress = MAX_BURST_REQUESTS
        app.open_gate()
        received = bytearray()
        while not received.endswith(b'"length": 0}'):
            received += client.recv(65536)
    assert [int(status) for status in STATUS_LINE.findall(received)] == [200, 503, 503, 200]
    assert received.count(b"overloaded") == 2, "type and code of the one that has a body"


def test_a_late_refusal_is_sent_before_a_shutdown(full: Admission, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(late_responses, "DELAY_S", 60)
    with contextlib.ExitStack() as stack:
        server = contextlib.ExitStack()
        client = stack.enter_context(raw_client(server.enter_context(raw_server(admission=full))))
        client.sendall((GET + b"\r\n") * 2)
        read_problem(client)
        poll_until(lambda: full.refused == 2)
        server.close()
        assert b" 503 " in read_until_closed(client)


@pytest.mark.parametrize("head", [b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n", b"Connection: close\r\n\r\n"])
def test_a_client_that_may_not_go_on_is_closed(head: bytes, full: Admission) -> None:
    with raw_server(admission=full) as port, raw_client(port) as client:
        client.sendall(GET + head)
        assert read_until_closed(client).count(b"HTTP/1.1 503 ") == 1


def test_a_client_that_reads_no_refusals_is_cut(full: Admission) -> None:
    with raw_server(admission=full) as port, raw_client(port) as client:
        assert was_cut(client, (GET + b"\r\n") * 100, times=10_000)


def test_slow_bodies_hold_no_place() -> None:
    places = Admission()
    with raw_server(admission=places) as port, contextlib.ExitStack() as stack:
        slow = [stack.enter_context(raw_client(port)) for _ in range(20)]
        for client in slow:
            client.sendall(POST[:-1])
        with raw_client(port) as client:
            client.sendall(GET + b"\r\n")
            assert read_response(client)[0] == 200
        assert places.in_progress == 0
        places.in_progress = MAX_BURST_REQUESTS
        for client in slow[1:]:
            client.sendall(b"c")
            assert b"overloaded" in read_until_closed(client)
        places.in_progress = 0
        slow[0].sendall(b"c")
        assert read_response(slow[0])[0] == 200


class GatedApp:
    """Answers once the gate is open."""

    def __init__(self) -> None:
        self._gate = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._loop = asyncio.get_running_loop()
        await self._gate.wait()
        await echo_app(scope, receive, send)

    def open_gate(self) -> None:
        """From another thread than the loop's."""
        self._loop.call_soon_threadsafe(self._gate.set)


def test_a_client_that_has_gone_keeps_its_place_until_its_request_is_handled() -> None:
    places, app = Admission(), GatedApp()
    with raw_server(admission=places, app=app) as port:
        for _ in range(5):
            with raw_client(port) as client:
                client.sendall(POST)
        wait_for_places(places, 5)
        app.open_gate()
        wait_for_places(places, 0)


def test_pipelined_requests_take_one_place_and_are_answered_in_order() -> None:
    places, app = Admission(), GatedApp()
    with raw_server(admission=places, app=app) as port, raw_client(port) as client:
        client.sendall(POST + (GET + b"\r\n") * 3)
        wait_for_places(places, 1)
        app.open_gate()
        lengths = [read_pipelined(client)["length"] for _ in range(4)]
    assert lengths == [3, 0, 0, 0]


def test_an_error_in_the_pipeline_is_no_answer_to_an_earlier_request() -> None:
    places, app = Admission(), GatedApp()
    with raw_server(admission=places, app=app) as port, raw_client(port) as client:
        client.sendall(GET + b"\r\n" + POST_CHUNKED + b"x\r\n")
        wait_for_places(places, 1)
        app.open_gate()
        received = read_until_closed(client)
    assert received.startswith(b"HTTP/1.1 200 ")
    assert received.count(b"HTTP/1.1") == 1


def test_a_long_pipeline_is_cut() -> None:
    places, app = Admission(), GatedApp()
    with raw_server(admission=places, app=app) as port, raw_client(port) as client:
        client.sendall((GET + b"\r\n") * 1000)
        wait_for_places(places, 1)
        app.open_gate()
        assert 1 <= read_until_closed(client).count(b"HTTP/1.1 200 ") <= 34


def test_an_admission_that_forgets_its_bursts_is_noticed(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "QUIET_S", 0.1)
    with planted_defect(), pytest.raises(AssertionError):
        test_a_burst_is_admitted_and_a_standing_crowd_is_not(clock)


def wait_for_places(places: Admission, count: int) -> None:
    poll_until(lambda: places.in_progress == count)


def read_problem(client: socket.socket) -> tuple[int, str]:
    status, problem = read_response(client)
    return status, problem["code"]


def read_pipelined(client: socket.socket) -> Any:
    """The body of one response, without reading into the next."""
    head = bytearray()
    while not head.endswith(b"\r\n\r\n"):
        head += client.recv(1)
    length = int(bytes(head).lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    return json.loads(client.recv(length, socket.MSG_WAITALL))
