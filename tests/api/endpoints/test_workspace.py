"""Workspaces over HTTP."""

from typing import Any

import pytest

from infra.ids import new_id
from tests.api.problems import assert_problem
from tests.api.verified_users import register_verified
from tests.api_user import ApiUser
from tests.fake_smtp_server import FakeSmtpServer

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_a_workspace_is_created_where_its_location_says(ann: ApiUser) -> None:
    answer = await ann.request("POST", "/workspaces", json={"name": "Work"})
    assert answer.status_code == 201
    created = answer.json()
    assert created.keys() == {"id", "version", "position"}
    assert answer.headers["location"] == f"/api/v1/workspaces/{created['id']}"
    assert answer.headers["etag"] == '"1"'
    assert answer.headers["taskledger-position"] == str(created["position"])
    shown = await ann.get(answer.headers["location"].removeprefix("/api/v1"))
    assert shown["name"] == "Work"
    assert shown["members"] == {ann.id: "owner"}
    assert shown["version"] == created["version"]


async def test_the_client_may_choose_the_id_once(ann: ApiUser) -> None:
    chosen = str(new_id())
    assert (await ann.post("/workspaces", name="Work", id=chosen))["id"] == chosen
    assert_problem(await ann.request("POST", "/workspaces", json={"name": "Work", "id": chosen}), 409, "id_taken")


async def test_workspaces_are_listed_oldest_first(ann: ApiUser) -> None:
    names = ["Work", "Club", "Attic"]
    for name in names:
        await ann.post("/workspaces", name=name)
    listed = await ann.get("/workspaces")
    assert [item["name"] for item in listed["items"]] == ["Home", *names]


async def test_a_page_skips_removed_memberships_and_is_full(ann: ApiUser, bob: ApiUser) -> None:
    here = [(await ann.post("/workspaces", name=f"Room {number}"))["id"] for number in range(5)]
    for workspace in here:
        await ann.request("PUT", f"/workspaces/{workspace}/members/{bob.id}", json={"role": "member"})
    bob.fold()
    for workspace in (*here[:3], here[4]):
        assert (await ann.request("DELETE", f"/workspaces/{workspace}/members/{bob.id}")).status_code == 200
    first = (await bob.request("GET", "/workspaces?limit=1")).json()
    assert [item["id"] for item in first["items"]] == [bob.workspace]
    second = (await bob.request("GET", f"/workspaces?limit=1&cursor={first['next_cursor']}")).json()
    assert [item["id"] for item in second["items"]] == [here[3]]
    assert second["next_cursor"] is None


async def test_tasks_are_listed_of_more_workspaces_than_a_page_has(ann: ApiUser) -> None:
    for number in range(50):
        last = (await ann.post("/workspaces", name=f"Room {number}"))["id"]
    ann.project = (await ann.post(f"/workspaces/{last}/projects", name="Cellar", key="CEL"))["id"]
    task = await ann.create_task()
    assert [item["id"] for item in (await ann.get("/tasks"))["items"]] == [task]
    page = await ann.get("/workspaces")
    assert len(page["items"]) == 50
    rest = await ann.get(f"/workspaces?cursor={page['next_cursor']}")
    assert [item["id"] for item in rest["items"]] == [last]


async def test_an_unknown_workspace_is_not_found(ann: ApiUser) -> None:
    assert_problem(await ann.request("GET", f"/workspaces/{new_id()}"), 404, "not_found")
    assert_problem(await ann.request("GET", f"/workspaces/{new_id()}/projects"), 404, "not_found")


async def trash_workspace(owner: ApiUser) -> None:
    version = (await owner.get(f"/workspaces/{owner.workspace}"))["version"]
    answer = await owner.request("DELETE", f"/workspaces/{owner.workspace}", json={"expected_version": version})
    assert answer.status_code == 200, answer.text


async def test_a_workspace_in_the_trash_is_seen_by_no_member(ann: ApiUser, bob: ApiUser) -> None:
    member = {"json": {"role": "admin"}}
    assert (await ann.request("PUT", f"/workspaces/{ann.workspace}/members/{bob.id}", **member)).status_code == 200
    task = await ann.create_task()
    ann.fold()
    hidden: list[tuple[str, str, dict[str, Any]]] = [
        ("GET", f"/workspaces/{ann.workspace}", {}),
        ("GET", f"/workspaces/{ann.workspace}/members", {}),
        ("GET", f"/workspaces/{ann.workspace}/trash", {}),
        ("GET", f"/workspaces/{ann.workspace}/activity", {}),
        ("GET", f"/workspaces/{ann.workspace}/invitations", {}),
        ("GET", f"/projects/{ann.project}", {}),
        ("GET", f"/projects/{ann.project}/tasks", {}),
        ("GET", f"/projects/{ann.project}/board", {}),
        ("GET", f"/tasks/{task}", {}),
        ("GET", f"/tasks/{task}/history", {}),
        ("POST", f"/tasks/{task}/complete", {}),
        ("POST", f"/projects/{ann.project}/tasks", {"json": {"title": "Cups"}}),
        ("POST", f"/workspaces/{ann.workspace}/projects", {"json": {"name": "Garden", "key": "GAR"}}),
        ("PUT", f"/workspaces/{ann.workspace}/members/{bob.id}", member),
        ("PATCH", f"/workspaces/{ann.workspace}", {"json": {"name": "x", "expected_version": 2}}),
    ]
    for method, path, _ in hidden:
        if method == "GET":  # so that permissions and answers are cached
            assert (await bob.request(method, path)).status_code == 200, path
    assert_problem(await bob.request("DELETE", f"/workspaces/{ann.workspace}", json={"expected_version": 1}), 403)
    await trash_workspace(ann)
    for caller in (ann, bob):
        for method, path, more in hidden:
            assert_problem(await caller.request(method, path, **more), 404, "not_found")
        assert ann.workspace not in [one["id"] for one in (await caller.get("/workspaces"))["items"]]
        assert task not in [one["id"] for one in (await caller.get("/tasks"))["items"]]
        assert_problem(await caller.request("GET", "/tasks/ABSENT-1"), 404)


async def test_an_owner_lists_and_restores_a_workspace_in_the_trash(ann: ApiUser, bob: ApiUser) -> None:
    path = f"/workspaces/{ann.workspace}/members/{bob.id}"
    assert (await ann.request("PUT", path, json={"role": "admin"})).status_code == 200
    task = await ann.create_task()
    assert (await ann.get("/workspaces?state=trashed"))["items"] == []
    await trash_workspace(ann)
    (listed,) = (await ann.get("/workspaces?state=trashed"))["items"]
    assert listed["id"] == ann.workspace
    assert listed["trashed_at"]
    assert (await bob.get("/workspaces?state=trashed"))["items"] == []
    restore = f"/workspaces/{ann.workspace}/restore"
    assert_problem(await bob.request("POST", restore), 403)
    for _ in range(2):
        assert (await ann.request("POST", restore)).status_code == 200
    assert (await ann.get("/workspaces?state=trashed"))["items"] == []
    for caller in (ann, bob):
        assert (await caller.get(f"/tasks/{task}"))["id"] == task
        assert (await caller.request("POST", f"/tasks/{task}/complete")).status_code == 200
    assert_problem(await ann.request("GET", "/workspaces?state=gone"), 400)


async def test_an_invitation_to_a_workspace_in_the_trash_is_closed(
    inviter: ApiUser, bob: ApiUser, smtp_server: FakeSmtpServer
) -> None:
    guest = await register_verified(inviter.client, inviter.fold, "Guest", smtp_server)
    await inviter.post(f"/workspaces/{inviter.workspace}/invitations", email=guest.email)
    await trash_workspace(inviter)
    accept = {"json": {"token": smtp_server.invitation_token()}}
    assert_problem(await guest.request("POST", "/invitations/accept", **accept), 422, "invitation_is_closed")
