"""While PostgreSQL is away what is known is answered, as old; while Redis is, all goes on; both come back."""

import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import httpx
import pytest
import pytest_asyncio
from msgspec import Struct
from msgspec.structs import replace
from psycopg import conninfo

from infra import log
from infra.database.pool import connect
from infra.settings import Settings
from tests.api.checks import soon
from tests.api.opened import folding, opened
from tests.api.problems import refused
from tests.proxy import Proxy
from tests.visitor import Visitor

pytestmark = pytest.mark.asyncio(loop_scope="package")
PATIENT = 30.0


class Place(Struct, frozen=True):
    """An installation whose servers can be taken away from the API process, though not from the worker."""

    ann: Visitor
    settings: Settings
    postgres: Proxy
    redis: Proxy

    def events(self) -> int:
        """The end of the log, asked of the database itself."""
        with connect(self.settings.database_url) as connection:
            return log.head(connection)


@pytest.fixture
def proxies(own: Settings) -> Iterator[tuple[Proxy, Proxy]]:
    database, cache = conninfo.conninfo_to_dict(own.database_url), urlsplit(own.redis_url)
    with (
        Proxy.before(str(database["host"]), int(database["port"] or 5432)) as postgres,
        Proxy.before(str(cache.hostname), int(cache.port or 6379)) as redis,
    ):
        yield postgres, redis


@pytest_asyncio.fixture(loop_scope="package")
async def here(own: Settings, proxies: tuple[Proxy, Proxy]) -> AsyncIterator[Place]:
    postgres, redis = proxies
    url = conninfo.make_conninfo(own.database_url, host="127.0.0.1", port=postgres.port)
    cache = urlsplit(own.redis_url)
    address = cache._replace(netloc=f"{cache.netloc.rpartition('@')[0]}@127.0.0.1:{redis.port}".lstrip("@")).geturl()
    through = replace(own, database_url=url, redis_url=address)
    with folding(own) as fold:
        async with opened(through) as client:
            yield Place(await Visitor.settled(client, fold, "Ann"), own, postgres, redis)


@asynccontextmanager
async def away(*proxies: Proxy) -> AsyncIterator[None]:
    """They are away, and come back at the end."""
    for proxy in proxies:
        proxy.away()
    try:
        yield
    finally:
        for proxy in proxies:
            proxy.back()


def is_stale(answer: httpx.Response) -> bool:
    return str(answer.headers.get("taskledger-stale")) == "true"


async def known(here: Place) -> tuple[str, str]:
    """The paths of a task and of its list, both read a moment ago."""
    task, project = await here.ann.task(), here.ann.project
    paths = f"/tasks/{task}", f"/projects/{project}/tasks"
    for path in paths:
        assert (await here.ann.get(path))["id" if path.startswith("/tasks/") else "items"]
    return paths


async def test_while_postgresql_is_away_what_is_known_is_answered_as_old_and_the_rest_refused(here: Place) -> None:
    paths, unread = await known(here), await here.ann.task("Never read")
    here.ann.fold()
    fresh = {path: await here.ann.ask("GET", path) for path in paths}
    assert (await here.ann.ask("POST", "/tasks/search", json={})).status_code == 200
    events = here.events()
    async with away(here.postgres):
        for path in paths:
            old = await soon(lambda path=path: here.ann.ask("GET", path), is_stale)  # type: ignore[misc]
            assert old.status_code == 200
            assert int(old.headers["age"]) >= 0
            assert old.content == fresh[path].content
            assert old.headers["etag"] == fresh[path].headers["etag"]
            assert int(old.headers["taskledger-position"]) <= events
            again = await here.ann.ask("GET", path, headers={"If-None-Match": old.headers["etag"]})
            assert (again.status_code, again.content, is_stale(again)) == (304, b"", True)
            newer = await here.ann.ask("GET", f"{path}?min_position={events + 1}", headers={"Prefer": "wait=0"})
            assert newer.status_code == 503
        searched = await here.ann.ask("POST", "/tasks/search", json={})
        assert (searched.status_code, is_stale(searched)) == (200, True)
        assert refused(await here.ann.ask("GET", f"/tasks/{unread}"), 503, "storage_unavailable")
        assert int((await here.ann.ask("GET", f"/tasks/{unread}")).headers["retry-after"]) >= 1
        assert refused(await here.ann.ask("POST", f"{paths[0]}/complete"), 503, "storage_unavailable")
        assert here.events() == events, "something was done half"
    back = await soon(lambda: here.ann.ask("GET", f"/tasks/{unread}"), lambda answer: answer.is_success, PATIENT)
    assert not is_stale(back)
    assert (await here.ann.post(f"{paths[0]}/complete"))["version"] == 2
    here.ann.fold()
    shown = await soon(lambda: here.ann.ask("GET", paths[0]), lambda answer: not is_stale(answer), PATIENT)
    assert shown.json()["status"] == "done"


async def test_nobody_waits_twice_for_a_database_that_is_away(here: Place) -> None:
    """The first who asks finds it out; whoever comes next is answered from memory at once."""
    task, _ = await known(here)
    async with away(here.postgres):
        await soon(lambda: here.ann.ask("GET", task), is_stale)
        for _ in range(20):
            answer = await here.ann.ask("GET", task)
            assert is_stale(answer)
            assert answer.elapsed.total_seconds() < 1


async def test_while_postgresql_is_away_a_stranger_and_who_was_removed_are_told_nothing(here: Place) -> None:
    bob = await Visitor.settled(here.ann.client, here.ann.fold, "Bob")
    cat = await Visitor.settled(here.ann.client, here.ann.fold, "Cat")
    member = f"/workspaces/{here.ann.workspace}/members/{bob.id}"
    assert (await here.ann.ask("PUT", member, json={"role": "member"})).status_code == 200
    paths = await known(here)
    for path in paths:
        assert (await bob.get(path)) == (await here.ann.get(path))
        refused(await cat.ask("GET", path), 404, "not_found")
    assert (await here.ann.ask("DELETE", member)).status_code == 200
    async with away(here.postgres):
        for path in paths:
            await soon(lambda path=path: here.ann.ask("GET", path), is_stale)  # type: ignore[misc]
        choose = random.Random(20261121)
        for _ in range(200):
            path, who = choose.choice(paths), choose.choice([here.ann, bob, cat])
            answer = await who.ask("GET", path)
            if who is here.ann:
                assert is_stale(answer)
            else:
                refused(answer, 503, "storage_unavailable")


async def test_while_redis_is_away_all_goes_on_and_nothing_old_is_shown(here: Place) -> None:
    task, tasks = await known(here)
    async with away(here.redis):
        for version in range(1, 8):
            title = f"Title {version}"
            edit = {"title": title, "expected_version": version}
            assert (await here.ann.ask("PATCH", task, json=edit)).status_code == 200
            here.ann.fold()
            shown = await here.ann.ask("GET", task)
            assert (shown.json()["title"], is_stale(shown)) == (title, False)
            (listed,) = (await here.ann.ask("GET", tasks)).json()["items"]
            assert listed["title"] == title
    here.ann.fold()
    await soon(lambda: here.ann.ask("GET", task), lambda answer: answer.json()["version"] == 8)


async def test_a_member_who_is_removed_while_redis_is_away_is_told_nothing_more(here: Place) -> None:
    bob = await Visitor.settled(here.ann.client, here.ann.fold, "Bob")
    member = f"/workspaces/{here.ann.workspace}/members/{bob.id}"
    assert (await here.ann.ask("PUT", member, json={"role": "member"})).status_code == 200
    task, _ = await known(here)
    await bob.get(task)
    async with away(here.redis):
        assert (await here.ann.ask("DELETE", member)).status_code == 200
        refused(await bob.ask("GET", task), 404, "not_found")


async def test_without_both_nothing_is_answered(here: Place) -> None:
    """Who is a member now nobody can say: a message that somebody was removed would not be heard."""
    task, _ = await known(here)
    async with away(here.postgres, here.redis):
        answer = await soon(lambda: here.ann.ask("GET", task), lambda answer: not answer.is_success)
        refused(answer, 503, "storage_unavailable")
    back = await soon(lambda: here.ann.ask("GET", task), lambda answer: answer.is_success, PATIENT)
    assert back.json()["title"] == "Milk"
