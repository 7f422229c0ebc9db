"""The server of an API process: a stop answers the requests that wait, at once."""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from api.server import Server, create_server
from infra.reading.progress_waiting import ProgressWaiter
from infra.settings import Settings
from tests.api.problems import assert_problem
from tests.api_user import ApiUser
from tests.law import planted_defect

JOIN_TIMEOUT_S = 15


@contextlib.contextmanager
def running_server(settings: Settings) -> Iterator[tuple[Server, str]]:
    """A server, and the URL of its API; no worker runs beside it."""
    server = create_server(settings, max_files=1024)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield server, f"http://127.0.0.1:{listener.getsockname()[1]}/api/v1"
        finally:
            server.should_exit = True
            thread.join(JOIN_TIMEOUT_S)


async def stop_during_a_wait(settings: Settings, fold: Callable[[], None]) -> tuple[httpx.Response, float]:
    """The response to a read that waits for a worker when the server stops, and how long the stop took it."""
    with running_server(settings) as (server, url):
        async with httpx.AsyncClient(base_url=url, timeout=JOIN_TIMEOUT_S) as client:
            user = await ApiUser.register_with_project(client, fold, "Ann")
            fold()
            task = await user.post(f"/projects/{user.project}/tasks", title="Milk")
            waiting = asyncio.create_task(
                user.request("GET", f"/tasks?min_position={task['position']}", headers={"Prefer": "wait=10"})
            )
            await asyncio.sleep(0.3)
            assert not waiting.done()
            began = time.monotonic()
            server.should_exit = True
            return await waiting, time.monotonic() - began


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
