"""Members over HTTP: who may come, what they may do, and how they go."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from api.http import history
from domain.event import RecordedEvent
from infra.ids import new_id
from infra.log import EventLog
from infra.reading.progress import ProjectionProgress
from tests.api import checks
from tests.api.problems import refused
from tests.visitor import Visitor

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def give(ann: Visitor, user: str, role: str) -> None:
    answer = await ann.ask("PUT", f"/workspaces/{ann.workspace}/members/{user}", json={"role": role})
    assert answer.status_code == 200, answer.text


async def test_a_user_who_gets_a_role_belongs_to_the_workspace(ann: Visitor, bob: Visitor) -> None:
    answer = await ann.ask("PUT", f"/workspaces/{ann.workspace}/members/{bob.id}", json={"role": "member"})
    assert (answer.status_code, answer.json()["id"]) == (200, ann.workspace)
    members = (await bob.get(f"/workspaces/{ann.workspace}/members"))["items"]
    assert members == [
        {"id": ann.id, "name": "Ann", "role": "owner"},
        {"id": bob.id, "name": "Bob", "role": "member"},
    ]
    assert (await bob.get(f"/workspaces/{ann.workspace}"))["members"] == {ann.id: "owner", bob.id: "member"}
    assert ann.workspace in [each["id"] for each in (await bob.get("/workspaces"))["items"]]
    assert (await bob.post(f"/projects/{ann.project}/tasks", title="Bob's"))["version"] == 1


async def test_a_role_is_given_under_the_name_in_the_address_only(ann: Visitor, bob: Visitor) -> None:
    path = f"/workspaces/{ann.workspace}/members/{bob.id}"
    refused(await ann.ask("PUT", path, json={"role": "member", "user_id": ann.id}), 400, "places_differ")
    refused(await ann.ask("PUT", path, json={"role": "boss"}), 400, "invalid_body")
    refused(await ann.ask("PUT", path, json={}), 400, "invalid_body")
    refused(await ann.ask("PUT", f"/workspaces/{ann.workspace}/members/{new_id()}", json={"role": "member"}), 404)


async def test_a_viewer_sees_all_and_changes_nothing(ann: Visitor, bob: Visitor) -> None:
    task = await ann.task()
    await give(ann, bob.id, "viewer")
    assert (await bob.get(f"/tasks/{task}"))["title"] == "Milk"
    assert (await bob.get(f"/projects/{ann.project}/tasks"))["items"]
    refused(await bob.ask("POST", f"/tasks/{task}/complete"), 403, "forbidden")
    refused(await bob.ask("POST", f"/projects/{ann.project}/tasks", json={"title": "x"}), 403, "forbidden")
    problem = refused(
        await bob.ask("PUT", f"/workspaces/{ann.workspace}/members/{bob.id}", json={"role": "owner"}), 403
    )
    assert problem["params"] == {"needed": "admin"}


async def test_a_removed_member_finds_nothing_any_more_from_that_moment_on(ann: Visitor, bob: Visitor) -> None:
    task = await ann.task()
    await give(ann, bob.id, "admin")
    paths = [
        f"/tasks/{task}",
        f"/tasks/{task}/history",
        f"/projects/{ann.project}",
        f"/projects/{ann.project}/tasks",
        f"/workspaces/{ann.workspace}",
        f"/workspaces/{ann.workspace}/projects",
        f"/workspaces/{ann.workspace}/members",
        f"/workspaces/{ann.workspace}/invitations",
        f"/workspaces/{ann.workspace}/activity",
    ]
    key = {"Idempotency-Key": "before"}
    assert (await bob.ask("POST", f"/tasks/{task}/complete", headers=key)).status_code == 200
    for path in paths:
        await bob.get(path)
    assert (await ann.ask("DELETE", f"/workspaces/{ann.workspace}/members/{bob.id}")).status_code == 200
    for path in paths:
        refused(await bob.ask("GET", path), 404, "not_found")
    refused(await bob.ask("POST", f"/tasks/{task}/reopen"), 404, "not_found")
    refused(await bob.ask("POST", f"/tasks/{task}/complete", headers=key), 404, "not_found")
    ann.fold()
    assert ann.workspace not in [each["id"] for each in (await bob.get("/workspaces"))["items"]]
    assert [each["id"] for each in (await ann.get(f"/workspaces/{ann.workspace}/members"))["items"]] == [ann.id]


@pytest.mark.parametrize(
    "path",
    [
        "/workspaces/{0.workspace}",
        "/workspaces/{0.workspace}/projects",
        "/workspaces/{0.workspace}/activity",
        "/workspaces/{0.workspace}/labels",
        "/workspaces/{0.workspace}/trash",
        "/workspaces/{0.workspace}/members",
        "/projects/{0.project}",
        "/projects/{0.project}/tasks",
    ],
)
async def test_who_is_removed_while_they_wait_is_told_nothing_more(
    ann: Visitor, bob: Visitor, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    await checks.who_is_removed_while_waiting_is_told_nothing_more(ann, bob, monkeypatch, path.format(ann))


async def test_a_stranger_does_not_wait(ann: Visitor, bob: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ProjectionProgress, "wait", None)
    here = f"/workspaces/{ann.workspace}"
    for path in (here, f"{here}/projects", f"{here}/activity", f"{here}/members", f"/projects/{ann.project}/tasks"):
        refused(await bob.ask("GET", f"{path}?min_position={2**60}"), 404, "not_found")


async def test_who_is_removed_while_a_history_is_read_is_told_nothing_more(
    ann: Visitor, bob: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = await ann.task()
    await give(ann, bob.id, "member")
    last = EventLog.load_last

    async def late(*asked: Any) -> list[RecordedEvent]:
        await ann.ask("DELETE", f"/workspaces/{ann.workspace}/members/{bob.id}")
        await ann.post(f"/tasks/{task}/complete")
        return await last(*asked)

    monkeypatch.setattr(EventLog, "load_last", late)
    refused(await bob.ask("GET", f"/tasks/{task}/history"), 404, "not_found")


@pytest.mark.parametrize("mode", ["alone", "atomic", "independent"])
async def test_who_is_removed_while_they_lose_a_race_is_told_nothing_of_it(
    ann: Visitor, bob: Visitor, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    task = await ann.task()
    await ann.post(f"/tasks/{task}/complete")
    await give(ann, bob.id, "member")
    told = history.load_names

    async def late(*asked: Any) -> dict[UUID, str]:
        await ann.ask("DELETE", f"/workspaces/{ann.workspace}/members/{bob.id}")
        return await told(*asked)

    monkeypatch.setattr(history, "load_names", late)
    edit = {"title": "Bread", "expected_version": 1}
    if mode == "alone":
        answer = await bob.ask("PATCH", f"/tasks/{task}", json=edit)
    else:
        body = {"mode": mode, "commands": [{"type": "EditTask", "id": task, "data": edit}]}
        answer = await bob.ask("POST", "/commands", json=body)
    assert "Milk" not in answer.text
    assert "TaskCompleted" not in answer.text
    if mode == "independent":
        assert [one["status"] for one in answer.json()["results"]] == [404]
    else:
        refused(answer, 404, "not_found")


async def test_who_is_removed_has_no_part_in_a_workspace_while_the_read_models_are_behind(
    ann: Visitor, bob: Visitor
) -> None:
    await give(ann, bob.id, "member")
    first = await bob.get("/workspaces")
    assert [one["id"] for one in first["items"]] == [ann.workspace, bob.workspace]
    etag = (await bob.ask("GET", "/workspaces")).headers["etag"]
    assert (await ann.ask("DELETE", f"/workspaces/{ann.workspace}/members/{bob.id}")).status_code == 200
    answer = await bob.ask("GET", "/workspaces", headers={"If-None-Match": etag})
    assert [one["id"] for one in answer.json()["items"]] == [bob.workspace]
    assert answer.headers["etag"] != etag
    ann.fold()
    folded = await bob.ask("GET", "/workspaces", headers={"If-None-Match": answer.headers["etag"]})
    assert folded.status_code == 304


async def test_a_human_key_is_not_ambiguous_with_one_of_where_one_was_removed(ann: Visitor, bob: Visitor) -> None:
    await give(ann, bob.id, "member")
    await ann.task()
    own = await bob.task()
    ann.fold()
    refused(await bob.ask("GET", "/tasks/KIT-1"), 400, "ambiguous_key")
    assert (await ann.ask("DELETE", f"/workspaces/{ann.workspace}/members/{bob.id}")).status_code == 200
    assert (await bob.ask("GET", "/tasks/KIT-1")).json()["id"] == own


async def test_one_leaves_by_oneself_and_the_last_owner_stays(ann: Visitor, bob: Visitor) -> None:
    here = f"/workspaces/{ann.workspace}"
    await give(ann, bob.id, "viewer")
    assert (await bob.ask("DELETE", f"{here}/members/{bob.id}")).status_code == 200
    refused(await bob.ask("GET", here), 404)
    refused(await ann.ask("DELETE", f"{here}/members/{ann.id}"), 422, "last_owner")
    types = [item["type"] for item in (await ann.get(f"{here}/activity"))["items"]]
    assert types[:2] == ["MemberLeft", "MemberJoined"]


async def test_of_two_owners_who_go_at_once_one_stays(ann: Visitor, bob: Visitor) -> None:
    here = f"/workspaces/{ann.workspace}/members"
    for _ in range(5):
        await give(ann, bob.id, "owner")
        answers = await asyncio.gather(ann.ask("DELETE", f"{here}/{ann.id}"), bob.ask("DELETE", f"{here}/{bob.id}"))
        assert sorted(answer.status_code for answer in answers) == [200, 422]
        stayed = ann if answers[0].status_code == 422 else bob
        if stayed is bob:
            answer = await bob.ask("PUT", f"{here}/{ann.id}", json={"role": "owner"})
            assert answer.status_code == 200
            await bob.ask("DELETE", f"{here}/{bob.id}")


async def test_members_come_and_go_in_batches_too(ann: Visitor, bob: Visitor) -> None:
    commands = [
        {"type": "SetRole", "id": ann.workspace, "data": {"user_id": bob.id, "role": "member"}},
        {"type": "RemoveMember", "id": ann.workspace, "data": {"user_id": bob.id}},
    ]
    answer = await ann.post("/commands", commands=commands)
    assert [result["id"] for result in answer["results"]] == [ann.workspace] * 2
    missing = await ann.ask(
        "POST", "/commands", json={"commands": [{"type": "RemoveMember", "id": ann.workspace, "data": {}}]}
    )
    refused(missing, 400, "invalid_body")


async def test_a_workspace_is_renamed_by_who_saw_it(ann: Visitor) -> None:
    here = f"/workspaces/{ann.workspace}"
    refused(await ann.ask("PATCH", here, json={"name": "House"}), 428, "version_required")
    answer = await ann.ask("PATCH", here, json={"name": "House"}, headers={"If-Match": '"1"'})
    assert (answer.status_code, answer.json()["version"]) == (200, 2)
    shown = await ann.get(here)
    assert (shown["name"], shown["version"]) == ("House", 2)
    conflict = refused(await ann.ask("PATCH", here, json={"name": "Hut", "expected_version": 1}), 409)
    assert conflict["current"]["name"] == "House"
