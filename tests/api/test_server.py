"""The server of an API process: a stop drains it, then answers the requests that still wait at once."""

import asyncio
import threading
import time
from collections.abc import Callable

import httpx
import pytest

from api.connections.connection import Connection
from api.server import Server
from infra.reading.progress_waiting import ProgressWaiter
from infra.settings import Settings
from tests.api.guarantees import eventually
from tests.api.problems import assert_problem
from tests.api.running_server import JOIN_TIMEOUT_S, running_server
from tests.api_user import ApiUser
from tests.law import planted_defect

pytestmark = pytest.mark.slow

DRAIN_S = 30.0
"""Longer than any test; each ends it when it has seen enough."""


async def stop_during_a_wait(settings: Settings, fold: Callable[[], None]) -> tuple[httpx.Response, float]:
    """The response to a read that waits for a worker when the server stops, and how long the stop took it."""
    with running_server(settings) as (server, url):
        async with httpx.AsyncClient(base_url=url, timeout=JOIN_TIMEOUT_S) as client:
            user = await ApiUser.register_with_project(client, fold, "Ann")
            fold()
            task = await user.post(f"/projects/{user.project}/tasks", title="Milk")
            waiting = await start_waiting(user, f"/tasks?min_position={task['position']}")
            began = time.monotonic()
            server.should_exit = True
            return await waiting, time.monotonic() - began


async def start_waiting(user: ApiUser, path: str) -> asyncio.Task[httpx.Response]:
    """A read that the server has, and does not answer before a worker has come so far."""
    began, wait = threading.Event(), ProgressWaiter.wait

    async def begin_to_wait(waiter: ProgressWaiter, projection: str, position: int, timeout_s: float) -> None:
        began.set()
        await wait(waiter, projection, position, timeout_s)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ProgressWaiter, "wait", begin_to_wait)
        waiting = asyncio.create_task(user.request("GET", path, headers={"Prefer": "wait=10"}))
        assert await asyncio.to_thread(began.wait, JOIN_TIMEOUT_S)
    assert not waiting.done()
    return waiting


async def test_a_stop_answers_a_waiting_read_at_once(settings: Settings, fold: Callable[[], None]) -> None:
    response, took_s = await stop_during_a_wait(settings, fold)
    assert_problem(response, 503, "shutting_down")
    assert response.headers["Retry-After"] == "1"
    assert took_s < 4, "below the 5 s after which uvicorn cancels it"


async def test_a_waiter_that_is_not_ended_is_noticed(
    settings: Settings, fold: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ProgressWaiter, "close", lambda _: None)
    with planted_defect(), pytest.raises((AssertionError, httpx.HTTPError)):
        await test_a_stop_answers_a_waiting_read_at_once(settings, fold)


async def a_draining_server_serves_on(settings: Settings, fold: Callable[[], None]) -> None:
    """Over old and new connections, each for one response; a read that waits gets its answer."""
    with running_server(settings, DRAIN_S) as (server, url):
        async with httpx.AsyncClient(base_url=url, timeout=JOIN_TIMEOUT_S) as client:
            user = await ApiUser.register_with_project(client, fold, "Ann")
            task = await user.post(f"/projects/{user.project}/tasks", title="Milk")
            path = f"/tasks/{task['id']}?min_position={task['position']}"
            assert "connection" not in (await client.get("/auth/me")).headers
            waiting = await start_waiting(user, path)
            server.should_exit = True
            ready = await eventually(lambda: client.get(f"{url}/../../health/ready"), lambda answer: answer.is_error)
            assert_problem(ready, 503, "service_unavailable")
            for _ in range(2):
                written = await user.request("POST", f"/projects/{user.project}/tasks", json={"title": "Bread"})
                assert (written.status_code, written.headers.get("connection")) == (201, "close")
            await asyncio.to_thread(fold)
            read = await waiting
            assert (read.status_code, read.headers.get("connection")) == (200, "close")


async def test_a_draining_server_serves_on_and_is_not_ready(settings: Settings, fold: Callable[[], None]) -> None:
    await a_draining_server_serves_on(settings, fold)


async def no_drain(_: Server) -> None:
    pass


def connections_kept_open(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Connection, "close_after_response", lambda _: None)


def waiting_ended_first(patch: pytest.MonkeyPatch) -> None:
    serve_on = Server._serve_on  # noqa: SLF001 - the defect belongs in this method

    async def ending_first(server: Server) -> None:
        server._end_waiting()  # noqa: SLF001 - as above
        await serve_on(server)

    patch.setattr(Server, "_serve_on", ending_first)


def a_stop_without_a_drain(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Server, "_serve_on", no_drain)


@pytest.mark.parametrize("plant", [connections_kept_open, waiting_ended_first, a_stop_without_a_drain])
async def test_a_server_that_does_not_serve_on_is_noticed(
    settings: Settings,
    fold: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    plant: Callable[[pytest.MonkeyPatch], None],
) -> None:
    plant(monkeypatch)
    with planted_defect(), pytest.raises((AssertionError, httpx.HTTPError)):
        await a_draining_server_serves_on(settings, fold)
