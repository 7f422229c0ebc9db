"""Deadlines: a handler that is late, stuck or on a busy event loop is answered for, and each call has its own time."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from api.http import deadline
from api.http.deadline import DeadlineExceeded, with_deadline
from infra import time_budget
from tests.law import planted_defect

REQUEST_S = 0.3
MAX_LATENESS_S = 1.0
"""Of an answer; a busy machine adds to it."""


@pytest.fixture(autouse=True)
def short_time_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time_budget, "REQUEST_S", REQUEST_S)
    monkeypatch.setattr(time_budget, "STALL_GRACE_S", 0.05)


def app(handle: Callable[[Scope], Awaitable[object]]) -> ASGIApp:
    """Answers 200 once a request has been handled, or 503 when it is late."""

    async def in_time(scope: Scope, receive: Receive, send: Send) -> None:
        del receive
        await handle(scope)
        await send({"type": "http.response.start", "status": 200, "headers": []})

    def late_app(scope: Scope, error: Exception) -> ASGIApp:
        del scope
        assert isinstance(error, DeadlineExceeded)

        async def late(scope: Scope, receive: Receive, send: Send) -> None:
            del scope, receive
            await send({"type": "http.response.start", "status": 503, "headers": []})

        return late

    return with_deadline(in_time, late_app)


async def call(under_test: ASGIApp, path: str = "/") -> tuple[list[int], float]:
    """The statuses that were sent, and when the first was."""
    statuses, began, answered = list[int](), time.monotonic(), asyncio.Event()

    async def send(message: Message) -> None:
        statuses.append(cast("Any", message)["status"])
        answered.set()

    scope = cast("Scope", {"type": "http", "path": path})
    running = asyncio.ensure_future(cast("Any", under_test)(scope, None, send))
    await asyncio.wait_for(answered.wait(), REQUEST_S + MAX_LATENESS_S)
    took_s = time.monotonic() - began
    if statuses == [200]:
        await running
    return statuses, took_s


async def never(_: Scope) -> None:
    await asyncio.Event().wait()


async def stuck(_: Scope) -> None:
    """As a driver is that swallows its cancellation."""
    for _attempt in range(20):
        try:
            await asyncio.sleep(0.1)
        except asyncio.CancelledError:
            continue


@pytest.mark.parametrize("handle", [never, stuck])
async def test_a_late_handler_is_answered_for(handle: Callable[[Scope], Awaitable[object]]) -> None:
    statuses, took_s = await call(app(handle))
    assert statuses == [503]
    assert took_s >= REQUEST_S


async def test_each_call_has_its_own_time() -> None:
    async def handle(scope: Scope) -> None:
        await asyncio.sleep(REQUEST_S * 0.7 if scope["path"] == "/quick" else 60)

    under_test = app(handle)
    late = asyncio.ensure_future(call(under_test, "/late"))
    await asyncio.sleep(REQUEST_S * 0.6)
    assert (await call(under_test, "/quick"))[0] == [200], "it was ended with the other"
    assert (await late)[0] == [503]


async def test_calls_after_a_pause_are_watched_too() -> None:
    under_test = app(never)
    for _ in range(2):
        assert (await call(under_test))[0] == [503]
        await asyncio.sleep(3 * deadline.CHECK_INTERVAL_S)  # the pause after which nothing is watched


async def test_a_busy_event_loop_only_delays_the_answer() -> None:
    async def block() -> None:
        while True:
            time.sleep(0.15)  # noqa: ASYNC251 - the point
            await asyncio.sleep(0)

    blocking = asyncio.ensure_future(block())
    try:
        assert (await call(app(never)))[0] == [503]
    finally:
        blocking.cancel()


async def test_a_watch_that_looks_once_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def check_once(watch: Any, *_: object) -> None:
        for timed in list(watch._calls):  # noqa: SLF001
            if timed.deadline.answer_by <= time.monotonic():
                timed.end()

    monkeypatch.setattr(deadline._Watch, "_check", check_once)  # noqa: SLF001
    with planted_defect(), pytest.raises(TimeoutError):
        await test_calls_after_a_pause_are_watched_too()
