"""HEAD: every GET route answers it with the same status and headers, and without a body."""

import json
import re
from collections.abc import AsyncIterator

import httpx
import pytest

from api import app
from infra.ids import new_id
from infra.settings import Settings
from scripts.openapi import OPENAPI_FILE
from tests.api.guarantees import eventually
from tests.api.in_process_app import app_client
from tests.api.problems import assert_problem
from tests.api_user import ApiUser
from tests.law import planted_defect

pytestmark = pytest.mark.asyncio(loop_scope="package")

PAGES = ["/", "/docs", "/openapi.json"]
"""GET routes that are not in the document."""
PROBES = ["/health", "/health/live", "/health/ready"]


def all_get_paths() -> list[str]:
    paths = json.loads(OPENAPI_FILE.read_bytes())["paths"]
    return sorted(path for path, operations in paths.items() if "get" in operations)


def get_paths() -> list[str]:
    """The paths of the GET routes without parameters."""
    return [path for path in all_get_paths() if "{" not in path]


async def assert_head_is_like_get(visitor: ApiUser, path: str) -> httpx.Response:
    answer, head = [await visitor.request(method, f"http://test{path}") for method in ("GET", "HEAD")]
    assert head.status_code == answer.status_code
    assert head.content == b""
    assert head.headers.keys() == answer.headers.keys()  # some values change from one request to the next
    assert head.headers["content-type"] == answer.headers["content-type"]
    return head


async def wait_until_ready(user: ApiUser) -> None:
    """An application that was idle between two tests has not polled its database meanwhile."""
    await eventually(lambda: user.client.get("http://test/health/ready"), lambda found: found.is_success)


@pytest.mark.parametrize("path", PROBES)
async def test_the_head_of_a_health_check_is_200(shared_user: ApiUser, path: str) -> None:
    await wait_until_ready(shared_user)
    assert (await shared_user.client.head(f"http://test{path}")).status_code == 200
    head = await assert_head_is_like_get(shared_user, path)
    assert head.headers["content-length"] == str(len(b'{"status":"ok"}'))


@pytest.mark.parametrize("path", [*get_paths(), *PAGES])
async def test_every_get_route_answers_head(shared_user: ApiUser, path: str) -> None:
    shared_user.fold()
    await wait_until_ready(shared_user)
    await assert_head_is_like_get(shared_user, path)


@pytest.mark.parametrize("path", [path for path in all_get_paths() if "{" in path])
async def test_the_head_of_what_is_not_there_is_that_of_get_too(shared_user: ApiUser, path: str) -> None:
    await assert_head_is_like_get(shared_user, re.sub(r"{\w+}", str(new_id()), path))


async def test_a_head_is_answered_from_the_response_cache_too(ann: ApiUser) -> None:
    ann.fold()
    for _ in range(3):
        head = await assert_head_is_like_get(ann, f"/api/v1/projects/{ann.project}")
    unchanged = await ann.request("HEAD", f"/projects/{ann.project}", headers={"If-None-Match": head.headers["etag"]})
    assert unchanged.status_code == 304


async def test_a_head_without_a_token_is_401(client: httpx.AsyncClient) -> None:
    head = await client.head("/workspaces")
    assert (head.status_code, head.content) == (401, b"")


async def test_allow_names_head_beside_get_only(shared_user: ApiUser) -> None:
    refused = await shared_user.request("PUT", "/workspaces")
    assert_problem(refused, 405)
    options = await shared_user.client.options("http://test/health")
    for answer in (refused, options):
        assert {"GET", "HEAD"} <= set(answer.headers["allow"].split(", "))
    head = await shared_user.client.head("/auth/login")
    assert (head.status_code, head.content) == (405, b"")
    assert "HEAD" not in head.headers["allow"]


@pytest.fixture
async def client_without_head(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    monkeypatch.setattr(app, "with_head", lambda wrapped: wrapped)
    async with app_client(settings) as opened:
        yield opened


async def test_the_framework_alone_refuses_head(client_without_head: httpx.AsyncClient) -> None:
    with planted_defect():
        assert (await client_without_head.head("http://test/health")).status_code == 405
