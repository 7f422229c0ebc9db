"""Copies over HTTP: duplicates of tasks, and projects as templates."""

from typing import Any

import pytest

from tests.api.problems import assert_problem
from tests.api_user import ApiUser

pytestmark = pytest.mark.asyncio(loop_scope="package")
OWN = {"id", "key", "number", "rank", "version", "created_at", "updated_at", "checklist", "comments"}


async def post(who: ApiUser, path: str, **body: Any) -> dict[str, Any]:
    """The answer to a request that creates something."""
    response = await who.request("POST", path, json=body)
    assert response.status_code == 201, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def listed(who: ApiUser, project: str) -> list[dict[str, Any]]:
    """The tasks of a project, by rank."""
    items: list[dict[str, Any]] = (await who.get(f"/projects/{project}/tasks?sort=rank"))["items"]
    return items


async def test_a_duplicate_is_as_its_task_but_for_what_was_done(ann: ApiUser) -> None:
    task = await ann.create_task(
        title="Milk",
        description="The oat one",
        labels=["shop"],
        assignees=[ann.id],
        start="2026-11-01",
        due="2026-12-01",
        estimate=30,
        checklist=[{"text": "Red ones", "done": True}],
        recurrence={"rule": "FREQ=DAILY"},
    )
    await ann.post(f"/tasks/{task}/comments", text="Which one?")
    answer = await ann.request("POST", f"/tasks/{task}/duplicate")
    assert answer.status_code == 201
    new = answer.json()
    assert answer.headers["location"].endswith(new["id"])
    before, after = await ann.get(f"/tasks/{task}"), await ann.get(f"/tasks/{new['id']}")
    assert {name: after[name] for name in after.keys() - OWN} == {name: before[name] for name in before.keys() - OWN}
    assert [(item["text"], item["done"]) for item in after["checklist"]] == [("Red ones", False)]
    assert (after["key"], after["comments"]) == (new["key"], 0)
    assert [item["id"] for item in await listed(ann, ann.project)] == [task, new["id"]]


async def test_sub_tasks_are_duplicated_on_request(ann: ApiUser) -> None:
    top = await ann.create_task(title="House")
    roof = await ann.create_task(title="Roof", parent_id=top)
    for title in ("Walls", "Tiles"):
        await ann.create_task(title=title, parent_id=roof if title == "Tiles" else top)
    await ann.post(f"/tasks/{roof}/complete", children="complete")
    new = await post(ann, f"/tasks/{top}/duplicate", subtasks=True)
    assert (await ann.get(f"/tasks/{new['id']}"))["children"] == {"done": 0, "total": 3}
    below = (await ann.get(f"/tasks/{new['id']}/children"))["items"]
    assert [(item["title"], item["status"]) for item in below] == [("Roof", "open"), ("Walls", "open")]
    assert below[0]["children"] == {"done": 0, "total": 1}


async def test_a_task_that_is_archived_or_hidden_is_not_duplicated(ann: ApiUser, bob: ApiUser) -> None:
    task, theirs = await ann.create_task(), await bob.create_task()
    await ann.post(f"/tasks/{task}/archive")
    assert_problem(await ann.request("POST", f"/tasks/{task}/duplicate"), 422, "task_is_archived")
    assert_problem(await ann.request("POST", f"/tasks/{theirs}/duplicate"), 404, "not_found")


async def test_a_project_is_copied_with_its_tasks(ann: ApiUser) -> None:
    fields = [{"name": "Size", "type": "choice", "options": ["Small", "Large"]}]
    body = {"fields": fields, "expected_version": 1}
    assert (await ann.request("PUT", f"/projects/{ann.project}/fields", json=body)).status_code == 200
    columns = [{"name": "To do", "id": "todo", "wip_limit": 2}, {"name": "Done", "id": "done", "done": True}]
    body = {"columns": columns, "wip": "refuse", "expected_version": 2}
    ann.fold()
    assert (await ann.request("PUT", f"/projects/{ann.project}/columns", json=body)).status_code == 200
    ann.fold()
    top = await ann.create_task(title="House", fields={"Size": "Large"})
    low = await ann.create_task(title="Roof", parent_id=top)
    await ann.post(f"/tasks/{low}/move", top=True)
    gone = await ann.create_task(title="Old", column="done")
    await ann.post(f"/tasks/{gone}/archive")
    ann.fold()
    new = await post(ann, f"/projects/{ann.project}/copy", name="Cottage", key="COT", tasks=True)
    source, copy = await ann.get(f"/projects/{ann.project}"), await ann.get(f"/projects/{new['id']}")
    assert (copy["name"], copy["key"], copy["wip"]) == ("Cottage", "COT", "refuse")
    assert copy["columns"] == source["columns"]
    assert [field["name"] for field in copy["fields"]] == ["Size"]
    assert copy["counts"] == {"todo": {"open": 2}}
    roof, house = await listed(ann, new["id"])
    assert [(item["key"], item["title"]) for item in (roof, house)] == [("COT-2", "Roof"), ("COT-1", "House")]
    assert (house["fields"], house["children"]) == ({"Size": "Large"}, {"done": 0, "total": 1})
    assert roof["parent_id"] == house["id"]
    answer = await ann.request("POST", f"/projects/{new['id']}/tasks", json={"title": "Door"})
    assert_problem(answer, 422, "column_is_full")
    assert (await post(ann, f"/projects/{new['id']}/tasks", title="Key", column="done"))["key"] == "COT-3"


async def test_a_project_is_copied_without_its_tasks_by_default(ann: ApiUser) -> None:
    await ann.create_task()
    new = await post(ann, f"/projects/{ann.project}/copy", name="Cottage", key="COT")
    assert await listed(ann, new["id"]) == []
    answer = await ann.request("POST", f"/projects/{ann.project}/copy", json={"name": "Cabin", "key": "COT"})
    assert_problem(answer, 409, "project_key_taken")


async def test_a_dry_run_copies_nothing(ann: ApiUser) -> None:
    await ann.create_task()
    ann.fold()
    body = {"name": "Cottage", "key": "COT", "tasks": True}
    answer = await ann.request("POST", f"/projects/{ann.project}/copy?dry_run=true", json=body)
    assert answer.status_code == 200
    assert "TaskCreated" in {event["type"] for event in answer.json()["events"]}
    assert len((await ann.get(f"/workspaces/{ann.workspace}/projects"))["items"]) == 1
