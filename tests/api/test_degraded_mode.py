"""Degraded mode: without PostgreSQL, cached answers are served as stale; without Redis, all works; both recover."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any
from uuid import UUID

import httpx
import msgspec
import psycopg
import pytest
import pytest_asyncio
from msgspec import Struct

from infra import log
from infra.database.connections import connect
from infra.identity.permissions import Permission, Permissions
from infra.reading.shared_cache import SharedCache
from infra.settings import Settings
from tests.api.guarantees import eventually
from tests.api.in_process_app import app_client, manual_projector
from tests.api.problems import assert_problem
from tests.api_user import ApiUser
from tests.planted_defects import assert_async_check_fails
from tests.proxied_servers import proxied_postgres, proxied_redis
from tests.tcp_proxy import TcpProxy

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.slow]
TIMEOUT_S = 30.0
DEGRADED_READS = 1_000


class Installation(Struct, frozen=True):
    """An installation whose servers can be cut off from the API process, but not from the worker."""

    ann: ApiUser
    settings: Settings
    postgres_proxy: TcpProxy
    redis_proxy: TcpProxy

    def log_head(self) -> int:
        """The head of the log, read from the database itself."""
        with connect(self.settings.database_url) as connection:
            return log.head(connection)


@pytest_asyncio.fixture(loop_scope="package")
async def installation(isolated_settings: Settings) -> AsyncIterator[Installation]:
    with (
        proxied_postgres(isolated_settings) as (postgres, through_postgres),
        proxied_redis(through_postgres) as (redis, through_both),
        manual_projector(isolated_settings) as fold,
    ):
        async with app_client(through_both) as client:
            ann = await ApiUser.register_with_project(client, fold, "Ann")
            yield Installation(ann, isolated_settings, postgres, redis)


@asynccontextmanager
async def unreachable(*proxies: TcpProxy) -> AsyncIterator[None]:
    """Cut off these servers for the duration of the block."""
    for proxy in proxies:
        proxy.refuse_connections()
    try:
        yield
    finally:
        for proxy in proxies:
            proxy.accept_connections()


def is_stale(answer: httpx.Response) -> bool:
    return str(answer.headers.get("taskledger-stale")) == "true"


async def read_task_and_list(here: Installation) -> tuple[str, str]:
    """The paths of a task and of its list, both cached by a recent read."""
    task, project = await here.ann.create_task(), here.ann.project
    paths = f"/tasks/{task}", f"/projects/{project}/tasks"
    for path in paths:
        assert (await here.ann.get(path))["id" if path.startswith("/tasks/") else "items"]
    return paths


async def test_without_postgresql_cached_answers_are_served_stale_and_others_refused(
    installation: Installation,
) -> None:
    paths, unread = await read_task_and_list(installation), await installation.ann.create_task("Never read")
    installation.ann.fold()
    fresh = {path: await installation.ann.request("GET", path) for path in paths}
    assert (await installation.ann.request("POST", "/tasks/search", json={})).status_code == 200
    events = installation.log_head()
    async with unreachable(installation.postgres_proxy):
        for path in paths:
            old = await eventually(lambda path=path: installation.ann.request("GET", path), is_stale)  # type: ignore[misc]
            assert old.status_code == 200
            assert int(old.headers["age"]) >= 0
            assert old.content == fresh[path].content
            assert old.headers["etag"] == fresh[path].headers["etag"]
            assert int(old.headers["taskledger-position"]) <= events
            again = await installation.ann.request("GET", path, headers={"If-None-Match": old.headers["etag"]})
            assert (again.status_code, again.content, is_stale(again)) == (304, b"", True)
            newer = await installation.ann.request(
                "GET", f"{path}?min_position={events + 1}", headers={"Prefer": "wait=0"}
            )
            assert newer.status_code == 503
        searched = await installation.ann.request("POST", "/tasks/search", json={})
        assert (searched.status_code, is_stale(searched)) == (200, True)
        assert assert_problem(await installation.ann.request("GET", f"/tasks/{unread}"), 503, "storage_unavailable")
        assert int((await installation.ann.request("GET", f"/tasks/{unread}")).headers["retry-after"]) >= 1
        assert assert_problem(
            await installation.ann.request("POST", f"{paths[0]}/complete"), 503, "storage_unavailable"
        )
        assert installation.log_head() == events, "something was done half"
    back = await eventually(
        lambda: installation.ann.request("GET", f"/tasks/{unread}"), lambda answer: answer.is_success, TIMEOUT_S
    )
    assert not is_stale(back)
    assert (await installation.ann.post(f"{paths[0]}/complete"))["version"] == 2
    installation.ann.fold()
    shown = await eventually(
        lambda: installation.ann.request("GET", paths[0]), lambda answer: not is_stale(answer), TIMEOUT_S
    )
    assert shown.json()["status"] == "done"


async def test_only_the_first_request_waits_for_an_unreachable_database(installation: Installation) -> None:
    """The first request detects the outage; later ones are answered from the in-process cache at once."""
    task, _ = await read_task_and_list(installation)
    async with unreachable(installation.postgres_proxy):
        await eventually(lambda: installation.ann.request("GET", task), is_stale)
        for _ in range(20):
            answer = await installation.ann.request("GET", task)
            assert is_stale(answer)
            assert answer.elapsed.total_seconds() < 1


async def shared_part(who: ApiUser, path: str) -> dict[str, Any]:
    """An answer without what it says of the reader."""
    return {name: value for name, value in (await who.get(path)).items() if name != "watching"}


async def only_known_members_get_cached_answers(installation: Installation) -> None:
    bob = await ApiUser.register_with_project(installation.ann.client, installation.ann.fold, "Bob")
    cat = await ApiUser.register_with_project(installation.ann.client, installation.ann.fold, "Cat")
    member = f"/workspaces/{installation.ann.workspace}/members/{bob.id}"
    assert (await installation.ann.request("PUT", member, json={"role": "member"})).status_code == 200
    paths = await read_task_and_list(installation)
    for path in paths:
        assert await shared_part(bob, path) == await shared_part(installation.ann, path)
        assert_problem(await cat.request("GET", path), 404, "not_found")
    assert (await installation.ann.request("DELETE", member)).status_code == 200
    async with unreachable(installation.postgres_proxy):
        for path in paths:
            await eventually(lambda path=path: installation.ann.request("GET", path), is_stale)  # type: ignore[misc]
        choose, stale_count = random.Random(20261121), 0
        for _ in range(DEGRADED_READS):
            await asyncio.sleep(0)  # answers from memory leave the subscription no turn, and its silence is distrusted
            path, who = choose.choice(paths), choose.choice([installation.ann, bob, cat])
            answer = await who.request("GET", path)
            if who is not installation.ann or not is_stale(answer):
                assert_problem(answer, 503, "storage_unavailable")
            stale_count += is_stale(answer)
        assert stale_count > DEGRADED_READS // 10, "cached answers were refused to the one who may see them"


async def test_without_postgresql_only_known_members_get_cached_answers(installation: Installation) -> None:
    await only_known_members_get_cached_answers(installation)


async def test_stale_answers_for_everyone_are_noticed(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without PostgreSQL, permissions that cannot be read are taken for granted."""
    require_access = Permissions.require_access

    async def trusting(permissions: Permissions, *who: UUID | None) -> Permission:
        with contextlib.suppress(psycopg.OperationalError):
            return await require_access(permissions, *who)  # type: ignore[arg-type]  # as given
        return tuple(filter(None, who))

    monkeypatch.setattr(Permissions, "require_access", trusting)
    await assert_async_check_fails(partial(only_known_members_get_cached_answers, installation))


async def everything_works_without_redis_and_nothing_stale_is_served(installation: Installation) -> None:
    task, tasks = await read_task_and_list(installation)
    async with unreachable(installation.redis_proxy):
        for version in range(1, 8):
            title = f"Title {version}"
            edit = {"title": title, "expected_version": version}
            assert (await installation.ann.request("PATCH", task, json=edit)).status_code == 200
            installation.ann.fold()
            shown = await installation.ann.request("GET", task)
            assert shown.status_code == 200
            assert (shown.json()["title"], is_stale(shown)) == (title, False)
            (listed,) = (await installation.ann.request("GET", tasks)).json()["items"]
            assert listed["title"] == title
    installation.ann.fold()
    await eventually(lambda: installation.ann.request("GET", task), lambda answer: answer.json()["version"] == 8)


async def test_without_redis_everything_works_and_nothing_stale_is_served(installation: Installation) -> None:
    await everything_works_without_redis_and_nothing_stale_is_served(installation)


async def test_a_cache_that_has_to_answer_is_noticed(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def strict(cache: SharedCache, key: str, value_type: type[Struct]) -> Struct | None:
        data: Any = await cache._client.get(key)  # noqa: SLF001 - the defect belongs in this method
        return msgspec.msgpack.decode(data, type=value_type) if data else None

    monkeypatch.setattr(SharedCache, "get", strict)
    await assert_async_check_fails(partial(everything_works_without_redis_and_nothing_stale_is_served, installation))


async def test_a_member_removed_without_redis_gets_not_found(installation: Installation) -> None:
    bob = await ApiUser.register_with_project(installation.ann.client, installation.ann.fold, "Bob")
    member = f"/workspaces/{installation.ann.workspace}/members/{bob.id}"
    assert (await installation.ann.request("PUT", member, json={"role": "member"})).status_code == 200
    task, _ = await read_task_and_list(installation)
    await bob.get(task)
    async with unreachable(installation.redis_proxy):
        assert (await installation.ann.request("DELETE", member)).status_code == 200
        assert_problem(await bob.request("GET", task), 404, "not_found")


async def test_without_postgresql_and_redis_reads_are_refused(installation: Installation) -> None:
    """Membership is unknown: the message of a removal would not arrive."""
    task, _ = await read_task_and_list(installation)
    async with unreachable(installation.postgres_proxy, installation.redis_proxy):
        answer = await eventually(lambda: installation.ann.request("GET", task), lambda answer: not answer.is_success)
        assert_problem(answer, 503, "storage_unavailable")
    back = await eventually(lambda: installation.ann.request("GET", task), lambda answer: answer.is_success, TIMEOUT_S)
    assert back.json()["title"] == "Milk"
