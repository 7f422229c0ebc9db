"""CORS: pages of listed origins may read every response, errors included; others may read none."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
import pytest_asyncio
from msgspec.structs import replace

from api.http import cors
from api.http.cors import CorsPolicy
from api.openapi.response_headers import HEADER_COMPONENTS
from infra.rate_limits.limit import ACCOUNT_LIMIT
from infra.settings import Settings
from scripts.openapi import OPENAPI_FILE
from tests.api.connections.raw_http import GET, raw_client, raw_server, read_until_closed
from tests.api.in_process_app import app_client, without_a_database
from tests.api.problems import assert_problem
from tests.api_user import ApiUser
from tests.law import planted_defect

pytestmark = pytest.mark.asyncio(loop_scope="package")

ALLOWED, LOCAL = "https://app.example.com", "http://localhost:5173"
ORIGINS = f"{ALLOWED}:443, {LOCAL}"
FOREIGN_ORIGINS = [
    "https://app.example.com.evil.com",
    "https://evil.com",
    "https://evilapp.example.com",
    "http://app.example.com",
    "https://app.example.com:444",
    "https://app.example.com:443",
    "https://APP.example.com",
    "http://localhost",
    "http://localhost:51731",
    "null",
    "*",
    "",
    f"{ALLOWED}, {LOCAL}",
]
PREFLIGHT = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "authorization,if-match"}


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def web_user(settings: Settings, fold: Callable[[], None]) -> AsyncIterator[ApiUser]:
    """A user of an installation that lists two origins."""
    async with app_client(replace(settings, cors_origins=ORIGINS)) as client:
        yield await ApiUser.register_with_project(client, fold, "Webb")


def assert_readable(answer: httpx.Response, origin: str = ALLOWED) -> None:
    assert answer.headers["access-control-allow-origin"] == origin
    assert set(answer.headers["access-control-expose-headers"].split(", ")) >= HEADER_COMPONENTS.keys()
    assert "Origin" in answer.headers["vary"]
    assert "access-control-allow-credentials" not in answer.headers


def assert_unreadable(answer: httpx.Response) -> None:
    assert not [name for name in answer.headers if name.startswith("access-control-")]
    assert "Origin" in answer.headers["vary"]


async def foreign_origins_are_not_allowed(user: ApiUser) -> None:
    for origin in FOREIGN_ORIGINS:
        assert_unreadable(await user.request("GET", "/workspaces", headers={"Origin": origin}))
        assert_unreadable(await user.request("OPTIONS", "/workspaces", headers={"Origin": origin, **PREFLIGHT}))


@pytest.mark.parametrize("origin", [ALLOWED, LOCAL])
async def test_a_preflight_of_a_listed_origin_needs_no_token(web_user: ApiUser, origin: str) -> None:
    answer = await web_user.client.options("/workspaces", headers={"Origin": origin, **PREFLIGHT})
    assert (answer.status_code, answer.content) == (204, b"")
    assert_readable(answer, origin)
    assert set(answer.headers["access-control-allow-methods"].split(", ")) >= {"PATCH", "DELETE", "PUT"}
    assert {"Authorization", "If-Match"} <= set(answer.headers["access-control-allow-headers"].split(", "))
    assert int(answer.headers["access-control-max-age"]) > 60


async def test_every_request_header_that_is_described_is_allowed() -> None:
    paths = json.loads(OPENAPI_FILE.read_bytes())
    named = {
        one["name"]
        for operations in paths["paths"].values()
        for operation in operations.values()
        for one in _resolved_parameters(paths, operation)
        if one["in"] == "header"
    }
    assert "Idempotency-Key" in named
    assert named <= set(cors.ALLOWED_HEADERS)


def _resolved_parameters(document: Any, operation: Any) -> list[Any]:
    components = document["components"].get("parameters", {})
    return [components[one["$ref"].rpartition("/")[2]] if "$ref" in one else one for one in operation["parameters"]]


async def test_foreign_origins_are_not_allowed(web_user: ApiUser) -> None:
    await foreign_origins_are_not_allowed(web_user)


async def test_cached_and_unchanged_answers_are_readable(web_user: ApiUser) -> None:
    web_user.fold()
    path, origin = f"/projects/{web_user.project}", {"Origin": ALLOWED}
    assert_unreadable(await web_user.request("GET", path))
    for _ in range(3):
        answer = await web_user.request("GET", path, headers=origin)
        assert answer.status_code == 200
        assert_readable(answer)
    for sent in (origin, {"Origin": LOCAL}):
        unchanged = await web_user.request("GET", path, headers={**sent, "If-None-Match": answer.headers["etag"]})
        assert unchanged.status_code == 304
        assert_readable(unchanged, sent["Origin"])
    assert_unreadable(await web_user.request("GET", path))


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/tasks/0193805a-8d00-7442-90e4-8437b6556980", 404),
        ("GET", "/nothing", 404),
        ("PUT", "/workspaces", 405),
        ("POST", "/workspaces", 415),
        ("GET", "/tasks?limit=0", 400),
        ("HEAD", "/workspaces", 200),
    ],
)
async def test_errors_are_readable(web_user: ApiUser, method: str, path: str, status: int) -> None:
    more: Any = {"content": b"{ }"} if status == 415 else {}
    answer = await web_user.request(method, path, headers={"Origin": ALLOWED}, **more)
    assert answer.status_code == status
    assert_readable(answer)


async def test_a_refusal_of_login_is_readable(web_user: ApiUser) -> None:
    login = {"email": "nobody@example.net", "password": "wrong horse battery"}
    for status in [401] * ACCOUNT_LIMIT.quota + [429]:
        answer = await web_user.client.post("/auth/login", json=login, headers={"Origin": ALLOWED})
        assert answer.status_code == status
        assert_readable(answer)


async def test_an_unavailable_database_is_readable(settings: Settings, web_user: ApiUser) -> None:
    async with app_client(without_a_database(replace(settings, cors_origins=ORIGINS))) as client:
        answer = await client.get("http://test/health/ready", headers={"Origin": ALLOWED})
    assert_problem(answer, 503)
    assert_readable(answer)


async def test_without_a_list_nothing_is_allowed(client: httpx.AsyncClient) -> None:
    for method, headers in (("GET", {}), ("OPTIONS", PREFLIGHT)):
        answer = await client.request(method, "http://test/health", headers={"Origin": ALLOWED, **headers})
        assert "Origin" not in answer.headers.get("vary", "")
        assert not [name for name in answer.headers if name.startswith("access-control-")]


async def test_a_refused_connection_is_readable() -> None:
    too_large = b"A: " + b"a" * 70_000
    with raw_server(cors_policy=CorsPolicy(ORIGINS)) as port:
        for origin, is_allowed in ((ALLOWED, True), (FOREIGN_ORIGINS[0], False)):
            with raw_client(port) as client:
                client.sendall(GET + b"Origin: " + origin.encode() + b"\r\n" + too_large)
                head = read_until_closed(client).partition(b"\r\n\r\n")[0]
            assert head.startswith(b"HTTP/1.1 431 ")
            assert b"\r\nvary: Origin" in head
            assert (b"access-control-allow-origin: " + origin.encode() in head) == is_allowed


async def test_origins_matched_by_their_beginning_are_noticed(
    web_user: ApiUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def by_prefix(policy: CorsPolicy, request_headers: list[tuple[bytes, bytes]]) -> Any:
        origin = dict(request_headers).get(b"origin", b"")
        known = policy._headers_by_origin  # noqa: SLF001 - the defect
        return next(((known[one], True) for one in known if origin.startswith(one)), ([(b"vary", b"Origin")], False))

    monkeypatch.setattr(CorsPolicy, "headers_for", by_prefix)
    with planted_defect(), pytest.raises(AssertionError):
        await foreign_origins_are_not_allowed(web_user)
