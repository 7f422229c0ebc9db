"""Workspaces over HTTP."""

import pytest

from infra.ids import new_id
from tests.api.problems import assert_problem
from tests.api_user import ApiUser

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
