"""Bad commands: wrong versions, wrong keys and wishes that come too late are refused, or change nothing, and say so."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from infra.ids import new_id
from tests.api.checks import NOBODY
from tests.api.problems import refused
from tests.visitor import Visitor

pytestmark = pytest.mark.asyncio(loop_scope="package")

JSON = {"Content-Type": "application/json"}


def row(name: str, *values: object) -> Any:
    return pytest.param(*values, id=name)


@pytest_asyncio.fixture(loop_scope="package")
async def milk(house: Visitor) -> str:
    """A task at version 2: its title was another at first."""
    task = await house.task("Oat milk")
    answer = await house.ask("PATCH", f"/tasks/{task}", json={"title": "Milk", "expected_version": 1})
    assert answer.status_code == 200, answer.text
    return task


@pytest_asyncio.fixture(loop_scope="package")
async def nothing_is_written(house: Visitor, milk: str) -> AsyncIterator[None]:
    before = await head(house, milk)
    yield
    assert await head(house, milk) == before


async def head(who: Visitor, task: str) -> str:
    return (await who.ask("GET", f"/tasks/{task}/history")).headers["taskledger-position"]


COMMANDS = [
    row("edit", "PATCH", "", {"title": "Bread"}),
    row("move", "POST", "/move", {"column": "doing"}),
    row("trash", "DELETE", "", {}),
    row("complete", "POST", "/complete", {}),
    row("reopen", "POST", "/reopen", {}),
    row("assign", "POST", "/assign", {"user_id": NOBODY}),
    row("unassign", "POST", "/unassign", {"user_id": NOBODY}),
    row("label", "POST", "/label", {"label": "shop"}),
    row("unlabel", "POST", "/unlabel", {"label": "shop"}),
]
commands = pytest.mark.parametrize(("method", "path", "body"), COMMANDS)


@commands
@pytest.mark.parametrize(
    "version",
    [
        row("negative", "-1"),
        row("a float", "1.5"),
        row("a whole float", "2.0"),
        row("a small float", "2e-1"),
        row("past the exact floats", str(2**53)),
        row("past int8", str(2**63)),
        row("past 2^64", str(2**64)),
        row("of 1,000 digits", "9" * 1_000),
        row("1e400", "1e400"),
        row("NaN", "NaN"),
        row("true", "true"),
        row("text", '"2"'),
        row("a list", "[2]"),
    ],
)
@pytest.mark.usefixtures("nothing_is_written")
async def test_a_version_that_is_no_number_of_events_is_refused(  # noqa: PLR0913, PLR0917 - a table of two dimensions
    house: Visitor, milk: str, method: str, path: str, body: dict[str, Any], version: str
) -> None:
    content = json.dumps({**body, "expected_version": 7}).replace("7", version).encode()
    refused(await house.ask(method, f"/tasks/{milk}{path}", content=content, headers=JSON), 400)


@commands
@pytest.mark.parametrize("version", [row("none", 0), row("behind", 1), row("ahead", 3), row("far ahead", 2**53 - 1)])
@pytest.mark.usefixtures("nothing_is_written")
async def test_a_version_that_is_not_the_present_one_is_a_conflict(  # noqa: PLR0913, PLR0917 - as above
    house: Visitor, milk: str, method: str, path: str, body: dict[str, Any], version: int
) -> None:
    answer = await house.ask(method, f"/tasks/{milk}{path}", json={**body, "expected_version": version})
    problem = refused(answer, 409, "version_conflict")
    assert (problem["expected_version"], problem["current_version"]) == (version, 2)
    by_header = await house.ask(method, f"/tasks/{milk}{path}", json=body, headers={"If-Match": f'"{version}"'})
    refused(by_header, 412 if len(str(version)) <= 15 else 400)


@pytest.mark.parametrize(
    "key",
    [
        row("empty", ""),
        row("empty in quotes", '""'),
        row("max and one", "x" * 256),
        row("max and one in quotes", f'"{"x" * 256}"'),
        row("60,000", "x" * 60_000),
        row("a tab", "a\tb"),
        row("NUL", "a\0b"),
        row("an escape", "a\x1b[31mb"),
        row("C1 control", b"a\x9bb"),
        row("a soft hyphen", b"a\xadb"),
    ],
)
@pytest.mark.usefixtures("nothing_is_written")
async def test_a_key_that_is_none_is_refused(house: Visitor, milk: str, key: str | bytes) -> None:
    answer = await house.ask("POST", f"/tasks/{milk}/complete", headers={"Idempotency-Key": key})
    refused(answer, 400, "invalid_idempotency_key")


@pytest.mark.usefixtures("nothing_is_written")
async def test_two_keys_are_refused(house: Visitor, milk: str) -> None:
    lines = [*house.headers.items(), ("Idempotency-Key", "one"), ("Idempotency-Key", "other")]
    refused(await house.client.post(f"/tasks/{milk}/complete", headers=lines), 400, "invalid_idempotency_key")


async def test_a_key_over_two_routes_is_refused_and_nothing_more_is_written(house: Visitor) -> None:
    headers = {"Idempotency-Key": str(new_id())}
    created = await house.ask("POST", f"/projects/{house.project}/tasks", json={"title": "Tea"}, headers=headers)
    task = created.json()["id"]
    project = {"name": "Garden", "key": "GAR"}
    others: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", f"/workspaces/{house.workspace}/projects", project),
        ("POST", "/workspaces", {"name": "Garden"}),
        ("POST", f"/tasks/{task}/complete", {}),
        ("PATCH", f"/tasks/{task}", {"title": "Green tea", "expected_version": 1}),
        ("DELETE", f"/tasks/{task}", {"expected_version": 1}),
        ("POST", f"/projects/{house.project}/tasks", {"title": "Tea "}),
    ]
    before = await head(house, task)
    for method, path, body in others:
        refused(await house.ask(method, path, json=body, headers=headers), 422, "key_reused")
    assert await head(house, task) == before


async def test_another_users_key_answers_nothing_of_theirs(ann: Visitor, bob: Visitor) -> None:
    task, headers = await ann.task(), {"Idempotency-Key": str(new_id())}
    first = await ann.ask("POST", f"/tasks/{task}/complete", headers=headers)
    assert first.status_code == 200
    refused(await bob.ask("POST", f"/tasks/{task}/complete", headers=headers), 404, "not_found")
    again = await ann.ask("POST", f"/tasks/{task}/complete", headers=headers)
    assert (again.content, again.headers["idempotent-replayed"]) == (first.content, "true")


async def test_a_twin_in_flight_with_another_body_is_refused(ann: Visitor) -> None:
    headers, path = {"Idempotency-Key": str(new_id())}, f"/projects/{ann.project}/tasks"
    answers = await asyncio.gather(
        *(ann.ask("POST", path, json={"title": f"T{at}"}, headers=headers) for at in range(8))
    )
    done = [answer for answer in answers if answer.status_code == 201]
    assert len(done) == 1
    for answer in answers:
        if answer is not done[0]:
            refused(answer, 422 if answer.status_code == 422 else 409)
            assert answer.json()["code"] in {"key_reused", "twin_in_flight"}
    assert len((await ann.get(path))["items"]) == 1


@commands
async def test_a_command_on_a_trashed_task_changes_nothing(
    house: Visitor, milk: str, method: str, path: str, body: dict[str, Any]
) -> None:
    trashed = await house.ask("DELETE", f"/tasks/{milk}", json={"expected_version": 2})
    assert trashed.json()["version"] == 3
    before = await head(house, milk)
    answer = await house.ask(method, f"/tasks/{milk}{path}", json={**body, "expected_version": 3})
    if method == "DELETE":
        assert (answer.status_code, answer.json()["version"]) == (200, 3)
    else:
        refused(answer, 422, "task_is_trashed")
    assert await head(house, milk) == before


async def test_a_task_that_is_completed_twice_is_completed_once(house: Visitor, milk: str) -> None:
    first = await house.post(f"/tasks/{milk}/complete")
    second = await house.post(f"/tasks/{milk}/complete")
    assert second == first
    assert await head(house, milk) == str(first["position"])
    late = await house.ask("POST", f"/tasks/{milk}/complete", json={"expected_version": 2})
    refused(late, 409, "version_conflict")
    refused(await house.ask("POST", f"/tasks/{milk}/complete", headers={"If-Match": '"2"'}), 412, "version_conflict")


async def test_a_task_that_everybody_completes_at_once_is_completed_once(house: Visitor, milk: str) -> None:
    answers = await asyncio.gather(*(house.post(f"/tasks/{milk}/complete") for _ in range(10)))
    assert [answer["version"] for answer in answers] == [3] * 10
    told = (await house.get(f"/tasks/{milk}/history"))["items"]
    assert [item["type"] for item in told] == ["TaskCompleted", "TaskRenamed", "TaskCreated"]
