"""Attachments over HTTP: uploads, downloads, ranges, rights, the trash, and what is refused."""

from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from api.endpoints import attachment as attachment_endpoints
from infra.blobs.blob_store import BlobStoreError
from infra.blobs.folder import FolderBlobs
from infra.ids import new_id
from infra.settings import Settings
from tests.api.guarantees import UPLOAD
from tests.api.problems import assert_problem
from tests.api_user import ApiUser

pytestmark = pytest.mark.asyncio(loop_scope="package")

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 5_000
"""More than a piece."""


def named(name: str, media_type: str = "image/png", **more: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"', "Content-Type": media_type, **more}


async def attach(
    user: ApiUser, task: str, content: bytes = PNG, name: str = "photo.png", media_type: str = "image/png"
) -> str:
    """The id of a new attachment."""
    answer = await user.request("POST", f"/tasks/{task}/attachments", content=content, headers=named(name, media_type))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def download(user: ApiUser, attachment: str, **headers: str) -> httpx.Response:
    return await user.request("GET", f"/attachments/{attachment}", headers=headers)


async def listed(user: ApiUser, task: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await user.get(f"/tasks/{task}/attachments"))["items"]
    return items


async def test_a_file_is_attached_listed_and_downloaded(ann: ApiUser) -> None:
    task = await ann.create_task()
    answer = await ann.request("POST", f"/tasks/{task}/attachments", content=PNG, headers=named("photo.png"))
    assert answer.status_code == 201
    attachment = answer.json()["id"]
    assert answer.headers["location"] == f"/api/v1/attachments/{attachment}"
    (shown,) = await listed(ann, task)
    digest = sha256(PNG).hexdigest()
    assert shown | {"created_at": "then"} == {
        "id": attachment,
        "name": "photo.png",
        "size": len(PNG),
        "media_type": "image/png",
        "sha256": digest,
        "version": 1,
        "created_at": "then",
        "created_by": ann.id,
    }
    got = await download(ann, attachment)
    assert (got.status_code, got.content) == (200, PNG)
    assert got.headers["etag"] == f'"{digest}"'
    assert got.headers["content-type"] == "image/png"
    assert got.headers["content-disposition"] == 'attachment; filename="photo.png"'
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["accept-ranges"] == "bytes"
    assert got.headers["content-security-policy"] == "default-src 'none'; sandbox"


async def test_an_empty_file_can_be_attached(ann: ApiUser) -> None:
    attachment = await attach(ann, await ann.create_task(), b"")
    got = await download(ann, attachment)
    assert (got.status_code, got.content) == (200, b"")
    assert_problem(await download(ann, attachment, Range="bytes=0-"), 416, "range_not_satisfiable")


@pytest.mark.parametrize(
    "media_type",
    ["text/html", "image/svg+xml", "text/xml", "application/xhtml+xml", "text/plain", "text/HTML; x=y", ""],
)
async def test_no_file_runs_in_a_browser(ann: ApiUser, media_type: str) -> None:
    attachment = await attach(ann, await ann.create_task(), b"<script>alert(1)</script>", "x.html", media_type)
    got = await download(ann, attachment)
    assert got.headers["content-type"] == "application/octet-stream"
    assert got.headers["content-disposition"].startswith("attachment;")
    assert got.headers["x-content-type-options"] == "nosniff"
    assert "content-encoding" not in got.headers


@pytest.mark.parametrize(
    ("sent", "name", "header"),
    [
        ('attachment; filename="a;b.txt"', "a;b.txt", 'attachment; filename="a;b.txt"'),
        ("attachment; filename=plan.pdf", "plan.pdf", 'attachment; filename="plan.pdf"'),
        (r'inline; filename="say \"hi\".txt"', 'say "hi".txt', 'attachment; filename="say _hi_.txt"'),
        ('attachment; filename="C:\\\\fakepath\\\\plan.pdf"', "plan.pdf", 'attachment; filename="plan.pdf"'),
        ('attachment; filename="../../etc/passwd"', "passwd", 'attachment; filename="passwd"'),
        ("attachment; filename*=UTF-8''caf%C3%A9.txt", "café.txt", 'attachment; filename="caf_.txt"'),
        ("attachment; filename=\"cafe.txt\"; filename*=UTF-8''caf%C3%A9.txt", "café.txt", 'attachment; filename="caf_'),
        ('attachment; filename="café.txt"', "café.txt", 'attachment; filename="caf_.txt"'),
        ("attachment; filename*=UTF-8''%E6%96%87%F0%9F%93%84", "文📄", 'attachment; filename="__"'),
    ],
)
async def test_a_file_keeps_its_name(ann: ApiUser, sent: str, name: str, header: str) -> None:
    task = await ann.create_task()
    headers = [
        (b"Content-Disposition", sent.encode()),
        (b"Authorization", ann.headers["Authorization"].encode()),
    ]
    answer = await ann.client.post(f"/tasks/{task}/attachments", content=b"x", headers=headers)
    assert answer.status_code == 201, answer.text
    (shown,) = await listed(ann, task)
    assert shown["name"] == name
    got = (await download(ann, answer.json()["id"])).headers["content-disposition"]
    assert got.startswith(header)
    if any(ord(character) > 126 or character == '"' for character in name):
        assert got.endswith(f"; filename*=UTF-8''{quote(name)}")


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "attachment",
        'attachment; filename=""',
        'attachment; filename="folder/"',
        "attachment; filename*=UTF-8''a%00b",
        "attachment; filename*=UTF-8''invoice%E2%80%AEfdp.exe",
        "attachment; filename=" + 256 * "x",
    ],
)
async def test_a_file_without_a_proper_name_is_refused(ann: ApiUser, sent: str) -> None:
    headers = {"Content-Disposition": sent} if sent else {}
    answer = await ann.request("POST", f"/tasks/{await ann.create_task()}/attachments", content=b"x", headers=headers)
    assert_problem(answer, 400, "invalid_file_name")


async def test_a_download_is_resumed(ann: ApiUser) -> None:
    attachment = await attach(ann, await ann.create_task())
    got = await download(ann, attachment, Range="bytes=1000000-")
    assert (got.status_code, got.content) == (206, PNG[1_000_000:])
    assert got.headers["content-range"] == f"bytes 1000000-{len(PNG) - 1}/{len(PNG)}"
    assert got.headers["content-length"] == str(len(PNG) - 1_000_000)
    etag = got.headers["etag"]
    assert (await download(ann, attachment, Range="bytes=5-9", **{"If-Range": etag})).content == PNG[5:10]
    other = await download(ann, attachment, Range="bytes=5-9", **{"If-Range": '"other"'})
    assert (other.status_code, other.content) == (200, PNG)
    beyond = await download(ann, attachment, Range=f"bytes={len(PNG)}-")
    assert_problem(beyond, 416, "range_not_satisfiable")
    assert beyond.headers["content-range"] == f"bytes */{len(PNG)}"


async def test_a_known_file_is_not_sent_again(ann: ApiUser) -> None:
    attachment = await attach(ann, await ann.create_task())
    etag = (await download(ann, attachment)).headers["etag"]
    got = await download(ann, attachment, **{"If-None-Match": etag})
    assert (got.status_code, got.content, got.headers["etag"]) == (304, b"", etag)
    assert (await download(ann, attachment, **{"If-None-Match": '"other"'})).status_code == 200


async def test_head_tells_size_and_type(ann: ApiUser) -> None:
    attachment = await attach(ann, await ann.create_task())
    got = await ann.request("HEAD", f"/attachments/{attachment}")
    assert (got.status_code, got.content, got.headers["content-length"]) == (200, b"", str(len(PNG)))


def files_of(user: ApiUser, settings: Settings) -> list[bytes]:
    """What is stored for the user's workspace."""
    return [file.read_bytes() for file in (Path(settings.blobs) / user.workspace).glob("*")]


async def test_a_task_is_named_by_its_key_too(ann: ApiUser) -> None:
    await ann.create_task()
    ann.fold()
    attachment = await attach(ann, "KIT-1")
    assert [one["id"] for one in await listed(ann, "KIT-1")] == [attachment]


async def test_attachments_are_listed_in_pages_oldest_first(ann: ApiUser) -> None:
    task = await ann.create_task()
    attached = [await attach(ann, task, b"x", f"{number}.txt") for number in range(5)]
    shown, path = list[str](), f"/tasks/{task}/attachments?limit=2"
    while path:
        page = await ann.get(path)
        assert len(page["items"]) <= 2
        shown += [one["id"] for one in page["items"]]
        path = page["next_cursor"] and f"/tasks/{task}/attachments?limit=2&cursor={page['next_cursor']}"
    assert shown == attached
    assert await listed(ann, await ann.create_task()) == []
    assert_problem(await ann.request("GET", f"/tasks/{new_id()}/attachments"), 404, "not_found")


async def test_a_removed_attachment_is_gone_at_once(ann: ApiUser) -> None:
    task = await ann.create_task()
    removed, kept = await attach(ann, task), await attach(ann, task)
    assert (await ann.request("DELETE", f"/attachments/{removed}")).json()["version"] == 2
    assert_problem(await download(ann, removed), 404, "not_found")
    assert_problem(await ann.request("DELETE", f"/attachments/{removed}"), 404, "not_found")
    assert [one["id"] for one in await listed(ann, task)] == [kept]
    assert (await ann.get(f"/tasks/{task}"))["attachments"] == 1
    batch = {"commands": [{"type": "RemoveAttachment", "id": kept, "data": {}}]}
    assert (await ann.request("POST", "/commands", json=batch)).status_code == 200
    assert await listed(ann, task) == []


async def test_a_version_may_be_named_and_must_hold_then(ann: ApiUser) -> None:
    attachment = await attach(ann, await ann.create_task())
    stale = await ann.request("DELETE", f"/attachments/{attachment}", headers={"If-Match": '"7"'})
    problem = assert_problem(stale, 412, "version_conflict")
    assert (problem["current"]["name"], problem["current_version"]) == ("photo.png", 1)
    assert (await ann.request("DELETE", f"/attachments/{attachment}", headers={"If-Match": '"1"'})).status_code == 200


async def test_the_activity_of_a_workspace_names_files(ann: ApiUser) -> None:
    attachment = await attach(ann, await ann.create_task())
    await ann.request("DELETE", f"/attachments/{attachment}")
    items = (await ann.get(f"/workspaces/{ann.workspace}/activity"))["items"]
    named = [(one["type"], one["stream"]) for one in items if one["stream"] == attachment]
    assert named == [("AttachmentRemoved", attachment), ("AttachmentAdded", attachment)]


async def test_a_batch_cannot_name_bytes(ann: ApiUser) -> None:
    data = {"task_id": await ann.create_task(), "name": "x", "size": 1, "media_type": "a/b", "sha256": "0" * 64}
    batch = {"commands": [{"type": "AddAttachment", "data": data}]}
    assert_problem(await ann.request("POST", "/commands", json=batch), 400)


async def test_attachments_follow_their_task_through_the_trash(ann: ApiUser, settings: Settings) -> None:
    task = await ann.create_task()
    attachment = await attach(ann, task)
    assert (await ann.request("DELETE", f"/tasks/{task}", json={"expected_version": 1})).status_code == 200
    assert (await download(ann, attachment)).content == PNG
    assert [one["id"] for one in await listed(ann, task)] == [attachment]
    assert_problem(await ann.request("POST", f"/tasks/{task}/attachments", **UPLOAD), 422, "task_is_trashed")
    assert_problem(await ann.request("DELETE", f"/attachments/{attachment}"), 422, "task_is_trashed")
    assert files_of(ann, settings) == [PNG]
    await ann.post(f"/tasks/{task}/restore")
    assert (await ann.request("DELETE", f"/attachments/{attachment}")).status_code == 200


async def test_a_repeated_upload_with_a_key_happens_once(ann: ApiUser, settings: Settings) -> None:
    task, headers = await ann.create_task(), named("photo.png", **{"Idempotency-Key": str(new_id())})
    path = f"/tasks/{task}/attachments"
    first, again = [await ann.request("POST", path, content=PNG, headers=headers) for _ in range(2)]
    assert (first.status_code, again.json()) == (201, first.json())
    assert again.headers["idempotent-replayed"] == "true"
    assert len(await listed(ann, task)) == 1
    assert files_of(ann, settings) == [PNG]
    for content, name in ((PNG + b"x", "photo.png"), (PNG, "other.png")):
        changed = {**headers, **named(name)}
        assert_problem(await ann.request("POST", path, content=content, headers=changed), 422, "key_reused")
    assert files_of(ann, settings) == [PNG]


async def test_a_dry_run_stores_nothing(ann: ApiUser, settings: Settings) -> None:
    task = await ann.create_task()
    tried = await ann.request(
        "POST", f"/tasks/{task}/attachments?dry_run=true", content=PNG, headers=named("photo.png")
    )
    assert tried.status_code == 200
    (added, _) = tried.json()["events"]
    assert (added["type"], added["data"]["size"]) == ("AttachmentAdded", len(PNG))
    assert added["data"]["sha256"] == sha256(PNG).hexdigest()
    assert files_of(ann, settings) == []
    assert await listed(ann, task) == []


async def test_a_file_over_the_limit_is_refused(
    ann: ApiUser, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attachment_endpoints, "MIB", 10)  # of the 100 that are allowed
    task = await ann.create_task()
    path = f"/tasks/{task}/attachments"
    assert (await ann.request("POST", path, content=b"x" * 1_000, headers=named("x"))).status_code == 201

    async def endless() -> Any:
        while True:
            yield b"x" * 100

    for content in (b"x" * 1_001, endless()):
        problem = assert_problem(
            await ann.request("POST", path, content=content, headers=named("x")), 413, "attachment_too_large"
        )
        assert problem["params"] == {"most": 1_000}
    assert files_of(ann, settings) == [b"x" * 1_000]


async def test_the_limit_of_json_bodies_does_not_count(ann: ApiUser) -> None:
    content = b"x" * (3 * 2**20)
    assert (await download(ann, await attach(ann, await ann.create_task(), content))).content == content


async def test_an_encoded_file_is_refused(ann: ApiUser) -> None:
    headers = named("x.gz", **{"Content-Encoding": "gzip"})
    answer = await ann.request("POST", f"/tasks/{await ann.create_task()}/attachments", content=b"x", headers=headers)
    assert_problem(answer, 415, "unsupported_encoding")


async def test_a_stranger_is_refused_before_the_first_byte(ann: ApiUser, bob: ApiUser) -> None:
    task, was_read = await ann.create_task(), list[bool]()

    async def content() -> Any:
        was_read.append(True)
        yield b"x"

    answer = await bob.request("POST", f"/tasks/{task}/attachments", content=content(), headers=named("x"))
    assert_problem(answer, 404, "not_found")
    assert not was_read


async def test_a_store_that_is_away_is_told_and_writes_no_event(ann: ApiUser, monkeypatch: pytest.MonkeyPatch) -> None:
    task = await ann.create_task()
    attachment = await attach(ann, task)

    def away(*_: object) -> None:
        raise BlobStoreError("no disk")

    for operation in ("open_spool", "store", "open"):
        with monkeypatch.context() as patch:
            patch.setattr(FolderBlobs, operation, away)
            answer = (
                await download(ann, attachment)
                if operation == "open"
                else await ann.request("POST", f"/tasks/{task}/attachments", **UPLOAD)
            )
            assert_problem(answer, 503, "blobs_unavailable")
            assert answer.headers["retry-after"] == "1"
    assert len(await listed(ann, task)) == 1


async def test_bytes_that_are_lost_are_the_operators_fault(
    ann: ApiUser, settings: Settings, log_lines: list[str]
) -> None:
    attachment = await attach(ann, await ann.create_task())
    (Path(settings.blobs) / ann.workspace / attachment).unlink()
    assert_problem(await download(ann, attachment), 500, "blob_missing")
    assert any(f"{ann.workspace}/{attachment}" in line for line in log_lines)


async def test_a_position_that_is_not_there_yet_is_refused(ann: ApiUser) -> None:
    attachment = await attach(ann, await ann.create_task())
    answer = await ann.request("GET", f"/attachments/{attachment}?min_position={2**62}")
    assert_problem(answer, 503, "projection_behind")
