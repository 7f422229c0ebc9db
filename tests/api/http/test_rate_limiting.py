"""Rate limiting over HTTP: every limited route counts by token, user and address, and says so."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pytest
import pytest_asyncio

from api.http import rate_limiting
from api.http.rate_limiting import Caller, RequestLimiter
from infra.identity.trusted_proxies import TrustedProxyList
from infra.messaging import redis_clients
from infra.rate_limits import attempts, route_class
from infra.rate_limits.attempts import AttemptLimits
from infra.rate_limits.lease import spend
from infra.rate_limits.leases import Leases
from infra.rate_limits.limit import AUTH_LIMIT, RateLimit
from infra.rate_limits.route_class import LIMITS_BY_CLASS, ClassLimits
from infra.settings import Settings
from tests.api import openapi_contract
from tests.api.in_process_app import UNREACHABLE_REDIS_URL, app_client, app_clients
from tests.api.problems import assert_problem
from tests.api_user import PASSWORD, ApiUser
from tests.planted_defects import assert_async_check_fails

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.slow]

TOKEN_QUOTA, USER_QUOTA, ADDRESS_QUOTA = 10, 16, 24
LEASES_FOR_TWO = 2 * 2
"""Of the quotas above, in two processes: the address's lease is two requests."""


@pytest.fixture
def _small_limits(shared_user: ApiUser, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of an hour, so that nothing is whole again during a test.

    The shared application knows its address before: it must not count its other clients by these limits.
    """
    assert shared_user.id
    for name in LIMITS_BY_CLASS:
        small = ClassLimits(
            RateLimit(f"{name}-token", TOKEN_QUOTA, 3600),
            RateLimit(f"{name}-user", USER_QUOTA, 3600),
            RateLimit(f"{name}-address", ADDRESS_QUOTA, 3600),
        )
        monkeypatch.setitem(route_class.LIMITS_BY_CLASS, name, small)
    monkeypatch.setattr("infra.rate_limits.lease.LEASES_PER_QUOTA", 0.1)  # one process: settled or not, it is exact


@pytest_asyncio.fixture(loop_scope="package")
async def clients(settings: Settings, _small_limits: None) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Clients of one application with small limits, from two addresses that no limit has counted yet."""
    addresses = (f"2001:db8:{uuid4().hex[:4]}:{uuid4().hex[:4]}::1" for _ in range(2))
    async with app_clients(settings, *addresses) as both:
        yield both


def limit_of(response: httpx.Response) -> tuple[str, int, int]:
    """The name, the remainder and the reset of a RateLimit header."""
    found = re.fullmatch(r'"([a-z-]+)";r=(\d+);t=(\d+)', response.headers["ratelimit"])
    assert found, response.headers
    return found[1], int(found[2]), int(found[3])


async def statuses(user: ApiUser, count: int, method: str = "GET", path: str = "/workspaces") -> Counter[int]:
    return Counter([(await user.request(method, path)).status_code for _ in range(count)])


def at(user: ApiUser, client: httpx.AsyncClient) -> ApiUser:
    """The same token, elsewhere."""
    return user.with_token(user.token, client=client)


async def test_every_limited_route_reports_its_limits(ann: ApiUser) -> None:
    """Answers of any status: the requests are refused for their empty bodies, ids of nothing, or want of a token."""
    found = Counter[str]()
    for path, methods in openapi_contract.app_contract().description["paths"].items():
        for method, operation in methods.items():
            is_limited = path.startswith("/api/v1/")
            for user in ({}, ann.headers) if operation["operationId"] != "logout" else ({},):
                url = "http://test" + re.sub(r"{\w+}", str(uuid4()), path)
                response = await ann.client.request(method, url, headers=user, json={} if method != "get" else None)
                assert ("ratelimit" in response.headers) == is_limited, (operation["operationId"], response.status_code)
                if is_limited:
                    name, *_ = limit_of(response)
                    assert f'"{name}";q=' in response.headers["ratelimit-policy"]
                    found[name] += 1
    assert found.keys() == {
        "read-token", "read-address", "write-token", "write-address", "search-token", "search-address", "auth"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "", 404), ("GET", "/nothing", 404), ("POST", "/nothing/here", 404), ("PUT", "/tasks", 405),
     ("DELETE", "/auth/login", 405), ("HEAD", "/nothing", 404)],
)  # fmt: skip
async def test_addresses_and_methods_that_do_not_exist_count_as_reads(
    clients: list[httpx.AsyncClient], method: str, path: str, status: int
) -> None:
    stranger, other = clients
    for left in reversed(range(ADDRESS_QUOTA)):
        answer = await stranger.request(method, path)
        assert (answer.status_code, limit_of(answer)[:2]) == (status, ("read-address", left))
    refused = await stranger.request(method, path)
    assert refused.status_code == 429
    assert limit_of(refused)[:2] == ("read-address", 0)
    assert (await stranger.request("GET", "/tasks")).status_code == 429
    assert (await other.request(method, path)).status_code == status
    assert "ratelimit" not in (await stranger.get("http://test/nothing")).headers


async def test_what_does_not_exist_counts_for_a_known_token(ann: ApiUser, clients: list[httpx.AsyncClient]) -> None:
    user = at(ann, clients[0])
    assert limit_of(await user.request("GET", "/workspaces"))[:2] == ("read-token", TOKEN_QUOTA - 1)
    assert limit_of(await user.request("GET", "/nothing"))[:2] == ("read-token", TOKEN_QUOTA - 2)


async def test_a_filter_makes_a_list_a_search(ann: ApiUser) -> None:
    for path, name in [("/tasks", "read-token"), ("/tasks?filter=milk", "search-token")]:
        assert limit_of(await ann.request("GET", path))[0] == name


async def hot_reads_are_counted(user: ApiUser) -> None:
    """As those that the application answers, whole or not modified."""
    task = f"/tasks/{await user.create_task()}"
    user.fold()
    answers = [await user.request("GET", task) for _ in range(5)]
    answers.append(await user.request("GET", task, headers={"If-None-Match": answers[0].headers["etag"]}))
    assert [one.status_code for one in answers] == [200] * 5 + [304]
    assert [limit_of(one)[:2] for one in answers] == [("read-token", TOKEN_QUOTA - 1 - at) for at in range(6)]


async def test_hot_reads_are_counted(ann: ApiUser, clients: list[httpx.AsyncClient]) -> None:
    await hot_reads_are_counted(at(ann, clients[0]))


async def test_hot_reads_that_are_not_counted_are_noticed(
    ann: ApiUser, clients: list[httpx.AsyncClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = [(b"ratelimit", b'"read-token";r=9;t=1'), (b"ratelimit-policy", b'"read-token";q=10;w=3600')]
    monkeypatch.setattr(RequestLimiter, "count_known", lambda *_: fields)
    await assert_async_check_fails(lambda: hot_reads_are_counted(at(ann, clients[0])))


async def hot_reads_in_blocks_stay_within_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A block is two requests here: each is counted before its first, and a last one may be single."""
    limits = [RateLimit("read-token", 2_001, 36_000), RateLimit("read-user", 4_000, 36_000)]
    leases = Leases(redis_clients.cache_client(UNREACHABLE_REDIS_URL), uuid4().hex)
    monkeypatch.setattr("infra.rate_limits.lease.LEASES_PER_QUOTA", 0.1)
    attempt_limits = AttemptLimits(redis_clients.cache_client(UNREACHABLE_REDIS_URL), uuid4().hex, is_enabled=True)
    limiter = RequestLimiter(leases, attempt_limits, TrustedProxyList())
    own = tuple(leases.find(limit, "ann") for limit in limits)
    limiter._callers[(b"Bearer ann\n", "203.0.113.1", "read")] = Caller(own, "read")  # noqa: SLF001 - as if it were known
    scope: Any = {"client": ("203.0.113.1", 1), "headers": []}
    answers = [limiter.count_known(scope, b"Bearer ann\n", "read") for _ in range(3_000)]
    assert [fields is not None for fields in answers] == [True] * 2_001 + [False] * 999
    assert own[0].unsettled == 2_001
    assert limiter.count_known(scope, b"Bearer bob\n", "read") is None


async def test_hot_reads_in_blocks_stay_within_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    await hot_reads_in_blocks_stay_within_the_limit(monkeypatch)


async def test_blocks_that_are_counted_as_one_request_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limiting, "spend", lambda *given: spend(*given[:3]))
    await assert_async_check_fails(lambda: hot_reads_in_blocks_stay_within_the_limit(monkeypatch))


async def test_a_token_over_its_limit_is_refused(ann: ApiUser, clients: list[httpx.AsyncClient]) -> None:
    user = at(ann, clients[0])
    assert await statuses(user, TOKEN_QUOTA) == {200: TOKEN_QUOTA}
    refused = await user.request("GET", "/workspaces")
    problem = assert_problem(refused, 429, "too_many_requests")
    wait = int(refused.headers["retry-after"])
    assert 0 < wait <= 3600 // TOKEN_QUOTA
    assert problem["params"] == {"policy": "read-token", "quota": TOKEN_QUOTA, "window": 3600, "retry_after": wait}
    assert refused.headers["ratelimit"] == f'"read-token";r=0;t={wait}'
    assert refused.headers["ratelimit-policy"] == f'"read-token";q={TOKEN_QUOTA};w=3600'
    assert (await user.request("POST", "/workspaces", json={"name": "Home"})).status_code == 201, "another class"
    assert (await user.request("GET", "/tasks?filter=milk")).status_code == 200, "another class"


async def test_tokens_share_the_limit_of_their_user(ann: ApiUser, clients: list[httpx.AsyncClient]) -> None:
    user, agent = at(ann, clients[0]), at(await ann.with_personal_token("read", kind="agent"), clients[0])
    assert await statuses(user, TOKEN_QUOTA) == {200: TOKEN_QUOTA}
    assert await statuses(agent, TOKEN_QUOTA) == {
        200: USER_QUOTA - TOKEN_QUOTA,
        429: TOKEN_QUOTA + TOKEN_QUOTA - USER_QUOTA,
    }
    assert limit_of(await agent.request("GET", "/workspaces"))[0] == "read-user"


async def test_users_share_the_limit_of_their_address(
    ann: ApiUser, bob: ApiUser, clients: list[httpx.AsyncClient]
) -> None:
    for one in (ann, bob):
        assert await statuses(at(one, clients[0]), TOKEN_QUOTA) == {200: TOKEN_QUOTA}
    nobody = [await clients[0].get("/workspaces") for _ in range(10)]
    rest = ADDRESS_QUOTA - 2 * TOKEN_QUOTA
    assert [one.status_code for one in nobody] == [401] * rest + [429] * (10 - rest), "refused before authentication"
    assert limit_of(nobody[-1])[0] == "read-address"
    assert (await at(bob, clients[1]).request("POST", "/workspaces", json={"name": "Home"})).status_code == 201


async def test_requests_of_a_user_over_the_limit_leave_those_of_the_address(
    ann: ApiUser, bob: ApiUser, clients: list[httpx.AsyncClient]
) -> None:
    assert await statuses(at(ann, clients[0]), 5 * ADDRESS_QUOTA) == {
        200: TOKEN_QUOTA, 429: 5 * ADDRESS_QUOTA - TOKEN_QUOTA
    }  # fmt: skip
    assert await statuses(at(bob, clients[0]), TOKEN_QUOTA) == {200: TOKEN_QUOTA}


@pytest.mark.usefixtures("_small_limits")
async def test_a_limit_is_shared_by_processes(
    ann: ApiUser, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.rate_limits.lease.LEASES_PER_QUOTA", 10)
    monkeypatch.setattr(redis_clients, "REDIS_S", 30.0)
    passed, refused_in_a_row = 0, 0
    async with app_client(settings, "203.0.113.60") as one, app_client(settings, "203.0.113.61") as other:
        while refused_in_a_row < 6:
            for user in (at(ann, one), at(ann, other)):
                is_passed = (await user.request("GET", "/workspaces")).status_code == 200
                passed, refused_in_a_row = passed + is_passed, 0 if is_passed else refused_in_a_row + 1
            await asyncio.sleep(0.1)  # several times the interval at which processes settle
    assert TOKEN_QUOTA <= passed <= TOKEN_QUOTA + LEASES_FOR_TWO


@pytest.mark.usefixtures("_small_limits")
async def test_without_redis_a_process_limits_alone(ann: ApiUser, settings: Settings) -> None:
    away = msgspec.structs.replace(settings, redis_url=UNREACHABLE_REDIS_URL, broker_url=UNREACHABLE_REDIS_URL)
    async with app_client(away, "203.0.113.62") as lonely:
        user = at(ann, lonely)
        assert await statuses(user, TOKEN_QUOTA + 5) == {200: TOKEN_QUOTA, 429: 5}
        assert limit_of(await user.request("POST", "/tasks/search", json={}))[1] == TOKEN_QUOTA - 1


@pytest.mark.usefixtures("_small_limits")
async def test_no_limit_is_counted_or_reported_when_disabled(ann: ApiUser, settings: Settings) -> None:
    async with app_client(msgspec.structs.replace(settings, rate_limits="off")) as unlimited:
        user = at(ann, unlimited)
        assert await statuses(user, 2 * ADDRESS_QUOTA) == {200: 2 * ADDRESS_QUOTA}
        for response in (
            await user.request("GET", "/workspaces"),
            await unlimited.post("/auth/login", json={"email": ann.email, "password": PASSWORD}),
        ):
            assert not {"ratelimit", "ratelimit-policy"} & response.headers.keys()


@pytest.mark.usefixtures("_small_limits")
async def test_behind_a_trusted_proxy_addresses_are_counted_apart(settings: Settings) -> None:
    trusting = msgspec.structs.replace(settings, trusted_proxies="203.0.113.63")
    async with app_client(trusting, "203.0.113.63") as proxied:
        hosts = [f"2001:db8:{uuid4().hex[:4]}:{uuid4().hex[:4]}::1" for _ in range(2)]
        for host in hosts:
            answers = [await proxied.get("/tasks", headers={"X-Forwarded-For": host}) for _ in range(ADDRESS_QUOTA + 1)]
            assert Counter(one.status_code for one in answers) == {401: ADDRESS_QUOTA, 429: 1}


async def test_auth_requests_are_counted_exactly_by_two_processes(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "AUTH_LIMIT", RateLimit("auth", 10, 3600))
    monkeypatch.setattr(redis_clients, "REDIS_S", 30.0)
    address = f"2001:db8:{uuid4().hex[:4]}:{uuid4().hex[:4]}::1"
    async with app_client(settings, address) as one, app_client(settings, address) as other:
        body = {"refresh_token": "tlr_unknown"}
        answers = await asyncio.gather(
            *(client.post("/auth/refresh", json=body) for client in (one, other) for _ in range(10))
        )
        assert Counter(answer.status_code for answer in answers) == {401: 10, 429: 10}
        refused = next(answer for answer in answers if answer.status_code == 429)
        assert assert_problem(refused, 429, "too_many_requests")["params"]["policy"] == "auth"
        login = await one.post("/auth/login", json={"email": "ann@example.com", "password": "wrong"})
        assert_problem(login, 401, "wrong_credentials")  # each route counts by itself


async def test_a_login_reports_what_remains(ann: ApiUser, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    monkeypatch.setattr(attempts, "AUTH_LIMIT", AUTH_LIMIT)
    async with app_client(settings, f"2001:db8:{uuid4().hex[:4]}:{uuid4().hex[:4]}::1") as client:
        login = await client.post("/auth/login", json={"email": ann.email, "password": PASSWORD})
        assert limit_of(login) == ("auth", AUTH_LIMIT.quota - 1, 1)
        assert login.headers["ratelimit-policy"] == '"auth";q=600;w=60'
