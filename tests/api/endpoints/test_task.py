"""Tasks over HTTP: each route executes its command once and reports the result."""

import asyncio
from typing import Any

import pytest

from infra.ids import new_id
from tests.api.guarantees import one_edit_of_the_same_version_wins
from tests.api.problems import assert_problem
from tests.api_user import ApiUser

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def event_types(ann: ApiUser, task: str) -> list[str]:
    return [item["type"] for item in (await ann.get(f"/tasks/{task}/history"))["items"]]


async def test_a_task_is_created_where_its_location_says(ann: ApiUser) -> None:
    body = {
        "title": "Milk",
        "description": "Two litres,\nfresh.",
        "priority": "high",
        "due": "2026-12-01",
        "column": "In progress",
        "labels": ["shop", "Shop", "food"],
        "assignees": [ann.id, ann.id],
    }
    answer = await ann.request("POST", f"/projects/{ann.project}/tasks", json=body)
    assert answer.status_code == 201
    created = answer.json()
    assert created.keys() == {"id", "version", "position", "key"}
    assert (answer.headers["etag"], created["version"], created["key"]) == ('"1"', 1, "KIT-1")
    assert answer.headers["taskledger-position"] == str(created["position"])
    shown = await ann.get(answer.headers["location"].removeprefix("/api/v1"))
    usual = {"column": "doing", "status": "open", "trashed": False}
    expected = {**body, **usual, "labels": ["shop", "food"], "assignees": [ann.id]}
    assert {name: shown[name] for name in expected} == expected
    assert shown["id"] == created["id"]
    assert shown["created_at"] == shown["updated_at"]
    assert shown["created_at"].endswith(("Z", "+00:00"))


async def test_a_task_needs_a_title_only(ann: ApiUser) -> None:
    shown = await ann.get(f"/tasks/{await ann.create_task()}")
    usual: dict[str, Any] = {"description": "", "priority": "none", "due": None, "column": "todo"}
    usual |= {"labels": [], "assignees": []}
    assert {name: shown[name] for name in usual} == usual


async def test_the_client_may_choose_the_id_once(ann: ApiUser) -> None:
    chosen = str(new_id())
    assert await ann.create_task(id=chosen) == chosen
    assert_problem(
        await ann.request("POST", f"/projects/{ann.project}/tasks", json={"title": "x", "id": chosen}), 409, "id_taken"
    )
    assert await event_types(ann, chosen) == ["TaskCreated"]


async def test_an_edit_writes_one_event_for_each_changed_field(ann: ApiUser) -> None:
    task = await ann.create_task(due="2026-12-01")
    edit = {"title": "Milk", "description": "Two litres", "priority": "low", "due": None, "expected_version": 1}
    answer = await ann.request("PATCH", f"/tasks/{task}", json=edit)
    assert (answer.status_code, answer.json()["version"], answer.headers["etag"]) == (200, 4, '"4"')
    assert "location" not in answer.headers
    assert sorted(await event_types(ann, task)) == ["DueDateSet", "TaskCreated", "TaskDescribed", "TaskPrioritised"]
    shown = await ann.get(f"/tasks/{task}")
    assert (shown["title"], shown["description"], shown["priority"], shown["due"]) == (
        "Milk",
        "Two litres",
        "low",
        None,
    )


async def test_an_edit_takes_every_field_that_a_task_shows(ann: ApiUser) -> None:
    task = await ann.create_task(labels=["old"])
    edit = {"column": "doing", "labels": ["shop"], "assignees": [ann.id], "status": "done", "title": "Oat milk"}
    answer = await ann.request("PATCH", f"/tasks/{task}", json={**edit, "expected_version": 1})
    assert answer.status_code == 200, answer.text
    shown = await ann.get(f"/tasks/{task}")
    assert {name: shown[name] for name in edit} == edit
    history = (await ann.get(f"/tasks/{task}/history"))["items"]
    assert len({item["command_id"] for item in history[:-1]}) == 1
    assert [item["type"] for item in reversed(history)] == [
        "TaskCreated",
        "TaskRenamed",
        "TaskUnlabelled",
        "TaskLabelled",
        "TaskAssigned",
        "TaskCompleted",
        "TaskMoved",
    ]


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("2026-12-01T10:00:00.123456789Z", "2026-12-01T10:00:00.123456+00:00"),
        ("2026-12-01T10:00:00.1234567890123456789012345678901234567890+02:00", "2026-12-01T10:00:00.123456+02:00"),
        ("2026-12-31T23:59:60Z", "2027-01-01T00:00:00+00:00"),
        ("2026-12-01T10:00:00+23:59", "2026-12-01T10:00:00+23:59"),
        ("2026-12-01T10:00:00-23:59", "2026-12-01T10:00:00-23:59"),
    ],
)
async def test_a_due_date_is_any_time_of_rfc_3339(ann: ApiUser, written: str, shown: str) -> None:
    task = await ann.create_task(due=written)
    assert (await ann.get(f"/tasks/{task}"))["due"] == shown
    other = await ann.create_task()
    edit = await ann.request("PATCH", f"/tasks/{other}", json={"due": written, "expected_version": 1})
    assert edit.status_code == 200, edit.text
    shown_by_filter = (await ann.get("/tasks?filter=due%3E2026-11-01&sort=due"))["items"]
    assert [item["due"] for item in shown_by_filter] == [shown, shown]


async def test_merge_patch_is_a_content_type_for_an_edit(ann: ApiUser) -> None:
    task = await ann.create_task()
    headers = {"Content-Type": "application/merge-patch+json; charset=utf-8", "If-Match": '"1"'}
    answer = await ann.request("PATCH", f"/tasks/{task}", content=b'{"title": "Bread"}', headers=headers)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("body", [None, {}])
async def test_an_action_takes_no_body_or_an_empty_one(ann: ApiUser, body: dict[str, Any] | None) -> None:
    task = await ann.create_task()
    answer = (
        await ann.request("POST", f"/tasks/{task}/complete", json=body)
        if body == {}
        else await ann.request("POST", f"/tasks/{task}/complete")
    )
    assert (answer.status_code, answer.json()["version"]) == (200, 2)
    assert (await ann.get(f"/tasks/{task}"))["status"] == "done"


async def test_a_no_op_answers_200_with_the_current_version(ann: ApiUser) -> None:
    task = await ann.create_task()
    requests: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", f"/tasks/{task}/reopen", {}),
        ("PATCH", f"/tasks/{task}", {"title": "Milk", "expected_version": 1}),
        ("PATCH", f"/tasks/{task}", {"expected_version": 1}),
        ("POST", f"/tasks/{task}/move", {"column": "To do", "expected_version": 1}),
    ]
    for method, path, body in requests:
        answer = await ann.request(method, path, json=body)
        assert (answer.status_code, answer.json()["version"], answer.headers["etag"]) == (200, 1, '"1"')
    assert await event_types(ann, task) == ["TaskCreated"]


async def test_a_trashed_task_is_shown_but_not_listed_and_not_changed(ann: ApiUser) -> None:
    task = await ann.create_task()
    answer = await ann.request("DELETE", f"/tasks/{task}", headers={"If-Match": '"1"'})
    assert (answer.status_code, answer.json()["version"]) == (200, 2)
    assert (await ann.get(f"/tasks/{task}"))["trashed"] is True
    assert (await ann.get(f"/projects/{ann.project}/tasks"))["items"] == []
    again = await ann.request("DELETE", f"/tasks/{task}", headers={"If-Match": '"2"'})
    assert (again.status_code, again.json()["version"]) == (200, 2)
    assert_problem(await ann.request("POST", f"/tasks/{task}/complete"), 422, "task_is_trashed")
    edit = {"title": "Bread", "expected_version": 2}
    assert_problem(await ann.request("PATCH", f"/tasks/{task}", json=edit), 422, "task_is_trashed")


async def test_an_unknown_column_is_refused_with_the_existing_ones(ann: ApiUser) -> None:
    task = await ann.create_task()
    answers = [
        await ann.request("POST", f"/tasks/{task}/move", json={"column": "later", "expected_version": 1}),
        await ann.request("POST", f"/projects/{ann.project}/tasks", json={"title": "x", "column": "later"}),
    ]
    for answer in answers:
        assert assert_problem(answer, 422, "unknown_column")["params"] == {
            "columns": ["todo", "doing", "done"],
            "column": "later",
        }


async def test_a_task_is_moved_to_a_column_named_by_id_or_name(ann: ApiUser) -> None:
    task = await ann.create_task()
    for version, (name, column) in enumerate([("doing", "doing"), ("DONE", "done"), ("To do", "todo")], start=1):
        await ann.post(f"/tasks/{task}/move", column=name, expected_version=version)
        assert (await ann.get(f"/tasks/{task}"))["column"] == column


async def test_assignee_and_label_changes_are_in_the_history(ann: ApiUser) -> None:
    task = await ann.create_task()
    answers = [
        await ann.post(f"/tasks/{task}/assign", user_id=ann.id),
        await ann.post(f"/tasks/{task}/assign", user_id=ann.id),
        await ann.post(f"/tasks/{task}/label", label="Urgent"),
        await ann.post(f"/tasks/{task}/label", label="urgent"),
    ]
    assert [answer["version"] for answer in answers] == [2, 2, 3, 3]
    shown = await ann.get(f"/tasks/{task}")
    assert (shown["assignees"], shown["labels"]) == ([ann.id], ["Urgent"])
    (listed,) = (await ann.get(f"/projects/{ann.project}/tasks"))["items"]
    assert listed | {"watching": True} == shown
    await ann.post(f"/tasks/{task}/unassign", user_id=ann.id)
    await ann.post(f"/tasks/{task}/unlabel", label="URGENT")
    shown = await ann.get(f"/tasks/{task}")
    assert (shown["assignees"], shown["labels"], shown["version"]) == ([], [], 5)
    items = (await ann.get(f"/tasks/{task}/history"))["items"]
    assert [(item["type"], item["changes"]) for item in items[:4]] == [
        ("TaskUnlabelled", {"labels": [["Urgent"], []]}),
        ("TaskUnassigned", {"assignees": [[ann.id], []]}),
        ("TaskLabelled", {"labels": [[], ["Urgent"]]}),
        ("TaskAssigned", {"assignees": [[], [ann.id]]}),
    ]


async def test_a_stale_version_reports_changed_assignees_and_labels(ann: ApiUser) -> None:
    task = await ann.create_task()
    await ann.post(f"/tasks/{task}/assign", user_id=ann.id)
    await ann.post(f"/tasks/{task}/label", label="Urgent")
    for action, body, field in (("assign", {"user_id": ann.id}, "assignees"), ("label", {"label": "x"}, "labels")):
        answer = await ann.request("POST", f"/tasks/{task}/{action}", json={**body, "expected_version": 1})
        problem = assert_problem(answer, 409, "version_conflict")
        assert problem["conflicting_fields"] == [field]
        assert [event["fields"] for event in problem["intervening_events"]] == [["assignees"], ["labels"]]
        assert (problem["current"]["assignees"], problem["current"]["labels"]) == ([ann.id], ["Urgent"])


async def test_a_non_member_assignee_is_refused_whether_known_or_not(ann: ApiUser, bob: ApiUser) -> None:
    task, messages = await ann.create_task(), []
    for non_member in (bob.id, str(new_id()), ann.workspace):
        assigned = await ann.request("POST", f"/tasks/{task}/assign", json={"user_id": non_member})
        body = {"title": "x", "assignees": [ann.id, non_member]}
        created = await ann.request("POST", f"/projects/{ann.project}/tasks", json=body)
        for answer in (assigned, created):
            problem = assert_problem(answer, 422, "assignee_is_no_member")
            assert problem["params"] == {"user_id": non_member}
            messages.append((problem["title"], problem["detail"]))
    assert len(set(messages)) == 1
    assert await event_types(ann, task) == ["TaskCreated"]


async def test_a_member_is_assigned_and_can_be_unassigned_after_leaving(ann: ApiUser, bob: ApiUser) -> None:
    membership = f"/workspaces/{ann.workspace}/members/{bob.id}"
    assert (await ann.request("PUT", membership, json={"role": "member"})).is_success
    task = await ann.create_task(assignees=[ann.id])
    await ann.post(f"/tasks/{task}/assign", user_id=bob.id)
    assert (await ann.get(f"/tasks/{task}"))["assignees"] == [ann.id, bob.id]
    await bob.post(f"/tasks/{task}/unassign", user_id=ann.id)
    assert (await bob.get(f"/tasks/{task}"))["assignees"] == [bob.id]
    assert (await ann.request("DELETE", membership)).is_success
    other = await ann.create_task()
    assert_problem(
        await ann.request("POST", f"/tasks/{other}/assign", json={"user_id": bob.id}), 422, "assignee_is_no_member"
    )
    await ann.post(f"/tasks/{task}/unassign", user_id=bob.id)
    assert (await ann.get(f"/tasks/{task}"))["assignees"] == []


async def test_concurrent_labels_and_assignments_all_succeed(ann: ApiUser) -> None:
    """Neither request names a version: no assignee is lost or added twice."""
    task = await ann.create_task()
    bodies = [("label", {"label": f"l{number % 8}"}) for number in range(16)] + [("assign", {"user_id": ann.id})] * 4
    answers = await asyncio.gather(
        *(ann.request("POST", f"/tasks/{task}/{where}", json=body) for where, body in bodies)
    )
    assert {answer.status_code for answer in answers} == {200}
    shown = await ann.get(f"/tasks/{task}")
    assert sorted(shown["labels"]) == [f"l{number}" for number in range(8)]
    assert (shown["assignees"], shown["version"]) == ([ann.id], 10)


async def test_a_batch_assigns_and_labels(ann: ApiUser) -> None:
    task = str(new_id())
    batch = [
        {"type": "CreateTask", "data": {"id": task, "project_id": ann.project, "title": "Tea", "labels": ["shop"]}},
        {"type": "AssignTask", "id": task, "data": {"user_id": ann.id}},
        {"type": "LabelTask", "id": task, "data": {"label": "SHOP"}},
        {"type": "LabelTask", "id": task, "data": {"label": "soon"}},
    ]
    answer = await ann.request("POST", "/commands", json={"mode": "atomic", "commands": batch})
    assert answer.status_code == 200, answer.text
    shown = await ann.get(f"/tasks/{task}")
    assert (shown["labels"], shown["assignees"], shown["version"]) == (["shop", "soon"], [ann.id], 3)


async def test_a_task_key_works_wherever_an_id_does(ann: ApiUser) -> None:
    task = await ann.create_task()
    ann.fold()
    await ann.post("/tasks/KIT-1/complete")
    await ann.post("/tasks/KIT-1/reopen")
    await ann.post("/tasks/KIT-1/move", column="doing", expected_version=3)
    edit = await ann.request("PATCH", "/tasks/KIT-1", json={"title": "Bread", "expected_version": 4})
    assert edit.json()["id"] == task
    assert len((await ann.get("/tasks/KIT-1/history"))["items"]) == 5
    assert (await ann.request("DELETE", "/tasks/KIT-1", headers={"If-Match": '"5"'})).status_code == 200
    assert (await ann.get("/tasks/KIT-1"))["trashed"] is True


async def test_concurrent_completes_succeed_and_write_one_event(ann: ApiUser) -> None:
    task = await ann.create_task()
    answers = await asyncio.gather(*(ann.request("POST", f"/tasks/{task}/complete") for _ in range(20)))
    assert [answer.status_code for answer in answers] == [200] * 20
    assert {answer.json()["version"] for answer in answers} == {2}
    assert await event_types(ann, task) == ["TaskCompleted", "TaskCreated"]


async def test_one_edit_of_the_same_version_wins(ann: ApiUser) -> None:
    await one_edit_of_the_same_version_wins(ann)


async def test_concurrent_creates_get_unique_numbers(ann: ApiUser) -> None:
    path = f"/projects/{ann.project}/tasks"
    answers = await asyncio.gather(*(ann.request("POST", path, json={"title": f"Task {n}"}) for n in range(40)))
    assert [answer.status_code for answer in answers] == [201] * 40
    keys = {answer.json()["key"] for answer in answers}
    assert keys == {f"KIT-{number}" for number in range(1, 41)}
    listed = (await ann.get(f"{path}?limit=200"))["items"]
    assert [item["key"] for item in listed] == [f"KIT-{number}" for number in range(1, 41)]


async def test_concurrent_creates_of_one_id_succeed_once(ann: ApiUser) -> None:
    chosen = str(new_id())
    path = f"/projects/{ann.project}/tasks"
    answers = await asyncio.gather(*(ann.request("POST", path, json={"title": "x", "id": chosen}) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9
    assert {assert_problem(answer, 409)["code"] for answer in answers if answer.status_code == 409} == {"id_taken"}


async def test_a_task_moves_to_another_project_and_its_old_key_leads_to_it(ann: ApiUser) -> None:
    there = await ann.post(f"/workspaces/{ann.workspace}/projects", name="Workshop", key="SHOP")
    task = await ann.create_task(title="House")
    below = await ann.create_task(title="Roof", parent_id=task)
    ann.fold()
    old_keys = [(await ann.get(f"/tasks/{each}"))["key"] for each in (task, below)]
    body = {"project_id": there["id"], "expected_version": 1}
    assert_problem(await ann.request("POST", f"/tasks/{task}/move", json={"project_id": there["id"]}), 428)
    await ann.post(f"/tasks/{task}/move", **body)
    ann.fold()
    shown = [await ann.get(f"/tasks/{key}") for key in old_keys]
    assert [(each["id"], each["key"], each["project_id"]) for each in shown] == [
        (task, "SHOP-1", there["id"]),
        (below, "SHOP-2", there["id"]),
    ]
    assert (shown[0]["children"], shown[1]["parent_id"]) == ({"done": 0, "total": 1}, task)
    assert (await ann.get(f"/projects/{ann.project}/tasks"))["items"] == []
    found = (await ann.get(f"/projects/{there['id']}/tasks"))["items"]
    assert [each["title"] for each in found] == ["House", "Roof"]
    await ann.post(f"/tasks/{old_keys[1]}/complete")
