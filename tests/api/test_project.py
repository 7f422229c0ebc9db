"""Projects over HTTP."""

import asyncio

import pytest

from infra.ids import new_id
from tests.api.problems import refused
from tests.visitor import Visitor

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_a_project_is_created_where_its_location_says(ann: Visitor) -> None:
    answer = await ann.ask("POST", f"/workspaces/{ann.workspace}/projects", json={"name": "Garden", "key": "GAR"})
    assert answer.status_code == 201
    created = answer.json()
    assert answer.headers["location"] == f"/api/v1/projects/{created['id']}"
    assert (answer.headers["etag"], created["key"]) == ('"1"', "GAR")
    shown = await ann.get(answer.headers["location"].removeprefix("/api/v1"))
    assert (shown["name"], shown["key"], shown["workspace_id"]) == ("Garden", "GAR", ann.workspace)
    assert [column["id"] for column in shown["columns"]] == ["todo", "doing", "done"]


async def test_projects_are_listed_by_key(ann: Visitor) -> None:
    for key in ("ZOO", "ATT"):
        await ann.post(f"/workspaces/{ann.workspace}/projects", name=key, key=key)
    listed = await ann.get(f"/workspaces/{ann.workspace}/projects")
    assert [item["key"] for item in listed["items"]] == ["ATT", "KIT", "ZOO"]


async def test_a_key_is_taken_in_one_workspace_only(ann: Visitor) -> None:
    body = {"name": "Kitchen again", "key": "KIT"}
    problem = refused(await ann.ask("POST", f"/workspaces/{ann.workspace}/projects", json=body), 409)
    assert (problem["code"], problem["params"]) == ("project_key_taken", {"key": "KIT"})
    other = (await ann.post("/workspaces", name="Work"))["id"]
    await ann.post(f"/workspaces/{other}/projects", **body)


async def test_one_of_all_who_want_a_key_at_once_gets_it(ann: Visitor) -> None:
    path = f"/workspaces/{ann.workspace}/projects"
    answers = await asyncio.gather(
        *(ann.ask("POST", path, json={"name": f"Garden {number}", "key": "GAR"}) for number in range(10))
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9
    for answer in answers:
        if answer.status_code == 409:
            refused(answer, 409, "project_key_taken")
    listed = await ann.get(path)
    assert [item["key"] for item in listed["items"]] == ["GAR", "KIT"]


async def test_one_of_all_who_choose_an_id_at_once_gets_it(ann: Visitor) -> None:
    chosen = str(new_id())
    path = f"/workspaces/{ann.workspace}/projects"
    answers = await asyncio.gather(
        *(ann.ask("POST", path, json={"name": "x", "key": f"G{number}", "id": chosen}) for number in range(5))
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 4
    assert {refused(answer, 409)["code"] for answer in answers if answer.status_code == 409} == {"id_taken"}


async def test_a_project_that_there_is_not_is_not_found(ann: Visitor) -> None:
    for path in (f"/projects/{new_id()}", f"/projects/{new_id()}/tasks"):
        refused(await ann.ask("GET", path), 404, "not_found")
    refused(await ann.ask("POST", f"/projects/{new_id()}/tasks", json={"title": "x"}), 404, "not_found")


async def test_the_id_of_one_kind_of_thing_is_nothing_of_another_kind(ann: Visitor) -> None:
    task = await ann.task()
    ann.fold()
    for path in (f"/projects/{task}", f"/workspaces/{ann.project}", f"/tasks/{ann.workspace}", f"/tasks/{ann.project}"):
        refused(await ann.ask("GET", path), 404, "not_found")
    refused(await ann.ask("POST", f"/tasks/{ann.project}/complete"), 404, "not_found")
    refused(await ann.ask("POST", f"/projects/{task}/tasks", json={"title": "x"}), 404, "not_found")
