"""Preconditions: the expected version of a command, and the entity tag of a cached answer."""

import asyncio
import re
from typing import Any

import pytest

from infra.ids import new_id
from tests.api.problems import assert_problem
from tests.api_user import ApiUser

pytestmark = pytest.mark.asyncio(loop_scope="package")

OVERWRITING: list[tuple[str, str, dict[str, Any]]] = [
    ("PATCH", "", {"title": "Bread"}),
    ("POST", "/move", {"column": "doing"}),
    ("DELETE", "", {}),
]
COMMUTING = [("POST", "/complete"), ("POST", "/reopen")]
CONFLICT_MEMBERS = {
    "expected_version",
    "current_version",
    "conflicting_fields",
    "rebase_possible",
    "intervening_events",
    "current",
}


async def task_at_version_three(ann: ApiUser) -> str:
    """A task at version 3; a command that expects version 1 conflicts."""
    task = await ann.create_task()
    edit = {"title": "Oat milk", "priority": "high", "expected_version": 1}
    assert (await ann.request("PATCH", f"/tasks/{task}", json=edit)).json()["version"] == 3
    return task


@pytest.mark.parametrize(("method", "path", "body"), OVERWRITING)
async def test_overwriting_commands_need_an_expected_version(
    ann: ApiUser, method: str, path: str, body: dict[str, Any]
) -> None:
    task = await ann.create_task()
    assert_problem(await ann.request(method, f"/tasks/{task}{path}", json=body), 428, "version_required")
    answer = await ann.request(method, f"/tasks/{task}{path}", json={**body, "expected_version": 1})
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(("method", "path", "body"), OVERWRITING)
async def test_a_stale_version_is_409_in_the_body_and_412_in_the_header(
    ann: ApiUser, method: str, path: str, body: dict[str, Any]
) -> None:
    task = await task_at_version_three(ann)
    by_body = await ann.request(method, f"/tasks/{task}{path}", json={**body, "expected_version": 1})
    by_header = await ann.request(method, f"/tasks/{task}{path}", json=body, headers={"If-Match": '"1"'})
    problems = [assert_problem(by_body, 409, "version_conflict"), assert_problem(by_header, 412, "version_conflict")]
    for problem in problems:
        assert problem.keys() >= CONFLICT_MEMBERS
        del problem["status"], problem["trace_id"]
    assert problems[0] == problems[1]


@pytest.mark.parametrize(("method", "path", "body"), OVERWRITING)
async def test_an_asterisk_is_any_version_of_what_exists(
    ann: ApiUser, method: str, path: str, body: dict[str, Any]
) -> None:
    task, headers = await task_at_version_three(ann), {"If-Match": "*"}
    answer = await ann.request(method, f"/tasks/{task}{path}", json=body, headers=headers)
    assert (answer.status_code, answer.json().get("version")) == (200, 4), answer.text
    assert_problem(await ann.request(method, f"/tasks/{new_id()}{path}", json=body, headers=headers), 404, "not_found")


async def test_an_asterisk_leaves_a_version_in_the_body_in_force(ann: ApiUser) -> None:
    task, headers = await task_at_version_three(ann), {"If-Match": "*"}
    edit = {"title": "Bread", "expected_version": 1}
    stale = await ann.request("PATCH", f"/tasks/{task}", json=edit, headers=headers)
    assert_problem(stale, 409, "version_conflict")
    current = await ann.request("PATCH", f"/tasks/{task}", json={**edit, "expected_version": 3}, headers=headers)
    assert current.status_code == 200


async def test_an_asterisk_creates_nothing(ann: ApiUser) -> None:
    headers = {"If-Match": "*"}
    create = await ann.request("POST", f"/projects/{ann.project}/tasks", json={"title": "x"}, headers=headers)
    assert_problem(create, 412, "nothing_matches")
    label = f"/workspaces/{ann.workspace}/labels/shop"
    assert_problem(await ann.request("PUT", label, json={"colour": "#cc3300"}, headers=headers), 412, "nothing_matches")
    assert (await ann.request("PUT", label, json={"colour": "#cc3300"})).status_code == 200
    assert (await ann.request("PUT", label, json={"colour": None}, headers=headers)).status_code == 200


async def test_concurrent_edits_of_any_version_all_succeed(ann: ApiUser) -> None:
    task = await ann.create_task()
    edits = (
        ann.request("PATCH", f"/tasks/{task}", json={"title": f"T{number}"}, headers={"If-Match": "*"})
        for number in range(8)
    )
    answers = await asyncio.gather(*edits)
    assert [answer.status_code for answer in answers] == [200] * 8
    assert sorted(answer.json()["version"] for answer in answers) == list(range(2, 10))


@pytest.mark.parametrize(("method", "path"), COMMUTING)
async def test_commuting_commands_check_a_version_only_if_given(ann: ApiUser, method: str, path: str) -> None:
    task = await task_at_version_three(ann)
    assert_problem(
        await ann.request(method, f"/tasks/{task}{path}", json={"expected_version": 2}), 409, "version_conflict"
    )
    assert_problem(
        await ann.request(method, f"/tasks/{task}{path}", headers={"If-Match": '"2"'}), 412, "version_conflict"
    )
    assert (await ann.request(method, f"/tasks/{task}{path}")).status_code == 200


async def test_a_conflict_reports_what_happened(ann: ApiUser) -> None:
    task = await task_at_version_three(ann)
    edit = {"title": "Soy milk", "expected_version": 1}
    problem = assert_problem(await ann.request("PATCH", f"/tasks/{task}", json=edit), 409, "version_conflict")
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


async def test_a_conflict_over_other_fields_says_a_rebase_is_possible(ann: ApiUser) -> None:
    task = await task_at_version_three(ann)
    edit = {"description": "Two litres", "expected_version": 1}
    problem = assert_problem(await ann.request("PATCH", f"/tasks/{task}", json=edit), 409, "version_conflict")
    assert (problem["conflicting_fields"], problem["rebase_possible"]) == ([], True)


async def test_a_conflict_reports_at_most_the_last_fifty_events(ann: ApiUser) -> None:
    task = await ann.create_task()
    for number in range(60):
        await ann.post(f"/tasks/{task}/{'reopen' if number % 2 else 'complete'}")
    problem = assert_problem(await ann.request("DELETE", f"/tasks/{task}", headers={"If-Match": '"1"'}), 412)
    assert [event["version"] for event in problem["intervening_events"]] == list(range(12, 62))


@pytest.mark.parametrize("version", [0, 4, 99, 2**53 - 1])
async def test_a_version_that_never_was_is_a_conflict_too(ann: ApiUser, version: int) -> None:
    task = await task_at_version_three(ann)
    edit = {"title": "Soy milk", "expected_version": version}
    problem = assert_problem(await ann.request("PATCH", f"/tasks/{task}", json=edit), 409, "version_conflict")
    assert (problem["expected_version"], problem["current_version"]) == (version, 3)
    assert len(problem["intervening_events"]) == (3 if version == 0 else 0)
    assert problem["rebase_possible"] is False


async def test_header_and_body_that_differ_are_refused(ann: ApiUser) -> None:
    task = await ann.create_task()
    edit = {"title": "Bread", "expected_version": 1}
    assert_problem(
        await ann.request("PATCH", f"/tasks/{task}", json=edit, headers={"If-Match": '"2"'}), 400, "versions_differ"
    )
    both = await ann.request("PATCH", f"/tasks/{task}", json=edit, headers={"If-Match": '"1"'})
    assert both.status_code == 200


async def test_a_create_on_a_version_that_is_not_0_is_a_conflict(ann: ApiUser) -> None:
    path = f"/projects/{ann.project}/tasks"
    assert_problem(await ann.request("POST", path, json={"title": "x", "expected_version": 1}), 409, "version_conflict")
    assert_problem(
        await ann.request("POST", path, json={"title": "x"}, headers={"If-Match": '"1"'}), 412, "version_conflict"
    )
    created = await ann.request("POST", path, json={"title": "x", "expected_version": 0, "id": str(new_id())})
    assert created.status_code == 201


async def test_an_etag_has_version_and_hash_and_if_match_takes_both_forms(ann: ApiUser) -> None:
    task = await ann.create_task()
    for version, shape in enumerate(("{}", '"1{}', "{}"), start=1):
        del shape
        ann.fold()
        etag = (await ann.request("GET", f"/tasks/{task}")).headers["etag"]
        assert re.fullmatch(rf'"{version}-[0-9a-f]+"', etag)
        form = etag if version % 2 else f'"{version}"'
        edit = await ann.request("PATCH", f"/tasks/{task}", json={"title": f"T{version}"}, headers={"If-Match": form})
        assert edit.status_code == 200, edit.text


async def test_a_matching_if_none_match_is_304(ann: ApiUser) -> None:
    task = await ann.create_task()
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
        first = await ann.request("GET", path)
        etag = first.headers["etag"]
        for header in (etag, f'"other", {etag}', f'{etag},"other"', f"W/{etag}", "*"):
            again = await ann.request("GET", path, headers={"If-None-Match": header})
            assert (again.status_code, again.content) == (304, b""), (path, header)
            assert again.headers["etag"] == etag
            assert again.headers["taskledger-position"] == first.headers["taskledger-position"]
        other = await ann.request("GET", path, headers={"If-None-Match": '"other"'})
        assert (other.status_code, other.content) == (200, first.content)


async def test_a_changed_answer_is_200(ann: ApiUser) -> None:
    task = await ann.create_task()
    for path in (f"/tasks/{task}", f"/projects/{ann.project}/tasks"):
        ann.fold()
        etag = (await ann.request("GET", path)).headers["etag"]
        await ann.post(f"/tasks/{task}/{'complete' if path.endswith(task) else 'reopen'}")
        ann.fold()
        assert (await ann.request("GET", path, headers={"If-None-Match": etag})).status_code == 200


async def test_a_conflict_carries_the_current_task(ann: ApiUser) -> None:
    task = await task_at_version_three(ann)
    late = await ann.request("PATCH", f"/tasks/{task}", json={"title": "Bread", "expected_version": 1})
    shown = await ann.get(f"/tasks/{task}")
    current = assert_problem(late, 409, "version_conflict")["current"]
    assert current == {name: shown[name] for name in current}
    assert current.keys() >= {"id", "version", "title", "status"}
