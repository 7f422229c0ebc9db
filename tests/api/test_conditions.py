"""Conditions: the version that a wish was made on, and the answer that a client has already."""

import re
from typing import Any

import pytest

from infra.ids import new_id
from tests.api.problems import refused
from tests.visitor import Visitor

pytestmark = pytest.mark.asyncio(loop_scope="package")

OVERWRITING: list[tuple[str, str, dict[str, Any]]] = [
    ("PATCH", "", {"title": "Bread"}),
    ("POST", "/move", {"column": "doing"}),
    ("DELETE", "", {}),
]
COMMUTING = [("POST", "/complete"), ("POST", "/reopen")]
TOLD = {
    "expected_version",
    "current_version",
    "conflicting_fields",
    "rebase_possible",
    "intervening_events",
    "current",
}


async def lost(ann: Visitor) -> str:
    """A task at version 3: whoever saw version 1 has lost."""
    task = await ann.task()
    edit = {"title": "Oat milk", "priority": "high", "expected_version": 1}
    assert (await ann.ask("PATCH", f"/tasks/{task}", json=edit)).json()["version"] == 3
    return task


@pytest.mark.parametrize(("method", "path", "body"), OVERWRITING)
async def test_who_overwrites_must_say_what_they_saw(
    ann: Visitor, method: str, path: str, body: dict[str, Any]
) -> None:
    task = await ann.task()
    refused(await ann.ask(method, f"/tasks/{task}{path}", json=body), 428, "version_required")
    answer = await ann.ask(method, f"/tasks/{task}{path}", json={**body, "expected_version": 1})
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(("method", "path", "body"), OVERWRITING)
async def test_a_version_in_the_body_that_is_behind_is_409_and_in_the_header_412(
    ann: Visitor, method: str, path: str, body: dict[str, Any]
) -> None:
    task = await lost(ann)
    by_body = await ann.ask(method, f"/tasks/{task}{path}", json={**body, "expected_version": 1})
    by_header = await ann.ask(method, f"/tasks/{task}{path}", json=body, headers={"If-Match": '"1"'})
    told = [refused(by_body, 409, "version_conflict"), refused(by_header, 412, "version_conflict")]
    for problem in told:
        assert problem.keys() >= TOLD
        del problem["status"], problem["trace_id"]
    assert told[0] == told[1]


@pytest.mark.parametrize(("method", "path"), COMMUTING)
async def test_who_commutes_need_not_name_a_version_but_is_held_to_the_one_named(
    ann: Visitor, method: str, path: str
) -> None:
    task = await lost(ann)
    refused(await ann.ask(method, f"/tasks/{task}{path}", json={"expected_version": 2}), 409, "version_conflict")
    refused(await ann.ask(method, f"/tasks/{task}{path}", headers={"If-Match": '"2"'}), 412, "version_conflict")
    assert (await ann.ask(method, f"/tasks/{task}{path}")).status_code == 200


async def test_the_loser_is_told_what_happened(ann: Visitor) -> None:
    task = await lost(ann)
    edit = {"title": "Soy milk", "expected_version": 1}
    problem = refused(await ann.ask("PATCH", f"/tasks/{task}", json=edit), 409, "version_conflict")
    assert (problem["expected_version"], problem["current_version"]) == (1, 3)
    assert problem["conflicting_fields"] == ["title"]
    assert problem["rebase_possible"] is False
    assert [(event["version"], event["type"], event["fields"]) for event in problem["intervening_events"]] == [
        (2, "TaskRenamed", ["title"]),
        (3, "TaskPrioritised", ["priority"]),
    ]
    for event in problem["intervening_events"]:
        assert event.keys() == {"version", "type", "actor", "at", "fields"}
        assert event["actor"] == {"kind": "human", "id": ann.id, "name": "Ann", "on_behalf_of": None}
    assert (problem["current"]["title"], problem["current"]["priority"]) == ("Oat milk", "high")


async def test_a_loser_of_other_fields_is_told_that_the_edit_would_still_do(ann: Visitor) -> None:
    task = await lost(ann)
    edit = {"description": "Two litres", "expected_version": 1}
    problem = refused(await ann.ask("PATCH", f"/tasks/{task}", json=edit), 409, "version_conflict")
    assert (problem["conflicting_fields"], problem["rebase_possible"]) == ([], True)


async def test_a_loser_is_told_of_the_last_fifty_events_at_most(ann: Visitor) -> None:
    task = await ann.task()
    for number in range(60):
        await ann.post(f"/tasks/{task}/{'reopen' if number % 2 else 'complete'}")
    problem = refused(await ann.ask("DELETE", f"/tasks/{task}", headers={"If-Match": '"1"'}), 412)
    assert [event["version"] for event in problem["intervening_events"]] == list(range(12, 62))


@pytest.mark.parametrize("version", [0, 4, 99, 2**53 - 1])
async def test_a_version_that_never_was_is_a_conflict_too(ann: Visitor, version: int) -> None:
    task = await lost(ann)
    edit = {"title": "Soy milk", "expected_version": version}
    problem = refused(await ann.ask("PATCH", f"/tasks/{task}", json=edit), 409, "version_conflict")
    assert (problem["expected_version"], problem["current_version"]) == (version, 3)
    assert len(problem["intervening_events"]) == (3 if version == 0 else 0)
    assert problem["rebase_possible"] is False


async def test_header_and_body_that_differ_are_refused(ann: Visitor) -> None:
    task = await ann.task()
    edit = {"title": "Bread", "expected_version": 1}
    refused(await ann.ask("PATCH", f"/tasks/{task}", json=edit, headers={"If-Match": '"2"'}), 400, "versions_differ")
    both = await ann.ask("PATCH", f"/tasks/{task}", json=edit, headers={"If-Match": '"1"'})
    assert both.status_code == 200


async def test_a_create_on_a_version_that_is_not_0_is_a_conflict(ann: Visitor) -> None:
    path = f"/projects/{ann.project}/tasks"
    refused(await ann.ask("POST", path, json={"title": "x", "expected_version": 1}), 409, "version_conflict")
    refused(await ann.ask("POST", path, json={"title": "x"}, headers={"If-Match": '"1"'}), 412, "version_conflict")
    created = await ann.ask("POST", path, json={"title": "x", "expected_version": 0, "id": str(new_id())})
    assert created.status_code == 201


async def test_the_tag_of_a_task_is_its_version_and_a_hash_and_if_match_takes_both_forms(ann: Visitor) -> None:
    task = await ann.task()
    for version, shape in enumerate(("{}", '"1{}', "{}"), start=1):
        del shape
        ann.fold()
        etag = (await ann.ask("GET", f"/tasks/{task}")).headers["etag"]
        assert re.fullmatch(rf'"{version}-[0-9a-f]+"', etag)
        form = etag if version % 2 else f'"{version}"'
        edit = await ann.ask("PATCH", f"/tasks/{task}", json={"title": f"T{version}"}, headers={"If-Match": form})
        assert edit.status_code == 200, edit.text


async def test_an_answer_that_the_client_has_is_not_sent_again(ann: Visitor) -> None:
    task = await ann.task()
    paths = (
        f"/tasks/{task}",
        f"/projects/{ann.project}/tasks",
        f"/projects/{ann.project}",
        f"/workspaces/{ann.workspace}/projects",
        f"/workspaces/{ann.workspace}",
        "/workspaces",
    )
    ann.fold()
    for path in paths:
        first = await ann.ask("GET", path)
        etag = first.headers["etag"]
        for header in (etag, f'"other", {etag}', f'{etag},"other"', f"W/{etag}", "*"):
            again = await ann.ask("GET", path, headers={"If-None-Match": header})
            assert (again.status_code, again.content) == (304, b""), (path, header)
            assert again.headers["etag"] == etag
            assert again.headers["taskledger-position"] == first.headers["taskledger-position"]
        other = await ann.ask("GET", path, headers={"If-None-Match": '"other"'})
        assert (other.status_code, other.content) == (200, first.content)


async def test_a_changed_answer_is_sent(ann: Visitor) -> None:
    task = await ann.task()
    for path in (f"/tasks/{task}", f"/projects/{ann.project}/tasks"):
        ann.fold()
        etag = (await ann.ask("GET", path)).headers["etag"]
        await ann.post(f"/tasks/{task}/{'complete' if path.endswith(task) else 'reopen'}")
        ann.fold()
        assert (await ann.ask("GET", path, headers={"If-None-Match": etag})).status_code == 200


async def test_the_loser_can_replace_their_copy_with_what_is_told(ann: Visitor) -> None:
    task = await lost(ann)
    late = await ann.ask("PATCH", f"/tasks/{task}", json={"title": "Bread", "expected_version": 1})
    shown = await ann.get(f"/tasks/{task}")
    current = refused(late, 409, "version_conflict")["current"]
    assert current == {name: shown[name] for name in current}
    assert current.keys() >= {"id", "version", "title", "status"}
