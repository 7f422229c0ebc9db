"""Redis freezes, refuses or loses its data: no request fails for it, and none is late."""

import asyncio
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
import pytest_asyncio
from msgspec import Struct
from msgspec.structs import replace

from infra.settings import Settings
from tests.api.running_server import running_server
from tests.api.test_frozen_database import assert_answered, every_operation, timed
from tests.api_user import PASSWORD, ApiUser
from tests.proxied_servers import proxied_redis
from tests.tcp_proxy import TcpProxy

pytestmark = [pytest.mark.usefixtures("strict_time_budget"), pytest.mark.slow]


class WithoutRedis(Struct, frozen=True):
    """An API process whose cache and broker are one Redis behind a proxy."""

    ann: ApiUser
    proxy: TcpProxy


@pytest_asyncio.fixture
async def here(isolated_settings: Settings, fold: Callable[[], None]) -> AsyncIterator[WithoutRedis]:
    with (
        proxied_redis(isolated_settings) as (proxy, through),
        running_server(replace(through, broker_url=through.redis_url)) as (_, address),
    ):
        limits = httpx.Limits(max_connections=500)
        async with httpx.AsyncClient(base_url=address, timeout=30, limits=limits) as client:
            yield WithoutRedis(await ApiUser.register_with_project(client, fold, "Ann"), proxy)


def deletes_the_user(method: str, url: str) -> bool:
    return method == "DELETE" and url.endswith("/auth/me")


@pytest.mark.parametrize("loss", ["freeze", "refuse_connections"])
async def test_every_operation_is_answered_in_time_without_redis(here: WithoutRedis, loss: str) -> None:
    task = await here.ann.create_task()
    operations = [one for one in await every_operation(here.ann) if not deletes_the_user(*one)]
    getattr(here.proxy, loss)()
    requests = [
        timed(here.ann.request(method, url, json=None if method == "GET" else {})) for method, url in operations
    ]
    login = timed(here.ann.client.post("/auth/login", json={"email": here.ann.email, "password": PASSWORD}))
    complete = timed(here.ann.request("POST", f"/tasks/{task}/complete"))
    answers = await asyncio.gather(login, complete, *requests)
    assert_answered(answers)
    assert [answer.status_code for answer, _ in answers[:2]] == [200, 200], "it needs no Redis"
    assert not [str(answer.request.url) for answer, _ in answers if answer.status_code == 503], "none needs it"
