"""Idempotency-Key: a request with one happens once, however often it is sent, and is answered each time."""

import asyncio
from typing import Any

import pytest

from infra.ids import new_id
from infra.settings import Settings
from tests.api.opened import opened
from tests.api.problems import refused
from tests.visitor import Visitor

pytestmark = pytest.mark.asyncio(loop_scope="package")


def keyed(key: str = "", **headers: str) -> dict[str, str]:
    return {"Idempotency-Key": key or str(new_id()), **headers}


async def count(ann: Visitor) -> int:
    return len((await ann.get(f"/projects/{ann.project}/tasks"))["items"])


async def test_a_create_that_is_sent_again_is_answered_again(ann: Visitor) -> None:
    path, headers, body = f"/projects/{ann.project}/tasks", keyed(), {"title": "Bread"}
    first = await ann.ask("POST", path, json=body, headers=headers)
    assert (first.status_code, "idempotent-replayed" in first.headers) == (201, False)
    for _ in range(3):
        again = await ann.ask("POST", path, json=body, headers=headers)
        assert (again.status_code, again.content) == (201, first.content)
        assert again.headers["idempotent-replayed"] == "true"
        for name in ("location", "etag", "taskledger-position"):
            assert again.headers[name] == first.headers[name]
    assert await count(ann) == 1


@pytest.mark.parametrize(
    ("method", "action", "body"),
    [
        ("PATCH", "", {"title": "Bread", "expected_version": 1}),
        ("POST", "/move", {"column": "doing", "expected_version": 1}),
        ("POST", "/complete", {}),
        ("DELETE", "", {"expected_version": 1}),
    ],
)
async def test_what_came_of_it_then_is_answered_whatever_happened_since(
    ann: Visitor, method: str, action: str, body: dict[str, Any]
) -> None:
    task, headers = await ann.task(), keyed()
    first = await ann.ask(method, f"/tasks/{task}{action}", json=body, headers=headers)
    assert first.status_code == 200, first.text
    await ann.ask("DELETE", f"/tasks/{task}", headers={"If-Match": '"2"'})
    again = await ann.ask(method, f"/tasks/{task}{action}", json=body, headers=headers)
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["idempotent-replayed"] == "true"


async def test_what_changed_nothing_is_kept_too(ann: Visitor) -> None:
    task, headers = await ann.task(), keyed()
    first = await ann.ask("POST", f"/tasks/{task}/reopen", headers=headers)
    await ann.post(f"/tasks/{task}/complete")
    again = await ann.ask("POST", f"/tasks/{task}/reopen", headers=headers)
    assert (again.json()["version"], again.headers["idempotent-replayed"]) == (1, "true")
    assert first.json()["version"] == 1
    assert (await ann.get(f"/tasks/{task}"))["status"] == "done"


async def test_a_key_stands_for_one_request_only(ann: Visitor) -> None:
    task, headers = await ann.task(), keyed()
    await ann.ask("POST", f"/tasks/{task}/complete", headers=headers)
    edit = {"title": "Bread", "expected_version": 1}
    others = [
        await ann.ask("POST", f"/tasks/{task}/reopen", headers=headers),
        await ann.ask("POST", f"/tasks/{task}/complete", json={"expected_version": 1}, headers=headers),
        await ann.ask("POST", f"/tasks/{await ann.task()}/complete", headers=headers),
        await ann.ask("POST", f"/tasks/{task}/complete", headers={**headers, "If-Match": '"1"'}),
        await ann.ask("PATCH", f"/tasks/{task}", json=edit, headers=headers),
    ]
    for other in others:
        refused(other, 422, "key_reused")


async def test_a_key_is_ones_own(ann: Visitor, bob: Visitor) -> None:
    headers = keyed()
    for who in (ann, bob):
        answer = await who.ask("POST", f"/projects/{who.project}/tasks", json={"title": "Bread"}, headers=headers)
        assert (answer.status_code, "idempotent-replayed" in answer.headers) == (201, False)


async def test_a_refusal_is_not_kept(ann: Visitor) -> None:
    task, headers = await ann.task(), keyed()
    await ann.post(f"/tasks/{task}/move", column="doing", expected_version=1)
    edit = {"title": "Bread", "expected_version": 3}
    refused(await ann.ask("PATCH", f"/tasks/{task}", json=edit, headers=headers), 409, "version_conflict")
    await ann.post(f"/tasks/{task}/complete")
    late = await ann.ask("PATCH", f"/tasks/{task}", json=edit, headers=headers)
    assert (late.status_code, late.json()["version"]) == (200, 4)


async def test_twins_happen_once(ann: Visitor) -> None:
    path, headers = f"/projects/{ann.project}/tasks", keyed()
    twins = (ann.ask("POST", path, json={"title": "Bread"}, headers=headers) for _ in range(10))
    answers = await asyncio.gather(*twins)
    done = [answer for answer in answers if answer.status_code == 201]
    assert done
    for answer in answers:
        if answer.status_code != 201:
            refused(answer, 409, "twin_in_flight")
            assert int(answer.headers["retry-after"]) >= 1
    assert len({answer.content for answer in done}) == 1
    assert await count(ann) == 1


@pytest.mark.parametrize("key", ["x" * 255, '"quoted"', "a b", "1"])
async def test_a_key_may_be_quoted_or_bare(ann: Visitor, key: str) -> None:
    task = await ann.task()
    await ann.ask("POST", f"/tasks/{task}/complete", headers=keyed(key))
    again = await ann.ask("POST", f"/tasks/{task}/complete", headers=keyed(key.strip('"')))
    assert again.headers["idempotent-replayed"] == "true"


@pytest.mark.parametrize("key", ["x" * 256, '""', "a\tb"])
async def test_a_key_that_is_none_is_refused(ann: Visitor, key: str) -> None:
    task = await ann.task()
    answer = await ann.ask("POST", f"/tasks/{task}/complete", headers=keyed(key))
    refused(answer, 400, "invalid_idempotency_key")


async def test_twins_that_two_processes_carry_out_happen_once(settings: Settings, ann: Visitor) -> None:
    async with opened(settings) as client:
        other = Visitor(client, ann.fold, ann.headers["Authorization"].removeprefix("Bearer "))
        path = f"/projects/{ann.project}/tasks"
        for _ in range(10):
            headers = keyed()
            twins = (who.ask("POST", path, json={"title": "Bread"}, headers=headers) for who in (ann, other))
            answers = await asyncio.gather(*twins)
            assert [answer.status_code for answer in answers] == [201, 201]
            assert len({answer.content for answer in answers}) == 1
            assert sum("idempotent-replayed" in answer.headers for answer in answers) == 1
    assert await count(ann) == 10
