"""Connections to PostgreSQL and Redis are cut again and again: clients get answers in between, and nothing is lost.

`TASKLEDGER_TEST_KILLS=60` in the environment runs the long version: 193 cuts in 25 seconds.
"""

import asyncio
import itertools
import os
import time
from collections.abc import AsyncIterator, Callable
from uuid import uuid4

import httpx
import psycopg
import pytest
import pytest_asyncio
from loguru import logger
from msgspec import Struct

from infra.settings import Settings
from tests.api.running_server import running_server
from tests.api_user import ApiUser
from tests.proxied_servers import proxied_postgres, proxied_redis
from tests.tcp_proxy import TcpProxy

pytestmark = pytest.mark.usefixtures("strict_time_budget")
CUTS, CUT_INTERVAL_S = (193 if "TASKLEDGER_TEST_KILLS" in os.environ else 25), 0.13
WRITERS = 4
MAX_GAP_S = 10.0
"""The longest time without an acknowledged write, on a busy machine."""


class Cut(Struct, frozen=True):
    """An API process whose servers are behind proxies."""

    ann: ApiUser
    settings: Settings
    proxies: list[TcpProxy]


@pytest_asyncio.fixture
async def here(isolated_settings: Settings, fold: Callable[[], None]) -> AsyncIterator[Cut]:
    with (
        proxied_postgres(isolated_settings) as (postgres, through_postgres),
        proxied_redis(through_postgres) as (redis, through_both),
        running_server(through_both) as (_, address),
    ):
        async with httpx.AsyncClient(base_url=address, timeout=30) as client:
            yield Cut(await ApiUser.register_with_project(client, fold, "Ann"), isolated_settings, [postgres, redis])


async def test_clients_write_on_while_connections_are_cut(here: Cut) -> None:
    errors: list[str] = []
    sink = logger.add(lambda message: errors.append(str(message)), level="ERROR")
    acknowledged: list[tuple[float, str]] = []
    ended = asyncio.Event()
    writers = [asyncio.create_task(write(here.ann, acknowledged, ended)) for _ in range(WRITERS)]
    for _ in range(CUTS):
        await asyncio.sleep(CUT_INTERVAL_S)
        for proxy in here.proxies:
            proxy.drop_connections()
    ended.set()
    await asyncio.gather(*writers)
    logger.remove(sink)
    moments = sorted(at for at, _ in acknowledged)
    longest_gap_s = max(later - earlier for earlier, later in itertools.pairwise(moments))
    print(f"{CUTS} cuts, {len(acknowledged)} writes, longest gap {longest_gap_s:.2f} s")  # noqa: T201 - shown by -s
    assert here.proxies[0].dropped_count > CUTS
    assert longest_gap_s < MAX_GAP_S
    assert not errors
    with psycopg.connect(here.settings.database_url) as connection:
        rows = connection.execute("select convert_from(state, 'utf8') from log.events where topic = 'TaskCreated'")
        written = [state for (state,) in rows]
    for _, title in acknowledged:
        assert sum(title in state for state in written) == 1


async def write(ann: ApiUser, acknowledged: list[tuple[float, str]], ended: asyncio.Event) -> None:
    """Create tasks, each with a key, until its outcome is definite."""
    path = f"/projects/{ann.project}/tasks"
    while not ended.is_set():
        title = key = str(uuid4())
        while True:
            response = await ann.request("POST", path, json={"title": title}, headers={"Idempotency-Key": key})
            assert response.status_code in {201, 503}, response.text
            if response.status_code == 201:
                acknowledged.append((time.monotonic(), title))
                break
