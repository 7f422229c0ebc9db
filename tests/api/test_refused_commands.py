"""Refused commands: wrong versions, wrong keys and late commands are refused or change nothing, and say so."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from infra.ids import new_id
from tests.api.guarantees import UNKNOWN_USER_ID
from tests.api.problems import assert_problem
from tests.api_user import ApiUser

pytestmark = pytest.mark.asyncio(loop_scope="package")

JSON = {"Content-Type": "application/json"}


def case(name: str, *values: object) -> Any:
    return pytest.param(*values, id=name)


@pytest_asyncio.fixture(loop_scope="package")
async def task_id(shared_user: ApiUser) -> str:
    """A task at version 2, renamed once."""
    task = await shared_user.create_task("Oat milk")
    answer = await shared_user.request("PATCH", f"/tasks/{task}", json={"title": "Milk", "expected_version": 1})
    assert answer.status_code == 200, answer.text
    return task


@pytest_asyncio.fixture(loop_scope="package")
async def assert_nothing_written(shared_user: ApiUser, task_id: str) -> AsyncIterator[None]:
    before = await stream_version(shared_user, task_id)
    yield
    assert await stream_version(shared_user, task_id) == before


async def stream_version(who: ApiUser, task: str) -> str:
    return (await who.request("GET", f"/tasks/{task}/history")).headers["taskledger-position"]


COMMANDS = [
    case("edit", "PATCH", "", {"title": "Bread"}),
    case("fields", "PATCH", "", {"fields": None}),
    case("move", "POST", "/move", {"column": "doing"}),
    case("trash", "DELETE", "", {}),
    case("complete", "POST", "/complete", {}),
    case("reopen", "POST", "/reopen", {}),
    case("assign", "POST", "/assign", {"user_id": UNKNOWN_USER_ID}),
    case("unassign", "POST", "/unassign", {"user_id": UNKNOWN_USER_ID}),
    case("label", "POST", "/label", {"label": "shop"}),
    case("unlabel", "POST", "/unlabel", {"label": "shop"}),
    case("archive", "POST", "/archive", {}),
    case("unarchive", "POST", "/unarchive", {}),
    case("parent", "POST", "/parent", {"parent_id": None}),
    case("relate", "POST", "/relate", {"kind": "blocks", "task_id": UNKNOWN_USER_ID}),
    case("unrelate", "POST", "/unrelate", {"kind": "blocks", "task_id": UNKNOWN_USER_ID}),
    case("skip", "POST", "/skip", {}),
    case("checklist", "PUT", "/checklist", {"items": [{"text": "Milk"}]}),
]
commands = pytest.mark.parametrize(("method", "path", "body"), COMMANDS)


@commands
@pytest.mark.parametrize(
    "version",
    [
        case("negative", "-1"),
        case("a float", "1.5"),
        case("a small float", "2e-1"),
        case("past the exact floats", str(2**53)),
        case("past int8", str(2**63)),
        case("past 2^64", str(2**64)),
        case("of 1,000 digits", "9" * 1_000),
        case("1e400", "1e400"),
        case("NaN", "NaN"),
        case("true", "true"),
        case("text", '"2"'),
        case("a list", "[2]"),
    ],
)
@pytest.mark.usefixtures("assert_nothing_written")
async def test_an_invalid_version_is_refused(  # noqa: PLR0913, PLR0917 - a table of two dimensions
    shared_user: ApiUser, task_id: str, method: str, path: str, body: dict[str, Any], version: str
) -> None:
    content = json.dumps({**body, "expected_version": 7}).replace("7", version).encode()
    assert_problem(await shared_user.request(method, f"/tasks/{task_id}{path}", content=content, headers=JSON), 400)


@commands
@pytest.mark.parametrize(
    "version", [case("none", 0), case("behind", 1), case("ahead", 3), case("far ahead", 2**53 - 1)]
)
@pytest.mark.usefixtures("assert_nothing_written")
async def test_a_stale_version_is_a_conflict(  # noqa: PLR0913, PLR0917 - as above
    shared_user: ApiUser, task_id: str, method: str, path: str, body: dict[str, Any], version: int
) -> None:
    answer = await shared_user.request(method, f"/tasks/{task_id}{path}", json={**body, "expected_version": version})
    problem = assert_problem(answer, 409, "version_conflict")
    assert (problem["expected_version"], problem["current_version"]) == (version, 2)
    by_header = await shared_user.request(
        method, f"/tasks/{task_id}{path}", json=body, headers={"If-Match": f'"{version}"'}
    )
    assert_problem(by_header, 412 if len(str(version)) <= 15 else 400)


@pytest.mark.parametrize(
    "key",
    [
        case("empty", ""),
        case("empty in quotes", '""'),
        case("max and one", "x" * 256),
        case("max and one in quotes", f'"{"x" * 256}"'),
        case("60,000", "x" * 60_000),
        case("a tab", "a\tb"),
        case("NUL", "a\0b"),
        case("an escape", "a\x1b[31mb"),
        case("C1 control", b"a\x9bb"),
        case("a soft hyphen", b"a\xadb"),
    ],
)
@pytest.mark.usefixtures("assert_nothing_written")
async def test_an_invalid_idempotency_key_is_refused(shared_user: ApiUser, task_id: str, key: str | bytes) -> None:
    answer = await shared_user.request("POST", f"/tasks/{task_id}/complete", headers={"Idempotency-Key": key})
    assert_problem(answer, 400, "invalid_idempotency_key")


@pytest.mark.usefixtures("assert_nothing_written")
async def test_two_keys_are_refused(shared_user: ApiUser, task_id: str) -> None:
    lines = [*shared_user.headers.items(), ("Idempotency-Key", "one"), ("Idempotency-Key", "other")]
    assert_problem(
        await shared_user.client.post(f"/tasks/{task_id}/complete", headers=lines), 400, "invalid_idempotency_key"
    )


async def test_reusing_a_key_on_another_route_is_refused(shared_user: ApiUser) -> None:
    headers = {"Idempotency-Key": str(new_id())}
    created = await shared_user.request(
        "POST", f"/projects/{shared_user.project}/tasks", json={"title": "Tea"}, headers=headers
    )
    task = created.json()["id"]
    project = {"name": "Garden", "key": "GAR"}
    others: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", f"/workspaces/{shared_user.workspace}/projects", project),
        ("POST", "/workspaces", {"name": "Garden"}),
        ("POST", f"/tasks/{task}/complete", {}),
        ("PATCH", f"/tasks/{task}", {"title": "Green tea", "expected_version": 1}),
        ("DELETE", f"/tasks/{task}", {"expected_version": 1}),
        ("POST", f"/projects/{shared_user.project}/tasks", {"title": "Tea "}),
    ]
    before = await stream_version(shared_user, task)
    for method, path, body in others:
        assert_problem(await shared_user.request(method, path, json=body, headers=headers), 422, "key_reused")
    assert await stream_version(shared_user, task) == before


async def test_idempotency_keys_are_per_user(ann: ApiUser, bob: ApiUser) -> None:
    task, headers = await ann.create_task(), {"Idempotency-Key": str(new_id())}
    first = await ann.request("POST", f"/tasks/{task}/complete", headers=headers)
    assert first.status_code == 200
    assert_problem(await bob.request("POST", f"/tasks/{task}/complete", headers=headers), 404, "not_found")
    again = await ann.request("POST", f"/tasks/{task}/complete", headers=headers)
    assert (again.content, again.headers["idempotent-replayed"]) == (first.content, "true")


async def test_a_concurrent_request_with_the_same_key_and_another_body_is_refused(ann: ApiUser) -> None:
    headers, path = {"Idempotency-Key": str(new_id())}, f"/projects/{ann.project}/tasks"
    answers = await asyncio.gather(
        *(ann.request("POST", path, json={"title": f"T{at}"}, headers=headers) for at in range(8))
    )
    done = [answer for answer in answers if answer.status_code == 201]
    assert len(done) == 1
    for answer in answers:
        if answer is not done[0]:
            assert_problem(answer, 422 if answer.status_code == 422 else 409)
            assert answer.json()["code"] in {"key_reused", "twin_in_flight"}
    assert len((await ann.get(path))["items"]) == 1


@commands
async def test_a_command_on_a_trashed_task_changes_nothing(
    shared_user: ApiUser, task_id: str, method: str, path: str, body: dict[str, Any]
) -> None:
    trashed = await shared_user.request("DELETE", f"/tasks/{task_id}", json={"expected_version": 2})
    assert trashed.json()["version"] == 3
    before = await stream_version(shared_user, task_id)
    answer = await shared_user.request(method, f"/tasks/{task_id}{path}", json={**body, "expected_version": 3})
    if method == "DELETE":
        assert (answer.status_code, answer.json()["version"]) == (200, 3)
    else:
        assert_problem(answer, 422, "task_is_trashed")
    assert await stream_version(shared_user, task_id) == before


async def test_a_task_that_is_completed_twice_is_completed_once(shared_user: ApiUser, task_id: str) -> None:
    first = await shared_user.post(f"/tasks/{task_id}/complete")
    second = await shared_user.post(f"/tasks/{task_id}/complete")
    assert second == first
    assert await stream_version(shared_user, task_id) == str(first["position"])
    late = await shared_user.request("POST", f"/tasks/{task_id}/complete", json={"expected_version": 2})
    assert_problem(late, 409, "version_conflict")
    assert_problem(
        await shared_user.request("POST", f"/tasks/{task_id}/complete", headers={"If-Match": '"2"'}),
        412,
        "version_conflict",
    )


async def test_concurrent_completes_write_one_event(shared_user: ApiUser, task_id: str) -> None:
    answers = await asyncio.gather(*(shared_user.post(f"/tasks/{task_id}/complete") for _ in range(10)))
    assert [answer["version"] for answer in answers] == [3] * 10
    history = (await shared_user.get(f"/tasks/{task_id}/history"))["items"]
    assert [item["type"] for item in history] == ["TaskCompleted", "TaskRenamed", "TaskCreated"]
