"""Idempotency-Key: a request with a key is executed once, however often it is sent, and answered every time."""

import asyncio
from typing import Any

import pytest

from infra.ids import new_id
from infra.settings import Settings
from tests.api.in_process_app import app_client
from tests.api.problems import assert_problem
from tests.api_user import ApiUser

pytestmark = pytest.mark.asyncio(loop_scope="package")


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
