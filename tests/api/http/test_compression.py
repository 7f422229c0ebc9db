"""Compression: a client that accepts gzip gets long bodies compressed, each compressed once, with the same content."""

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from api import app
from api.http import compression
from api.http.compression import CompressedBodies, accepts_gzip
from infra.settings import Settings
from tests.api.in_process_app import app_client
from tests.api_user import PASSWORD, ApiUser
from tests.law import planted_defect

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.slow]

PAGES = ["/", "/docs", "/openapi.json", "/problems", "/schemas/events"]
GZIP, PLAIN = {"Accept-Encoding": "gzip, deflate, br"}, {"Accept-Encoding": "identity"}


@pytest.fixture
def compressed_bodies(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The bodies that were compressed meanwhile."""
    done = list[bytes]()
    compress = compression._compress  # noqa: SLF001 - to count the calls

    def counted(body: bytes) -> bytes:
        done.append(body)
        return compress(body)

    monkeypatch.setattr(compression, "_compress", counted)
    return done


async def assert_same_content(user: ApiUser, address: str, **more: Any) -> httpx.Response:
    """The compressed answer; it is shorter than the other and has the same content."""
    plain = await user.request("GET", address, headers=PLAIN, **more)
    answer = await user.request("GET", address, headers=GZIP, **more)
    assert (plain.status_code, answer.status_code) == (200, 200)
    assert "content-encoding" not in plain.headers
    assert answer.headers.get("content-encoding") == "gzip"
    assert "accept-encoding" in answer.headers["vary"].lower()
    assert "accept-encoding" in plain.headers["vary"].lower()
    assert answer.content == plain.content
    assert answer.headers["content-type"] == plain.headers["content-type"]
    assert int(answer.headers["content-length"]) < len(plain.content) / 2
    return answer


async def fill(user: ApiUser, tasks: int = 8) -> str:
    """The address of a list of more than a kilobyte."""
    for number in range(tasks):
        await user.create_task(f"Task {number}")
    user.fold()
    return f"/projects/{user.project}/tasks"


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_is_compressed_once(ann: ApiUser, compressed_bodies: list[bytes], path: str) -> None:
    for _ in range(3):
        await assert_same_content(ann, f"http://test{path}")
    assert len(compressed_bodies) <= 1, "an earlier test may have kept it"


async def test_a_list_is_compressed_once_also_from_the_response_cache(
    ann: ApiUser, compressed_bodies: list[bytes]
) -> None:
    address = await fill(ann)
    for _ in range(4):
        await assert_same_content(ann, address)
    assert len(compressed_bodies) == 1


@pytest.mark.parametrize("path", ["/tasks", "/workspaces/{}/activity", "/projects/{}/board", "/tasks/{}/history"])
async def test_lists_of_all_kinds_are_compressed(ann: ApiUser, path: str) -> None:
    await fill(ann)
    task = await ann.create_task()
    for number in range(5):
        await ann.post(f"/tasks/{task}/label", label=f"Label {number}")
    ann.fold()
    owner = {"/tasks/{}/history": task, "/projects/{}/board": ann.project}.get(path, ann.workspace)
    await assert_same_content(ann, path.format(owner))


async def test_a_search_is_compressed(ann: ApiUser) -> None:
    await fill(ann)
    answer = await ann.request("POST", "/tasks/search", json={}, headers=GZIP)
    assert answer.headers["content-encoding"] == "gzip"
    assert len(answer.json()["items"]) == 8


async def test_a_short_answer_is_sent_as_it_is(ann: ApiUser) -> None:
    ann.fold()
    for path in ("/workspaces", f"/projects/{ann.project}/tasks", "http://test/health"):
        answer = await ann.request("GET", path, headers=GZIP)
        assert "content-encoding" not in answer.headers
        assert len(answer.content) < compression.MIN_BODY_BYTES


async def test_a_document_with_a_version_keeps_its_one_entity_tag(ann: ApiUser) -> None:
    task = await ann.create_task(description="Stir. " * 1_000)
    ann.fold()
    answer = await ann.request("GET", f"/tasks/{task}", headers=GZIP)
    assert "content-encoding" not in answer.headers
    headers = {"If-Match": answer.headers["etag"]}
    assert (await ann.request("PATCH", f"/tasks/{task}", json={"title": "Stew"}, headers=headers)).status_code == 200


async def test_a_compressed_list_has_a_tag_of_its_own_and_both_are_recognised(ann: ApiUser) -> None:
    address = await fill(ann)
    tags = [(await ann.request("GET", address, headers=wanted)).headers["etag"] for wanted in (PLAIN, GZIP)]
    assert tags[0] != tags[1]
    for wanted in (GZIP, PLAIN):
        for tag in tags:
            unchanged = await ann.request("GET", address, headers={**wanted, "If-None-Match": tag})
            assert (unchanged.status_code, unchanged.content) == (304, b"")
    known = await ann.request("GET", address, headers={**GZIP, "If-None-Match": tags[1]})
    assert known.headers["etag"] == tags[1]
    await ann.create_task("Another")
    ann.fold()
    changed = await ann.request("GET", address, headers={**GZIP, "If-None-Match": ", ".join(tags)})
    assert changed.status_code == 200


async def test_the_head_of_a_compressed_answer_is_its_head(ann: ApiUser) -> None:
    answer = await ann.request("GET", "http://test/docs", headers=GZIP)
    head = await ann.request("HEAD", "http://test/docs", headers=GZIP)
    for name in ("content-length", "content-encoding", "content-type", "vary"):
        assert head.headers[name] == answer.headers[name]
    assert head.content == b""


async def test_an_answer_with_a_secret_is_not_compressed(ann: ApiUser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compression, "MIN_BODY_BYTES", 10)
    assert "content-encoding" in (await ann.request("GET", "/auth/me", headers=GZIP)).headers
    login = {"email": ann.email, "password": PASSWORD}
    logged_in = await ann.client.post("/auth/login", json=login, headers=GZIP)
    issued = await ann.request("POST", "/auth/tokens", json={"name": "Robot", "scopes": ["read"]}, headers=GZIP)
    for answer in (logged_in, issued):
        assert answer.is_success
        assert "content-encoding" not in answer.headers


async def test_an_error_is_sent_as_it_is(client: httpx.AsyncClient) -> None:
    refused = await client.get("/workspaces", headers=GZIP)
    assert (refused.status_code, "content-encoding" in refused.headers) == (401, False)


async def test_a_stream_is_sent_as_it_comes() -> None:
    parts = [b"a" * 2_000, b"b" * 2_000]

    async def stream(_: Any, __: Any, send: Any) -> None:
        length = str(sum(map(len, parts))).encode()
        fields = [(b"content-type", b"text/plain"), (b"content-length", length)]
        await send({"type": "http.response.start", "status": 200, "headers": fields})
        for part in parts:
            await send({"type": "http.response.body", "body": part, "more_body": part is parts[0]})

    transport = httpx.ASGITransport(compression.with_compression(stream))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.get("/", headers=GZIP)
    assert (answer.content, "content-encoding" in answer.headers) == (b"".join(parts), False)


@pytest.mark.parametrize(
    ("value", "accepted"),
    [
        ("gzip", True),
        ("GZip", True),
        ("br, gzip;q=0.5", True),
        ("*", True),
        ("x-gzip", True),
        ("deflate, br", False),
        ("gzip;q=0", False),
        ("gzip; q=0.0, *", False),
        ("*;q=0", False),
        ("identity, gzip;q=0.5", False),
        ("gzip;q=much", False),
        ("", False),
        ("identity", False),
        ("gzip," * 100, False),
    ],
)
async def test_a_client_says_what_it_accepts(value: str, *, accepted: bool) -> None:
    assert accepts_gzip(value.encode()) == accepted


async def test_a_long_body_is_compressed_once_for_requests_at_the_same_time(compressed_bodies: list[bytes]) -> None:
    bodies, long = CompressedBodies(), b"milk " * 40_000
    found = await asyncio.gather(*(bodies.get(bytes(bytearray(long))) for _ in range(10)))
    assert len(compressed_bodies) == 1
    assert {gzip.decompress(each) for each in found} == {long}


async def test_what_is_kept_has_a_bound(monkeypatch: pytest.MonkeyPatch, compressed_bodies: list[bytes]) -> None:
    monkeypatch.setattr(compression, "MAX_KEPT_BYTES", 10_000)
    bodies = CompressedBodies()
    several = [bytes([number]) * 2_000 for number in range(8)]
    for body in [*several, several[-1], several[0]]:
        await bodies.get(body)
    assert compressed_bodies == [*several, several[0]], "the newest was kept, the oldest was dropped"


@pytest.fixture
async def uncompressed_client(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    monkeypatch.setattr(app, "with_compression", lambda wrapped: wrapped)
    async with app_client(settings) as opened:
        yield opened


async def test_an_application_that_does_not_compress_is_noticed(uncompressed_client: httpx.AsyncClient) -> None:
    with planted_defect(), pytest.raises(AssertionError):
        await assert_same_content(ApiUser(uncompressed_client, lambda: None, ""), "http://test/docs")


async def test_a_list_that_is_compressed_each_time_is_noticed(
    ann: ApiUser, compressed_bodies: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CompressedBodies, "_keep", lambda *_: None)
    with planted_defect(), pytest.raises(AssertionError):
        await test_a_list_is_compressed_once_also_from_the_response_cache(ann, compressed_bodies)


async def test_a_compressed_body_is_gzip(ann: ApiUser) -> None:
    async with ann.client.stream("GET", "http://test/docs", headers=GZIP) as answer:
        raw = b"".join([part async for part in answer.aiter_raw()])
    assert zlib.decompress(raw, wbits=31).startswith(b"<!doctype html>")


@pytest.mark.parametrize("headers", [GZIP, PLAIN, {"Accept-Encoding": ""}], ids=str)
async def test_what_may_be_compressed_varies_however_it_was_sent(ann: ApiUser, headers: dict[str, str]) -> None:
    await ann.create_task()
    ann.fold()
    pages = ["http://test/problems", "http://test/problems/id_taken", "http://test/docs"]
    for address in ("/tasks", "/workspaces", "/auth/tokens", f"/projects/{ann.project}/board", *pages):
        answer = await ann.request("GET", address, headers=headers)
        assert answer.headers.get_list("vary") == ["accept-encoding"], address
        if tag := answer.headers.get("etag"):
            unchanged = await ann.request("GET", address, headers={**headers, "If-None-Match": tag})
            assert (unchanged.status_code, unchanged.headers["vary"]) == (304, "accept-encoding")
    answer = await ann.request("GET", f"/projects/{ann.project}", headers=headers)
    assert "vary" not in answer.headers
