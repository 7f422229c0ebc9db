"""Custom fields over HTTP: defined by a project, set on tasks, shown by name, filtered, sorted, in history."""

from typing import Any

import pytest

from tests.api.problems import assert_problem
from tests.api_user import ApiUser

pytestmark = pytest.mark.asyncio(loop_scope="package")

FIELDS: list[dict[str, Any]] = [
    {"name": "Size", "type": "choice", "options": ["Small", "Large"]},
    {"name": "Colours", "type": "choices", "options": [{"name": "Red"}, {"name": "Green"}]},
    {"name": "Story points", "type": "number"},
    {"name": "Delivery", "type": "date"},
    {"name": "Reviewer", "type": "person"},
    {"name": "Paid", "type": "checkbox"},
    {"name": "Site", "type": "url"},
    {"name": "Customer", "type": "text"},
]


async def set_fields(who: ApiUser, fields: list[dict[str, Any]], version: int = 1, project: str = "") -> Any:
    """Set the fields of a project, and return them as it shows them."""
    path = f"/projects/{project or who.project}"
    answer = await who.request("PUT", f"{path}/fields", json={"fields": fields, "expected_version": version})
    assert answer.status_code == 200, answer.text
    return (await who.get(path))["fields"]


async def fields_of(who: ApiUser, task: str) -> Any:
    return (await who.get(f"/tasks/{task}"))["fields"]


async def titles(who: ApiUser, path: str = "/tasks", **query: str) -> list[str]:
    who.fold()
    answer = await who.request("GET", path, params=query)
    assert answer.status_code == 200, answer.text
    return [item["title"] for item in answer.json()["items"]]


async def test_a_project_shows_its_fields(ann: ApiUser) -> None:
    shown = await set_fields(ann, FIELDS)
    assert [(field["name"], field["type"]) for field in shown] == [(field["name"], field["type"]) for field in FIELDS]
    assert [[option["name"] for option in field["options"]] for field in shown[:3]] == [
        ["Small", "Large"],
        ["Red", "Green"],
        [],
    ]
    assert await set_fields(ann, shown, 2) == shown
    assert (await ann.get(f"/projects/{ann.project}"))["version"] == 2


async def test_a_task_shows_its_values_by_name_wherever_it_is_shown(ann: ApiUser) -> None:
    await set_fields(ann, FIELDS)
    values = {
        "Size": "large",
        "Colours": ["Green", "Red"],
        "Story points": 0.5,
        "Delivery": "2026-12-01",
        "Reviewer": ann.id,
        "Paid": False,
        "Site": "https://example.org",
        "Customer": "Acme",
    }
    task = await ann.create_task(fields=values)
    plain = await ann.create_task("Plain")
    expected = values | {"Size": "Large", "Colours": ["Red", "Green"]}
    assert await fields_of(ann, task) == expected
    assert await fields_of(ann, plain) == {}
    for path in ("/tasks?sort=created", f"/projects/{ann.project}/tasks"):
        assert [item["fields"] for item in (await ann.get(path))["items"]] == [expected, {}]
    board = await ann.get(f"/projects/{ann.project}/board")
    assert [item["fields"] for item in board["columns"][0]["items"]] == [expected, {}]
    assert (await ann.get(f"/projects/{ann.project}/tasks?fields=fields"))["items"][0] == {"fields": expected}
    expanded = await ann.get(f"/tasks/{task}?expand=created_by")
    assert (expanded["fields"], expanded["created_by"]["id"]) == (expected, ann.id)


async def test_a_task_changes_with_its_project(ann: ApiUser) -> None:
    """A field or option that is renamed is shown so at once; one that is left out is not shown, and comes back."""
    size, colours, *others = await set_fields(ann, FIELDS)
    task = await ann.create_task(fields={"Size": "Small", "Colours": ["Red", "Green"], "Customer": "Acme"})
    assert await fields_of(ann, task) == {"Size": "Small", "Colours": ["Red", "Green"], "Customer": "Acme"}
    size = {**size, "name": "Format", "options": [{**size["options"][0], "name": "A4"}]}
    colours = {**colours, "options": colours["options"][1:]}
    await set_fields(ann, [size, colours], 2)
    assert await fields_of(ann, task) == {"Format": "A4", "Colours": ["Green"]}
    assert (await ann.get(f"/projects/{ann.project}/tasks"))["items"][0]["fields"] == await fields_of(ann, task)
    await set_fields(ann, [*others, colours], 3)
    assert await fields_of(ann, task) == {"Customer": "Acme", "Colours": ["Green"]}
    await set_fields(ann, [{"name": "Size", "type": "choice", "options": ["Small"]}], 4)
    assert await fields_of(ann, task) == {}


async def test_values_are_set_and_removed_and_the_history_names_them(ann: ApiUser) -> None:
    await set_fields(ann, FIELDS)
    task = await ann.create_task(fields={"Size": "Small"})
    body = {"fields": {"size": "Large", "Customer": "Acme", "Paid": None}, "title": "Bread", "expected_version": 1}
    assert (await ann.request("PATCH", f"/tasks/{task}", json=body)).json()["version"] == 4
    await ann.request("PATCH", f"/tasks/{task}", json={"fields": {"Size": None}, "expected_version": 4})
    assert await fields_of(ann, task) == {"Customer": "Acme"}
    history = (await ann.get(f"/tasks/{task}/history"))["items"]
    assert [item["changes"] for item in history[:3]] == [
        {"fields.Size": ["Large", None]},
        {"fields.Customer": [None, "Acme"]},
        {"fields.Size": ["Small", "Large"]},
    ]
    assert history[-1]["changes"]["fields"] == [None, {"Size": "Small"}]
    await set_fields(ann, [], 2)
    left_out = (await ann.get(f"/tasks/{task}/history"))["items"]
    assert [item["changes"] for item in left_out] == [item["changes"] for item in history]
    activity = (await ann.get(f"/workspaces/{ann.workspace}/activity?type=TaskFieldSet"))["items"]
    assert activity[0]["changes"] == {"fields.Size": ["Large", None]}


async def test_edits_of_two_fields_are_merged_and_of_one_are_a_conflict(ann: ApiUser) -> None:
    await set_fields(ann, FIELDS)
    task = await ann.create_task(fields={"Size": "Small"})
    theirs = {"fields": {"Size": "Large"}, "expected_version": 1}
    assert (await ann.request("PATCH", f"/tasks/{task}", json=theirs)).status_code == 200
    path = f"/tasks/{task}?on_conflict=rebase"
    mine = {"fields": {"Customer": "Acme"}, "expected_version": 1}
    assert (await ann.request("PATCH", path, json=mine)).status_code == 200
    late = {"fields": {"Size": None}, "expected_version": 1}
    problem = assert_problem(await ann.request("PATCH", path, json=late), 409, "version_conflict")
    assert problem["conflicting_fields"] == ["fields.Size"]
    assert [event["fields"] for event in problem["intervening_events"]] == [["fields.Size"], ["fields.Customer"]]
    assert problem["current"]["fields"] == {"Size": "Large", "Customer": "Acme"}


async def test_tasks_are_found_and_sorted_by_their_fields(ann: ApiUser) -> None:
    await set_fields(ann, FIELDS)
    for title, points, size in (("A", 8, "Small"), ("B", 13, "Large"), ("C", 0.5, None), ("D", None, None)):
        await ann.create_task(title, fields={"Story points": points, "Size": size, "Reviewer": ann.id})
    for path in ("/tasks", f"/projects/{ann.project}/tasks"):
        assert await titles(ann, path, filter='field."story points">=8', sort="created") == ["A", "B"]
        assert await titles(ann, path, filter="field.Size:small") == ["A"]
        assert await titles(ann, path, filter="no:field.Size", sort="created") == ["C", "D"]
        assert await titles(ann, path, filter="field.Reviewer:Ann no:field.Size", sort="created") == ["C", "D"]
        assert await titles(ann, path, filter="field.Nowhere:x") == []
        assert await titles(ann, path, sort="field.Story points") == ["C", "A", "B", "D"]
        assert await titles(ann, path, sort="-field.size") == ["B", "A", "D", "C"]
    shown, query = list[str](), dict[str, Any](sort="-field.Story points", limit=1)
    for _ in range(4):
        page = (await ann.request("GET", "/tasks", params=query)).json()
        shown.append(page["items"][0]["title"])
        query["cursor"] = page["next_cursor"]
    assert (shown, query["cursor"]) == (["B", "A", "C", "D"], None)
    found = await ann.post("/tasks/search", filter="field.Size:small", sort="field.Size")
    assert [item["title"] for item in found["items"]] == ["A"]
    board = await ann.get(f"/projects/{ann.project}/board?filter=field.Size:small")
    assert [item["title"] for column in board["columns"] for item in column["items"]] == ["A"]


async def test_a_filter_follows_a_field_that_is_renamed(ann: ApiUser) -> None:
    size, *_ = await set_fields(ann, FIELDS)
    await ann.create_task(fields={"Size": "Large"})
    assert await titles(ann, filter="field.Size:Large") == ["Milk"]
    await set_fields(ann, [{**size, "name": "Format"}], 2)
    assert await titles(ann, filter="field.Size:Large") == []
    assert await titles(ann, filter="field.Format:Large") == ["Milk"]


async def test_fields_of_another_workspace_are_neither_found_nor_named(ann: ApiUser, bob: ApiUser) -> None:
    await set_fields(bob, FIELDS)
    await bob.create_task(fields={"Size": "Large"})
    assert await titles(ann, filter="field.Size:Large") == []
    assert await titles(ann, filter="field.Size:Huge") == []
    assert_problem(await ann.request("GET", "/tasks?sort=field.Size"), 400, "unknown_sort_field")
    assert_problem(await ann.request("GET", f"/projects/{bob.project}/tasks?filter=field.Size:Huge"), 404)
    problem = assert_problem(await bob.request("GET", "/tasks?filter=field.Size:Huge"), 400, "filter_value")
    assert problem["params"]["expected"] == ["Small", "Large"]


async def test_what_does_not_fit_is_refused_in_place(ann: ApiUser) -> None:
    shown = await set_fields(ann, FIELDS)
    path = f"/projects/{ann.project}"
    for fields, code in (
        ([{**shown[0], "type": "choices"}], "field_type_is_fixed"),
        ([{"name": "Size", "type": "text"}], "field_type_is_fixed"),
        ([{"name": "A", "type": "text"}, {"name": "a", "type": "text"}], "field_repeated"),
        ([{"name": "A", "type": "choice"}], "options_contradict_type"),
        ([{"name": "A", "type": "text", "id": ann.project}], "unknown_custom_field"),
    ):
        body = {"fields": fields, "expected_version": 2}
        assert_problem(await ann.request("PUT", f"{path}/fields", json=body), 422, code)
    bad = {"fields": [{"name": "A", "type": "colour"}], "expected_version": 2}
    problem = assert_problem(await ann.request("PUT", f"{path}/fields", json=bad), 400, "invalid_body")
    assert [error["pointer"] for error in problem["errors"]] == ["#/fields/0/type"]
    for values, code in (({"Cost": 1}, "unknown_custom_field"), ({"Story points": "8"}, "field_value_invalid")):
        answer = await ann.request("POST", f"{path}/tasks", json={"title": "Milk", "fields": values})
        problem = assert_problem(answer, 422, code)
        assert [error["pointer"] for error in problem["errors"]] == [f"#/fields/{next(iter(values))}"]


async def test_a_batch_and_a_dry_run_take_fields(ann: ApiUser) -> None:
    await set_fields(ann, FIELDS)
    task = await ann.create_task()
    edit = {"type": "EditTask", "id": task, "data": {"fields": {"Paid": True}, "expected_version": 1}}
    await ann.post("/commands", mode="atomic", commands=[edit])
    assert await fields_of(ann, task) == {"Paid": True}
    body = {"fields": {"Paid": None}, "expected_version": 2}
    planned = (await ann.request("PATCH", f"/tasks/{task}?dry_run=true", json=body)).json()["events"]
    assert [event["type"] for event in planned] == ["TaskFieldSet"]
    assert await fields_of(ann, task) == {"Paid": True}


async def test_the_etag_of_a_task_changes_with_the_fields_of_its_project(ann: ApiUser) -> None:
    size, *_ = await set_fields(ann, FIELDS)
    task = await ann.create_task(fields={"Size": "Large"})
    ann.fold()
    first = await ann.request("GET", f"/tasks/{task}")
    same = await ann.request("GET", f"/tasks/{task}", headers={"If-None-Match": first.headers["etag"]})
    assert same.status_code == 304
    await set_fields(ann, [{**size, "name": "Format"}], 2)
    changed = await ann.request("GET", f"/tasks/{task}", headers={"If-None-Match": first.headers["etag"]})
    assert (changed.status_code, changed.json()["fields"]) == (200, {"Format": "Large"})
