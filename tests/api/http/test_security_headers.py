"""Security headers: on every response, and what browsers may do with a page; private data are stored nowhere."""

import re
from base64 import b64encode
from hashlib import sha256

import httpx
import pytest

from api.http import response, tracing
from infra.settings import Settings
from tests.api.http.test_head_requests import PAGES, get_paths
from tests.api.in_process_app import app_client, without_a_database
from tests.api_user import ApiUser
from tests.law import planted_defect

pytestmark = pytest.mark.asyncio(loop_scope="package")

EXPECTED = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cache-control": "no-store",
}


def assert_protected(answer: httpx.Response) -> None:
    assert {name: answer.headers.get(name) for name in EXPECTED} == EXPECTED, answer.url
    assert len(answer.headers.get_list("cache-control")) == 1
    assert "server" not in answer.headers
    assert "strict-transport-security" not in answer.headers, "that is for the proxy that terminates TLS"


async def every_answer_is_protected(user: ApiUser) -> None:
    user.fold()
    for path in [*get_paths(), *PAGES, "/nothing"]:
        assert_protected(await user.request("GET", f"http://test{path}"))
    assert_protected(await user.client.get("/workspaces"))
    assert_protected(await user.request("PUT", "/workspaces"))
    created = await user.request("POST", "/workspaces", json={"name": "Home"})
    assert created.status_code == 201
    assert_protected(created)
    for _ in range(3):  # the last one from the response cache
        answer = await user.request("GET", f"/projects/{user.project}")
        assert_protected(answer)
    unchanged = await user.request(
        "GET", f"/projects/{user.project}", headers={"If-None-Match": answer.headers["etag"]}
    )
    assert unchanged.status_code == 304
    assert_protected(unchanged)


async def test_every_answer_is_protected(ann: ApiUser) -> None:
    await every_answer_is_protected(ann)


async def test_an_unavailable_database_is_no_exception(settings: Settings) -> None:
    async with app_client(without_a_database(settings)) as client:
        assert_protected(await client.get("http://test/health/ready"))


@pytest.mark.parametrize("path", ["/", "/docs"])
async def test_a_page_runs_no_script_and_loads_nothing(client: httpx.AsyncClient, path: str) -> None:
    page = await client.get(f"http://test{path}")
    assert page.headers.get_list("content-type") == ["text/html; charset=utf-8"]
    (style,) = re.findall("<style>(.*?)</style>", page.text, re.DOTALL)
    digest = b64encode(sha256(style.encode()).digest()).decode()
    policy = dict(part.split(" ", 1) for part in page.headers["content-security-policy"].split("; "))
    assert policy == {
        "default-src": "'none'",
        "style-src": f"'sha256-{digest}'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    assert not re.search(r"<script|\sstyle=|\son\w+=|src=", page.text)


@pytest.mark.parametrize("defect", ["storable", "sniffable"])
async def test_missing_headers_are_noticed(ann: ApiUser, monkeypatch: pytest.MonkeyPatch, defect: str) -> None:
    if defect == "storable":
        monkeypatch.setattr(response, "NO_STORE", {})
    else:
        monkeypatch.setattr(tracing, "SECURITY_HEADERS", tracing.SECURITY_HEADERS[1:])
    with planted_defect(), pytest.raises(AssertionError):
        await every_answer_is_protected(ann)
