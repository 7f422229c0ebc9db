"""Members over HTTP: adding them, their roles, removing them and leaving."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from api.http import history_items
from domain.event import RecordedEvent
from infra.ids import new_id
from infra.log.event_log import EventLog
from infra.reading.progress_waiting import ProgressWaiter
from tests.api import guarantees
from tests.api.problems import assert_problem
from tests.api_user import PASSWORD, ApiUser

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def set_role(ann: ApiUser, user: str, role: str) -> None:
    answer = await ann.request("PUT", f"/workspaces/{ann.workspace}/members/{user}", json={"role": role})
    assert answer.status_code == 200, answer.text


async def test_a_user_with_a_role_is_a_member(ann: ApiUser, bob: ApiUser) -> None:
    answer = await ann.request("PUT", f"/workspaces/{ann.workspace}/members/{bob.id}", json={"role": "member"})
    assert (answer.status_code, answer.json()["id"]) == (200, ann.workspace)
    members = (await bob.get(f"/workspaces/{ann.workspace}/members"))["items"]
    assert members == [
        {"id": ann.id, "name": "Ann", "role": "owner"},
        {"id": bob.id, "name": "Bob", "role": "member"},
    ]
    assert (await bob.get(f"/workspaces/{ann.workspace}"))["members"] == {ann.id: "owner", bob.id: "member"}
    assert ann.workspace in [each["id"] for each in (await bob.get("/workspaces"))["items"]]
    assert (await bob.post(f"/projects/{ann.project}/tasks", title="Bob's"))["version"] == 1


async def test_a_role_is_set_only_for_the_user_in_the_path(ann: ApiUser, bob: ApiUser) -> None:
    path = f"/workspaces/{ann.workspace}/members/{bob.id}"
    assert_problem(await ann.request("PUT", path, json={"role": "member", "user_id": ann.id}), 400, "places_differ")
    assert_problem(await ann.request("PUT", path, json={"role": "boss"}), 400, "invalid_body")
    assert_problem(await ann.request("PUT", path, json={}), 400, "invalid_body")
    assert_problem(
        await ann.request("PUT", f"/workspaces/{ann.workspace}/members/{new_id()}", json={"role": "member"}), 404
    )


async def test_a_viewer_sees_all_and_changes_nothing(ann: ApiUser, bob: ApiUser) -> None:
    task = await ann.create_task()
    await set_role(ann, bob.id, "viewer")
    assert (await bob.get(f"/tasks/{task}"))["title"] == "Milk"
    assert (await bob.get(f"/projects/{ann.project}/tasks"))["items"]
    assert_problem(await bob.request("POST", f"/tasks/{task}/complete"), 403, "forbidden")
    assert_problem(await bob.request("POST", f"/projects/{ann.project}/tasks", json={"title": "x"}), 403, "forbidden")
    problem = assert_problem(
        await bob.request("PUT", f"/workspaces/{ann.workspace}/members/{bob.id}", json={"role": "owner"}), 403
    )
    assert problem["params"] == {"needed": "admin"}


async def test_a_removed_member_gets_not_found_at_once(ann: ApiUser, bob: ApiUser) -> None:
    task = await ann.create_task()
    await set_role(ann, bob.id, "admin")
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
    assert (await bob.request("POST", f"/tasks/{task}/complete", headers=key)).status_code == 200
    for path in paths:
        await bob.get(path)
    assert (await ann.request("DELETE", f"/workspaces/{ann.workspace}/members/{bob.id}")).status_code == 200
    for path in paths:
        assert_problem(await bob.request("GET", path), 404, "not_found")
    assert_problem(await bob.request("POST", f"/tasks/{task}/reopen"), 404, "not_found")
    assert_problem(await bob.request("POST", f"/tasks/{task}/complete", headers=key), 404, "not_found")
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
async def test_a_member_removed_while_waiting_gets_not_found(
    ann: ApiUser, bob: ApiUser, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    await guarantees.a_member_removed_while_waiting_gets_not_found(ann, bob, monkeypatch, path.format(ann))


async def test_a_non_member_does_not_wait_for_a_position(
    ann: ApiUser, bob: ApiUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ProgressWaiter, "wait", None)
    here = f"/workspaces/{ann.workspace}"
    for path in (here, f"{here}/projects", f"{here}/activity", f"{here}/members", f"/projects/{ann.project}/tasks"):
        assert_problem(await bob.request("GET", f"{path}?min_position={2**60}"), 404, "not_found")


async def test_a_member_removed_while_reading_a_history_gets_not_found(
    ann: ApiUser, bob: ApiUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = await ann.create_task()
    await set_role(ann, bob.id, "member")
    at = EventLog.load_at

    async def late(*asked: Any) -> list[RecordedEvent]:
        await ann.request("DELETE", f"/workspaces/{ann.workspace}/members/{bob.id}")
        await ann.post(f"/tasks/{task}/complete")
        return await at(*asked)

    monkeypatch.setattr(EventLog, "load_at", late)
    assert_problem(await bob.request("GET", f"/tasks/{task}/history"), 404, "not_found")


@pytest.mark.parametrize("mode", ["alone", "atomic", "independent"])
async def test_a_member_removed_during_a_conflict_gets_no_details(
    ann: ApiUser, bob: ApiUser, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    task = await ann.create_task()
    await ann.post(f"/tasks/{task}/complete")
    await set_role(ann, bob.id, "member")
    load_names = history_items.load_names

    async def late(*asked: Any) -> dict[UUID, str]:
        await ann.request("DELETE", f"/workspaces/{ann.workspace}/members/{bob.id}")
        return await load_names(*asked)

    monkeypatch.setattr(history_items, "load_names", late)
    edit = {"title": "Bread", "expected_version": 1}
    if mode == "alone":
        answer = await bob.request("PATCH", f"/tasks/{task}", json=edit)
    else:
        body = {"mode": mode, "commands": [{"type": "EditTask", "id": task, "data": edit}]}
        answer = await bob.request("POST", "/commands", json=body)
    assert "Milk" not in answer.text
    assert "TaskCompleted" not in answer.text
    if mode == "independent":
        assert [one["status"] for one in answer.json()["results"]] == [404]
    else:
        assert_problem(answer, 404, "not_found")


async def test_a_removed_members_workspace_is_hidden_though_read_models_lag(ann: ApiUser, bob: ApiUser) -> None:
    await set_role(ann, bob.id, "member")
    first = await bob.get("/workspaces")
    assert [one["id"] for one in first["items"]] == [ann.workspace, bob.workspace]
    etag = (await bob.request("GET", "/workspaces")).headers["etag"]
    assert (await ann.request("DELETE", f"/workspaces/{ann.workspace}/members/{bob.id}")).status_code == 200
    answer = await bob.request("GET", "/workspaces", headers={"If-None-Match": etag})
    assert [one["id"] for one in answer.json()["items"]] == [bob.workspace]
    assert answer.headers["etag"] != etag
    ann.fold()
    folded = await bob.request("GET", "/workspaces", headers={"If-None-Match": answer.headers["etag"]})
    assert folded.status_code == 304


async def test_a_task_key_ignores_workspaces_the_user_was_removed_from(ann: ApiUser, bob: ApiUser) -> None:
    await set_role(ann, bob.id, "member")
    await ann.create_task()
    own = await bob.create_task()
    ann.fold()
    assert_problem(await bob.request("GET", "/tasks/KIT-1"), 400, "ambiguous_key")
    assert (await ann.request("DELETE", f"/workspaces/{ann.workspace}/members/{bob.id}")).status_code == 200
    assert (await bob.request("GET", "/tasks/KIT-1")).json()["id"] == own


async def test_a_member_may_leave_and_the_last_owner_may_not(ann: ApiUser, bob: ApiUser) -> None:
    here = f"/workspaces/{ann.workspace}"
    await set_role(ann, bob.id, "viewer")
    assert (await bob.request("DELETE", f"{here}/members/{bob.id}")).status_code == 200
    assert_problem(await bob.request("GET", here), 404)
    assert_problem(await ann.request("DELETE", f"{here}/members/{ann.id}"), 422, "last_owner")
    types = [item["type"] for item in (await ann.get(f"{here}/activity"))["items"]]
    assert types[:2] == ["MemberLeft", "MemberJoined"]


async def test_two_owners_leaving_at_once_leave_one(ann: ApiUser, bob: ApiUser) -> None:
    here = f"/workspaces/{ann.workspace}/members"
    for _ in range(5):
        await set_role(ann, bob.id, "owner")
        answers = await asyncio.gather(
            ann.request("DELETE", f"{here}/{ann.id}"), bob.request("DELETE", f"{here}/{bob.id}")
        )
        assert sorted(answer.status_code for answer in answers) == [200, 422]
        stayed = ann if answers[0].status_code == 422 else bob
        if stayed is bob:
            answer = await bob.request("PUT", f"{here}/{ann.id}", json={"role": "owner"})
            assert answer.status_code == 200
            await bob.request("DELETE", f"{here}/{bob.id}")


async def test_members_are_added_and_removed_in_batches(ann: ApiUser, bob: ApiUser) -> None:
    commands = [
        {"type": "SetRole", "id": ann.workspace, "data": {"user_id": bob.id, "role": "member"}},
        {"type": "RemoveMember", "id": ann.workspace, "data": {"user_id": bob.id}},
    ]
    answer = await ann.post("/commands", commands=commands)
    assert [result["id"] for result in answer["results"]] == [ann.workspace] * 2
    missing = await ann.request(
        "POST", "/commands", json={"commands": [{"type": "RemoveMember", "id": ann.workspace, "data": {}}]}
    )
    assert_problem(missing, 400, "invalid_body")


async def test_renaming_a_workspace_needs_its_version(ann: ApiUser) -> None:
    here = f"/workspaces/{ann.workspace}"
    assert_problem(await ann.request("PATCH", here, json={"name": "House"}), 428, "version_required")
    answer = await ann.request("PATCH", here, json={"name": "House"}, headers={"If-Match": '"1"'})
    assert (answer.status_code, answer.json()["version"]) == (200, 2)
    shown = await ann.get(here)
    assert (shown["name"], shown["version"]) == ("House", 2)
    conflict = assert_problem(await ann.request("PATCH", here, json={"name": "Hut", "expected_version": 1}), 409)
    assert conflict["current"]["name"] == "House"


async def test_members_are_found_by_the_beginnings_of_their_names(ann: ApiUser) -> None:
    path = f"/workspaces/{ann.workspace}/members"
    for name in ("Zo\u00eb Quill", "Jean-Luc O\u2019Brien", "\u0410\u043d\u043d\u0430 Zoey"):
        await add_named(ann, name)

    async def found(query: str) -> list[str]:
        answer = await ann.request("GET", path, params={"query": query})
        assert answer.status_code == 200, answer.text
        return [item["name"] for item in answer.json()["items"]]

    ann.fold()
    assert await found("zoe") == ["Zo\u00eb Quill", "\u0410\u043d\u043d\u0430 Zoey"]
    assert await found("QUI zoe\u0308") == ["Zo\u00eb Quill"]
    assert await found("luc") == await found("o'brien") == ["Jean-Luc O\u2019Brien"]
    assert await found("\u0410\u041d\u041d") == ["\u0410\u043d\u043d\u0430 Zoey"]
    assert await found("oe") == await found("zoex") == []
    assert len(await found("")) == len(await found(" ")) == 4
    page = await ann.get(f"{path}?query=zoe&limit=1")
    assert len((await ann.get(f"{path}?query=zoe&cursor={page['next_cursor']}"))["items"]) == 1
    other = await ann.request("GET", f"{path}?query=zo&cursor={page['next_cursor']}")
    assert_problem(other, 400, "cursor_mismatch")


@pytest.mark.parametrize("symbols", ["%", "_", "*", "\\", "'", "\u200d", "%_", "\U0001f98a"])
async def test_symbols_find_only_the_members_who_have_them_in_their_name(ann: ApiUser, symbols: str) -> None:
    path = f"/workspaces/{ann.workspace}/members"
    await add_named(ann, f"Fox {symbols}")
    await add_named(ann, "Zoe")
    ann.fold()
    answer = await ann.request("GET", path, params={"query": symbols})
    assert [item["name"] for item in answer.json()["items"]] == [f"Fox {symbols}"]


async def test_a_person_is_added_by_address_through_an_invitation(ann: ApiUser, bob: ApiUser) -> None:
    for email in (bob.email, "unknown@example.com", "not%40valid%40"):
        answer = await ann.request("PUT", f"/workspaces/{ann.workspace}/members/{email}", json={"role": "member"})
        assert "/invitations" in assert_problem(answer, 422, "invite_instead")["title"]


async def add_named(host: ApiUser, name: str) -> None:
    """Register a user of this name and make them a member."""
    email = f"{uuid4().hex}@example.com"
    body = {"email": email, "name": name, "password": PASSWORD}
    user = (await host.client.post("/auth/register", json=body)).json()["id"]
    answer = await host.request("PUT", f"/workspaces/{host.workspace}/members/{user}", json={"role": "member"})
    assert answer.status_code == 200, answer.text
