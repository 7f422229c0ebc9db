"""Idempotency-Key: a request with a key is executed once, however often it is sent, and answered every time."""

import asyncio
import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from api.http import idempotency
from api.http.body import JSONRequest
from commands.handling.idempotency import IdempotencyKey
from infra.ids import new_id
from infra.settings import Settings
from tests.api.in_process_app import app_client
from tests.api.problems import assert_problem
from tests.api_user import ApiUser

pytestmark = pytest.mark.asyncio(loop_scope="package")

JSON = {"Content-Type": "application/json"}
GOLDEN_FILE = Path(__file__).parents[2] / "golden" / "idempotency.json"


def key_header(key: str = "", **headers: str) -> dict[str, str]:
    return {"Idempotency-Key": key or str(new_id()), **headers}


async def task_count(ann: ApiUser) -> int:
    return len((await ann.get(f"/projects/{ann.project}/tasks"))["items"])


async def test_a_resent_create_is_replayed(ann: ApiUser) -> None:
    path, headers, body = f"/projects/{ann.project}/tasks", key_header(), {"title": "Bread"}
    first = await ann.request("POST", path, json=body, headers=headers)
    assert (first.status_code, "idempotent-replayed" in first.headers) == (201, False)
    for _ in range(3):
        again = await ann.request("POST", path, json=body, headers=headers)
        assert (again.status_code, again.content) == (201, first.content)
        assert again.headers["idempotent-replayed"] == "true"
        for name in ("location", "etag", "taskledger-position"):
            assert again.headers[name] == first.headers[name]
    assert await task_count(ann) == 1


@pytest.mark.parametrize(
    ("method", "action", "body"),
    [
        ("PATCH", "", {"title": "Bread", "expected_version": 1}),
        ("POST", "/move", {"column": "doing", "expected_version": 1}),
        ("POST", "/complete", {}),
        ("DELETE", "", {"expected_version": 1}),
    ],
)
async def test_a_replay_returns_the_original_result(
    ann: ApiUser, method: str, action: str, body: dict[str, Any]
) -> None:
    task, headers = await ann.create_task(), key_header()
    first = await ann.request(method, f"/tasks/{task}{action}", json=body, headers=headers)
    assert first.status_code == 200, first.text
    await ann.request("DELETE", f"/tasks/{task}", headers={"If-Match": '"2"'})
    again = await ann.request(method, f"/tasks/{task}{action}", json=body, headers=headers)
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["idempotent-replayed"] == "true"


async def test_a_deletion_is_replayed_though_what_it_deleted_is_hidden(ann: ApiUser, bob: ApiUser) -> None:
    member = f"/workspaces/{ann.workspace}/members/{bob.id}"
    assert (await ann.request("PUT", member, json={"role": "member"})).status_code == 200
    saved = (await ann.post("/filters", name="Mine", filter="assignee:me"))["id"]
    version = (await ann.get(f"/workspaces/{ann.workspace}"))["version"]
    deletions = [
        (ann, f"/filters/{saved}", 1),
        (bob, member, None),
        (ann, f"/projects/{ann.project}", 1),
        (ann, f"/workspaces/{ann.workspace}", version),
    ]
    for caller, path, expected in deletions:
        headers, body = key_header(), {"expected_version": expected} if expected else {}
        first = await caller.request("DELETE", path, json=body, headers=headers)
        assert first.status_code == 200, first.text
        for _ in range(2):
            again = await caller.request("DELETE", path, json=body, headers=headers)
            assert (again.status_code, again.content) == (200, first.content), path
            assert again.headers["idempotent-replayed"] == "true"
        other = await caller.request("DELETE", path, json={"expected_version": 9}, headers=headers)
        assert_problem(other, 422, "key_reused")


async def test_a_former_member_gets_no_replay_of_what_others_hid(ann: ApiUser, bob: ApiUser) -> None:
    member = f"/workspaces/{ann.workspace}/members/{bob.id}"
    assert (await ann.request("PUT", member, json={"role": "owner"})).status_code == 200
    task, headers = await ann.create_task(), key_header()
    assert (await bob.request("POST", f"/tasks/{task}/complete", headers=headers)).status_code == 200
    assert (await ann.request("DELETE", member)).status_code == 200
    assert_problem(await bob.request("POST", f"/tasks/{task}/complete", headers=headers), 404, "not_found")


async def test_a_no_op_is_replayed_too(ann: ApiUser) -> None:
    task, headers = await ann.create_task(), key_header()
    first = await ann.request("POST", f"/tasks/{task}/reopen", headers=headers)
    await ann.post(f"/tasks/{task}/complete")
    again = await ann.request("POST", f"/tasks/{task}/reopen", headers=headers)
    assert (again.json()["version"], again.headers["idempotent-replayed"]) == (1, "true")
    assert first.json()["version"] == 1
    assert (await ann.get(f"/tasks/{task}"))["status"] == "done"


async def test_a_key_belongs_to_one_request(ann: ApiUser) -> None:
    task, headers = await ann.create_task(), key_header()
    await ann.request("POST", f"/tasks/{task}/complete", headers=headers)
    edit = {"title": "Bread", "expected_version": 1}
    others = [
        await ann.request("POST", f"/tasks/{task}/reopen", headers=headers),
        await ann.request("POST", f"/tasks/{task}/complete", json={"expected_version": 1}, headers=headers),
        await ann.request("POST", f"/tasks/{await ann.create_task()}/complete", headers=headers),
        await ann.request("POST", f"/tasks/{task}/complete", headers={**headers, "If-Match": '"1"'}),
        await ann.request("PATCH", f"/tasks/{task}", json=edit, headers=headers),
    ]
    for other in others:
        assert_problem(other, 422, "key_reused")


SPELLINGS = [
    b'{"title": "Bread", "labels": ["shop"], "priority": "low"}',
    b'{"priority":"low","labels":["shop"],"title":"Bread"}',
    b'\n{ "title":"\\u0042re\\u0061d",\t"labels" :[ "shop"] , "priority": "low"}\n',
]
OTHER_MEMBERS = [
    b'{"title": "Bread", "labels": ["shop"]}',
    b'{"title": "Bread", "labels": ["shop"], "priority": "low", "due": null}',
    b'{"title": "Bread", "labels": ["shop"], "priority": "low", "description": ""}',
    b'{"title": "Bread", "labels": ["shop", "shop"], "priority": "low"}',
    b'{"title": "bread", "labels": ["shop"], "priority": "low"}',
]


async def test_the_same_members_in_other_order_and_spelling_are_a_replay(ann: ApiUser) -> None:
    path, headers = f"/projects/{ann.project}/tasks", key_header(**JSON)
    first, *again = [await ann.request("POST", path, content=body, headers=headers) for body in SPELLINGS]
    assert (first.status_code, "idempotent-replayed" in first.headers) == (201, False)
    for answer in again:
        assert (answer.status_code, answer.content) == (201, first.content)
        assert answer.headers["idempotent-replayed"] == "true"
    for body in OTHER_MEMBERS:
        assert_problem(await ann.request("POST", path, content=body, headers=headers), 422, "key_reused")
    assert await task_count(ann) == 1


async def test_the_version_is_the_same_in_every_spelling_of_if_match(ann: ApiUser) -> None:
    task, headers = await ann.create_task(), key_header()
    for replayed, tag in enumerate(('"1"', "1", '"1-abc"', '"01"')):
        answer = await ann.request("PATCH", f"/tasks/{task}", json={"title": "x"}, headers={**headers, "If-Match": tag})
        assert (answer.status_code, "idempotent-replayed" in answer.headers) == (200, replayed > 0)
    for tag in ('"2"', "*"):
        answer = await ann.request("PATCH", f"/tasks/{task}", json={"title": "x"}, headers={**headers, "If-Match": tag})
        assert_problem(answer, 422, "key_reused")


@pytest.mark.parametrize("mode", ["atomic", "independent"])
@pytest.mark.parametrize("place", ["header", "item"])
async def test_order_and_spelling_do_not_matter_in_a_batch(ann: ApiUser, mode: str, place: str) -> None:
    headers = key_header(**JSON) if place == "header" else JSON
    item_key = f', "command_id": "{new_id()}"' if place == "item" else ""
    target = f'"project_id": "{ann.project}"'
    spellings = [
        '{"mode": "%s", "commands": [{"type": "CreateTask", "data": {%s, "title": "Bread"}%s}]}',
        '{"commands":[{"data":{"title":"\\u0042read",%s},"type":"CreateTask"%s}],"mode":"%s"}',
    ]
    bodies = [spellings[0] % (mode, target, item_key), spellings[1] % (target, item_key, mode)]
    for replayed, body in enumerate(bodies):
        answer = await ann.request("POST", "/commands", content=body, headers=headers)
        assert answer.status_code in {200, 207}, answer.text
        assert ("idempotent-replayed" in answer.headers) == bool(replayed), answer.text
    assert await task_count(ann) == 1
    other = bodies[0].replace('"title"', '"description": "", "title"')
    refused = await ann.request("POST", "/commands", content=other, headers=headers)
    results = refused.json().get("results", [{}])
    assert {"code": "key_reused"}.items() <= (results[0].get("problem") or refused.json()).items()


async def test_a_key_of_the_first_form_is_compared_as_it_was_sent(
    ann: ApiUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, headers = f"/projects/{ann.project}/tasks", key_header(**JSON)
    with monkeypatch.context() as earlier:
        earlier.setattr(idempotency, "IdempotencyKey", key_of_the_first_form)
        first = await ann.request("POST", path, content=SPELLINGS[0], headers=headers)
    again = await ann.request("POST", path, content=SPELLINGS[0], headers=headers)
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    assert_problem(await ann.request("POST", path, content=SPELLINGS[1], headers=headers), 422, "key_reused")


def key_of_the_first_form(text: str, _: bytes, content_as_sent: bytes) -> IdempotencyKey:
    """As an earlier release stored it: a bare digest of the bytes as they were sent."""
    return IdempotencyKey(text, sha256(content_as_sent).digest(), content_as_sent=content_as_sent)


@pytest.mark.parametrize("recorded", json.loads(GOLDEN_FILE.read_bytes()), ids=lambda one: one["name"])
async def test_fingerprints_never_change(recorded: dict[str, str]) -> None:
    """A client may repeat a request after an upgrade; a changed fingerprint would refuse it."""
    headers = [(b"idempotency-key", b"mine"), (b"if-match", recorded["if_match"].encode())]
    scope: Any = {
        "type": "http",
        "method": recorded["method"],
        "path": recorded["path"],
        "headers": [one for one in headers if one[1]],
        "query_string": b"",
    }
    request = JSONRequest(scope)
    request._cached_body = recorded["body"].encode()  # noqa: SLF001 - the body as it was received
    key = await idempotency.idempotency_key(request)
    assert key is not None
    assert (key.fingerprint.hex(), sha256(key.content_as_sent).hexdigest()) == (recorded["now"], recorded["first"])
    assert key.belongs_to(bytes.fromhex(recorded["now"]))
    assert key.belongs_to(bytes.fromhex(recorded["first"]))


async def test_keys_are_per_user(ann: ApiUser, bob: ApiUser) -> None:
    headers = key_header()
    for who in (ann, bob):
        answer = await who.request("POST", f"/projects/{who.project}/tasks", json={"title": "Bread"}, headers=headers)
        assert (answer.status_code, "idempotent-replayed" in answer.headers) == (201, False)


async def test_a_refusal_is_not_replayed(ann: ApiUser) -> None:
    task, headers = await ann.create_task(), key_header()
    await ann.post(f"/tasks/{task}/move", column="doing", expected_version=1)
    edit = {"title": "Bread", "expected_version": 3}
    assert_problem(await ann.request("PATCH", f"/tasks/{task}", json=edit, headers=headers), 409, "version_conflict")
    await ann.post(f"/tasks/{task}/complete")
    late = await ann.request("PATCH", f"/tasks/{task}", json=edit, headers=headers)
    assert (late.status_code, late.json()["version"]) == (200, 4)


async def test_concurrent_requests_with_one_key_commit_once(ann: ApiUser) -> None:
    path, headers = f"/projects/{ann.project}/tasks", key_header()
    twins = (ann.request("POST", path, json={"title": "Bread"}, headers=headers) for _ in range(10))
    answers = await asyncio.gather(*twins)
    done = [answer for answer in answers if answer.status_code == 201]
    assert done
    for answer in answers:
        if answer.status_code != 201:
            assert_problem(answer, 409, "twin_in_flight")
            assert int(answer.headers["retry-after"]) >= 1
    assert len({answer.content for answer in done}) == 1
    assert await task_count(ann) == 1


@pytest.mark.parametrize("key", ["x" * 255, '"quoted"', "a b", "1"])
async def test_a_key_may_be_quoted_or_bare(ann: ApiUser, key: str) -> None:
    task = await ann.create_task()
    await ann.request("POST", f"/tasks/{task}/complete", headers=key_header(key))
    again = await ann.request("POST", f"/tasks/{task}/complete", headers=key_header(key.strip('"')))
    assert again.headers["idempotent-replayed"] == "true"


@pytest.mark.parametrize("key", ["x" * 256, '""', "a\tb"])
async def test_an_invalid_key_is_refused(ann: ApiUser, key: str) -> None:
    task = await ann.create_task()
    answer = await ann.request("POST", f"/tasks/{task}/complete", headers=key_header(key))
    assert_problem(answer, 400, "invalid_idempotency_key")


async def test_requests_with_one_key_at_two_processes_commit_once(settings: Settings, ann: ApiUser) -> None:
    async with app_client(settings) as client:
        other = ApiUser(client, ann.fold, ann.headers["Authorization"].removeprefix("Bearer "))
        path = f"/projects/{ann.project}/tasks"
        for _ in range(10):
            headers = key_header()
            twins = (who.request("POST", path, json={"title": "Bread"}, headers=headers) for who in (ann, other))
            answers = await asyncio.gather(*twins)
            assert [answer.status_code for answer in answers] == [201, 201]
            assert len({answer.content for answer in answers}) == 1
            assert sum("idempotent-replayed" in answer.headers for answer in answers) == 1
    assert await task_count(ann) == 10
