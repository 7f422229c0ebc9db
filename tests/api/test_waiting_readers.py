"""Waiting readers: they leave their places to others, and ask the database as one."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from psycopg import AsyncCursor

from infra import admission
from infra.reading import progress_waiting
from infra.settings import Settings
from tests.api.running_server import JOIN_TIMEOUT_S, running_server
from tests.api_user import ApiUser
from tests.law import planted_defect

READERS, HELD_S, MAX_WAIT_S = 40, 2, 10
pytestmark = pytest.mark.asyncio(loop_scope="package")


async def waiting_readers_leave_their_places(
    settings: Settings, fold: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> int:
    """The number of queries for their positions while they are held, after checking that a write succeeds meanwhile."""
    monkeypatch.setattr(admission, "MIN_PLACES", 4)
    monkeypatch.setattr(admission, "RESERVED_FOR_READS", 0)
    monkeypatch.setattr(admission, "MAX_BURST_REQUESTS", READERS // 2)
    queries, execute = list[str](), AsyncCursor.execute

    async def execute_and_record(cursor: Any, query: Any, *arguments: Any, **named: Any) -> Any:
        queries.append(str(query))
        return await execute(cursor, query, *arguments, **named)

    monkeypatch.setattr(AsyncCursor, "execute", execute_and_record)
    limits = httpx.Limits(max_connections=READERS + 2)
    with running_server(settings) as (_, url):
        async with httpx.AsyncClient(base_url=url, timeout=JOIN_TIMEOUT_S, limits=limits) as client:
            user = await ApiUser.register_with_project(client, fold, "Ann")
            task = await user.request("POST", f"/projects/{user.project}/tasks", json={"title": "Milk"})
            path = f"/tasks?min_position={task.headers['Taskledger-Position']}"
            headers, readers = {"Prefer": f"wait={MAX_WAIT_S}"}, []
            for _ in range(READERS):
                readers.append(asyncio.create_task(user.request("GET", path, headers=headers)))
                await asyncio.sleep(0.01)  # one after the other: they are no burst
            created = await user.request("POST", f"/projects/{user.project}/tasks", json={"title": "Bread"})
            assert created.status_code == 201, created.text
            await asyncio.sleep(HELD_S)  # their questions of this time are counted
            assert not any(reader.done() for reader in readers), "a reader did not wait"
            fold()
            codes = {answer.status_code for answer in await asyncio.gather(*readers)}
    assert codes == {200}
    return sum("checkpoint.position" in query for query in queries)


async def test_waiting_readers_take_no_places_and_ask_as_one(
    settings: Settings, fold: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = await waiting_readers_leave_their_places(settings, fold, monkeypatch)
    alone = READERS * HELD_S / progress_waiting.WAITER_POLL_INTERVAL_S
    print(f"asked {asked} times instead of {READERS + alone:.0f}")  # noqa: T201 - the figures
    assert asked < READERS + alone / 4


async def test_waiting_readers_that_keep_their_places_are_noticed(
    settings: Settings, fold: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission.Place, "leave", lambda _: None)
    with planted_defect(), pytest.raises(AssertionError):
        await waiting_readers_leave_their_places(settings, fold, monkeypatch)


async def test_readers_that_ask_one_by_one_are_noticed(
    settings: Settings, fold: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fetch_alone(waiter: progress_waiting.ProgressWaiter, projection: str, _: float) -> int:
        return await waiter._select_position(projection)  # noqa: SLF001 - the defect

    monkeypatch.setattr(progress_waiting.ProgressWaiter, "_fetch_position", fetch_alone)
    with planted_defect(), pytest.raises(AssertionError, match="assert"):
        await test_waiting_readers_take_no_places_and_ask_as_one(settings, fold, monkeypatch)
