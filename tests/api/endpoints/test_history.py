"""Histories over HTTP: of tasks with what touches them, of projects, past versions, blame, and filters."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from infra.ids import new_id
from infra.settings import Settings
from tests.api.endpoints.test_custom_field import set_fields
from tests.api.endpoints.test_trash import purge_all, trash_item
from tests.api.guarantees import UPLOAD
from tests.api.problems import assert_problem
from tests.api_user import ApiUser

pytestmark = pytest.mark.asyncio(loop_scope="package")

Items = list[dict[str, Any]]


async def items_of(who: ApiUser, path: str, **query: Any) -> Items:
    """All items of a history."""
    who.fold()
    answer = await who.request("GET", path, params={"limit": 200, **query})
    assert answer.status_code == 200, answer.text
    items: Items = answer.json()["items"]
    return items


async def eventful_task(ann: ApiUser) -> str:
    """A task that people, an agent and a rule did many things with."""
    await set_fields(ann, [{"name": "Size", "type": "choice", "options": ["Small", "Large"]}])
    agent = await ann.with_personal_token("write", kind="agent")
    task = await ann.create_task(due="2026-12-01", fields={"Size": "Small"})
    path = f"/tasks/{task}"
    edit = {"title": "Bread", "due": None, "fields": {"Size": "Large"}, "expected_version": 1}
    assert (await ann.request("PATCH", path, json=edit)).status_code == 200
    comment = (await ann.post(f"{path}/comments", text="Which one?"))["id"]
    reworded = {"text": "Which?", "expected_version": 1}
    assert (await ann.request("PATCH", f"/comments/{comment}", json=reworded)).status_code == 200
    assert (await ann.request("POST", f"{path}/attachments", **UPLOAD)).status_code == 201
    entry = (await ann.post(f"{path}/time", minutes=90))["id"]
    noted = {"note": "Baking", "expected_version": 1}
    assert (await ann.request("PATCH", f"/time/{entry}", json=noted)).status_code == 200
    await ann.create_task("Flour", parent_id=task)
    await agent.post(f"{path}/complete", children="complete")
    await agent.post(f"{path}/move", top=True)
    return task


async def test_a_history_lists_what_touches_the_task_too(ann: ApiUser) -> None:
    task = await eventful_task(ann)
    items = await items_of(ann, f"/tasks/{task}/history")
    assert sorted(item["type"] for item in items if item["stream"] != task) == [
        "AttachmentAdded",
        "CommentAdded",
        "CommentEdited",
        "TaskCompleted",
        "TaskCreated",
        "TimeEntryAdded",
        "TimeEntryEdited",
    ]
    own = [item["version"] for item in items if item["stream"] == task]
    assert own == list(range(len(own), 0, -1))
    positions = [item["position"] for item in items]
    assert positions == sorted(positions, reverse=True)


async def test_an_item_says_what_caused_it(ann: ApiUser) -> None:
    traced = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
    body = {"title": "Milk"}
    answer = await ann.request("POST", f"/projects/{ann.project}/tasks", json=body, headers=traced)
    (item,) = await items_of(ann, f"/tasks/{answer.json()['id']}/history")
    assert (item["correlation_id"], item["causation_id"]) == (
        "0af76519-16cd-43dd-8448-eb211c80319c",
        "b7ad6b7169203331",
    )
    (untraced,) = await items_of(ann, f"/tasks/{await ann.create_task()}/history")
    assert untraced["causation_id"] is None


@pytest.mark.parametrize("path", ["/tasks/{0}/history", "/projects/{1.project}/history"])
async def test_each_filter_lists_exactly_the_items_that_it_describes(ann: ApiUser, path: str) -> None:
    address = path.format(await eventful_task(ann), ann)
    items = await items_of(ann, address)
    fields = {field for item in items for field in item["changes"]}
    assert {"due", "fields.Size", "text", "rank", "status", "title", "minutes", "note"} <= fields
    for field in fields:
        assert await items_of(ann, address, field=field) == [one for one in items if field in one["changes"]], field
    for kind in ("human", "agent", "rule", "import"):
        assert await items_of(ann, address, kind=kind) == [one for one in items if one["actor"]["kind"] == kind], kind
    for type_ in {one["type"] for one in items}:
        assert await items_of(ann, address, type=type_) == [one for one in items if one["type"] == type_]
    for actor in {one["actor"]["id"] for one in items}:
        assert await items_of(ann, address, actor=actor) == [one for one in items if one["actor"]["id"] == actor]
    at = items[len(items) // 2]["at"]
    assert await items_of(ann, address, since=at) == [one for one in items if one["at"] >= at]
    assert await items_of(ann, address, until=at) == [one for one in items if one["at"] < at]
    both = await items_of(ann, address, kind="agent", field="status", type="TaskCompleted")
    assert [one["type"] for one in both] == ["TaskCompleted", "TaskCompleted"]


async def test_a_custom_field_is_found_by_its_name_in_any_spelling(ann: ApiUser) -> None:
    task = await eventful_task(ann)
    for path in (f"/tasks/{task}/history", f"/workspaces/{ann.workspace}/activity"):
        (item,) = await items_of(ann, path, field="fields.SIZE")
        assert item["changes"] == {"fields.Size": ["Small", "Large"]}
        assert await items_of(ann, path, field="fields.Weight") == []


async def test_a_command_is_found_with_all_that_it_wrote_or_caused(ann: ApiUser) -> None:
    tasks = [await ann.create_task() for _ in range(2)]
    edit = {"title": "Bread", "due": "2026-12-01", "expected_version": 1}
    assert (await ann.request("PATCH", f"/tasks/{tasks[0]}", json=edit)).status_code == 200
    bulk = await ann.post("/tasks/bulk", ids=tasks, type="CompleteTask")
    for path in (f"/workspaces/{ann.workspace}/activity", f"/projects/{ann.project}/history"):
        everything = await items_of(ann, path)
        edited = next(one["command_id"] for one in everything if one["type"] == "TaskRenamed")
        assert [one["type"] for one in await items_of(ann, path, command=edited)] == ["DueDateSet", "TaskRenamed"]
        caused = await items_of(ann, path, command=bulk["command_id"])
        assert caused == [one for one in everything if one["type"] == "TaskCompleted"]
        assert len(caused) == 2
        assert await items_of(ann, path, command=bulk["command_id"], type="TaskRenamed") == []
        assert await items_of(ann, path, command=new_id()) == []


async def test_a_command_of_another_tenant_is_not_found(ann: ApiUser, bob: ApiUser) -> None:
    task = await bob.create_task()
    (item,) = await items_of(bob, f"/tasks/{task}/history")
    for path in (f"/workspaces/{ann.workspace}/activity", f"/projects/{ann.project}/history"):
        assert await items_of(ann, path, command=item["command_id"]) == []


@pytest.mark.parametrize("limit", [1, 3, 200])
@pytest.mark.parametrize("path", ["/tasks/{0}/history", "/projects/{1.project}/history"])
@pytest.mark.parametrize("filter_", ["", "&kind=human"])
async def test_pages_add_up(ann: ApiUser, path: str, limit: int, filter_: str) -> None:
    address = path.format(await eventful_task(ann), ann)
    everything = await items_of(ann, address, **({"kind": "human"} if filter_ else {}))
    shown, cursor = Items(), ""
    while not shown or cursor:
        page = await ann.get(f"{address}?limit={limit}{filter_}" + (f"&cursor={cursor}" if cursor else ""))
        shown += page["items"]
        cursor = page["next_cursor"] or ""
    assert shown == everything


async def test_a_cursor_is_valid_for_its_history_and_filter_only(ann: ApiUser) -> None:
    task = await eventful_task(ann)
    paths = [f"/tasks/{task}/history", f"/projects/{ann.project}/history", f"/workspaces/{ann.workspace}/activity"]
    cursors = {path: (await ann.get(f"{path}?limit=1"))["next_cursor"] for path in paths}
    for path in paths:
        asks = [f"{path}?cursor={cursors[other]}" for other in paths if other != path]
        for ask in (*asks, f"{path}?field=due&cursor={cursors[path]}", f"{path}?kind=human&cursor={cursors[path]}"):
            assert_problem(await ann.request("GET", ask), 400, "cursor_mismatch")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("actor=ann", "invalid_parameter"),
        ("kind=robot", "invalid_parameter"),
        ("kind=", "invalid_parameter"),
        ("type=TaskSung", "invalid_parameter"),
        ("field=", "invalid_parameter"),
        ("field=colours", "invalid_parameter"),
        ("field=%00", "invalid_parameter"),
        ("field=" + "a" * 5_000, "invalid_parameter"),
        ("since=yesterday", "invalid_parameter"),
        ("until=2026-12-01", "invalid_parameter"),
        ("kind=human&kind=human", "repeated_parameter"),
        ("at=2026-01-01T00:00:00Z", "unknown_parameter"),
        ("limit=0", "invalid_parameter"),
        ("cursor=garbage", "bad_cursor"),
        ("min_position=-1", "invalid_parameter"),
    ],
)
async def test_a_wrong_parameter_is_refused(shared_user: ApiUser, query: str, code: str) -> None:
    task = await shared_user.create_task()
    for path in (f"/tasks/{task}/history", f"/projects/{shared_user.project}/history"):
        problem = assert_problem(await shared_user.request("GET", f"{path}?{query}"), 400, code)
        assert "pointer" not in problem or problem["errors"][0]["pointer"] == f"?{query.partition('=')[0]}"
    assert_problem(await shared_user.request("GET", f"/tasks/{task}/history?command={new_id()}"), 400)
    asked = f"/projects/{shared_user.project}/history?command=x"
    assert_problem(await shared_user.request("GET", asked), 400, "invalid_parameter")


async def test_a_custom_field_may_have_any_name(shared_user: ApiUser) -> None:
    for name in ("%00", "a%22b", "%F0%9F%91%8D", "'; drop table x"):
        await shared_user.get(f"/projects/{shared_user.project}/history?field=fields.{name}")


async def test_a_task_that_moves_takes_its_history_along(ann: ApiUser) -> None:
    task = await ann.create_task()
    await ann.post(f"/tasks/{task}/comments", text="Which one?")
    other = (await ann.post(f"/workspaces/{ann.workspace}/projects", name="Cellar", key="CEL"))["id"]
    here, there = (f"/projects/{project}/history" for project in (ann.project, other))
    assert {item["type"] for item in await items_of(ann, here)} == {"CommentAdded", "ProjectCreated", "TaskCreated"}
    assert {item["type"] for item in await items_of(ann, there)} == {"ProjectCreated"}
    await ann.post(f"/tasks/{task}/move", project_id=other, expected_version=1)
    assert {item["type"] for item in await items_of(ann, here)} == {"ProjectCreated"}
    assert [item["type"] for item in await items_of(ann, there)] == [
        "TaskMovedToProject",
        "ProjectCreated",
        "CommentAdded",
        "TaskCreated",
    ]


async def test_of_what_was_purged_only_the_fact_is_left(ann: ApiUser, settings: Settings) -> None:
    task = await ann.create_task("Secret")
    await ann.post(f"/tasks/{task}/comments", text="Secret too")
    child = await ann.create_task("Secret child", parent_id=(parent := await ann.create_task("Parent")))
    for one in (task, child):
        await trash_item(ann, f"/tasks/{one}")
    await purge_all(ann, settings)
    paths = [f"/workspaces/{ann.workspace}/activity", f"/projects/{ann.project}/history", f"/tasks/{parent}/history"]
    for path in paths:
        items = await items_of(ann, path)
        assert "Secret" not in str(items)
        for item in items:
            if item["stream"] in {task, child} or item["type"] == "CommentAdded":
                assert item["changes"] == ({"purged": [False, True]} if item["type"] == "TaskPurged" else {})
    types = [item["type"] for item in await items_of(ann, paths[0])]
    assert types.count("TaskPurged") == 2
    for path in ("history", "blame", "versions/1", "versions/9"):
        assert_problem(await ann.request("GET", f"/tasks/{task}/{path}"), 410, "purged")


async def test_a_version_is_the_task_as_it_was(ann: ApiUser) -> None:
    await set_fields(ann, [{"name": "Size", "type": "choice", "options": ["Small", "Large"]}])
    task = await ann.create_task(due="2026-12-01", fields={"Size": "Small"})
    path, seen = f"/tasks/{task}", list[dict[str, Any]]()
    seen.append(await ann.get(path))
    edit = {"title": "Bread", "expected_version": 1}
    assert (await ann.request("PATCH", path, json=edit)).status_code == 200
    seen.append(await ann.get(path))
    await ann.post(f"{path}/comments", text="Which one?")
    await ann.post(f"{path}/complete")
    seen.append(await ann.get(path))
    for version, shown in enumerate(seen, 1):
        answer = await ann.request("GET", f"{path}/versions/{version}")
        assert answer.json() == shown
        assert answer.headers["etag"].startswith(f'"{version}-')
        at = datetime.fromisoformat(shown["updated_at"]).replace(microsecond=0)
        assert answer.headers["memento-datetime"].endswith(" GMT")
        assert parsedate_to_datetime(answer.headers["memento-datetime"]) == at.astimezone(UTC)
        items = await items_of(ann, f"{path}/history")
        (position,) = [one["position"] for one in items if (one["stream"], one["version"]) == (task, version)]
        assert answer.headers["taskledger-position"] == str(position)
        again = await ann.request(
            "GET", f"{path}/versions/{version}", headers={"If-None-Match": answer.headers["etag"]}
        )
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["memento-datetime"] == answer.headers["memento-datetime"]
    assert (await ann.get(path))["comments"] == 1


async def test_a_version_that_never_was_is_not_found(ann: ApiUser, bob: ApiUser) -> None:
    task = await ann.create_task()
    for version in ("0", "2", "999999999999999"):
        assert_problem(await ann.request("GET", f"/tasks/{task}/versions/{version}"), 404, "not_found")
    for version in ("x", "-1", "1.0", "1e3", "%00", "9" * 30, "%D9%A1"):
        assert_problem(await ann.request("GET", f"/tasks/{task}/versions/{version}"), 400, "invalid_version")
    for path in ("versions/1", "versions/2", "blame"):
        assert_problem(await bob.request("GET", f"/tasks/{task}/{path}"), 404, "not_found")
        assert_problem(await ann.request("GET", f"/tasks/{new_id()}/{path}"), 404, "not_found")
        ahead = f"/tasks/{task}/{path}?min_position={2**60}"
        assert_problem(await ann.request("GET", ahead), 503, "projection_behind")


async def test_blame_names_the_last_event_of_each_field(ann: ApiUser) -> None:
    task = await eventful_task(ann)
    shown = await ann.get(f"/tasks/{task}")
    blamed = {item["field"]: item for item in await ann_blame(ann, task)}
    items = await items_of(ann, f"/tasks/{task}/history")
    assert blamed.keys() == shown.keys() - {"id", "version", "updated_at", "watching", "fields"} | {"fields.Size"}
    for field in ("title", "due", "status", "rank", "fields.Size"):
        last = next(one for one in items if one["stream"] == task and field in one["changes"])
        told = {name: blamed[field][name] for name in ("position", "version", "type", "at", "actor", "command_id")}
        assert told == {name: last[name] for name in told}, field
        assert blamed[field]["value"] == (shown["fields"]["Size"] if field == "fields.Size" else shown[field])
    assert (blamed["comments"]["type"], blamed["comments"]["value"]) == ("CommentAdded", 1)
    assert (blamed["children"]["type"], blamed["children"]["value"]) == ("TaskCompleted", {"done": 1, "total": 1})
    assert blamed["status"]["actor"]["name"] == "Nightly import"
    assert blamed["priority"]["type"] == "TaskCreated"


async def test_a_cleared_custom_field_is_blamed_on_who_cleared_it(ann: ApiUser) -> None:
    task = await eventful_task(ann)
    version = (await ann.get(f"/tasks/{task}"))["version"]
    edit = {"fields": {"Size": None}, "expected_version": version}
    assert (await ann.request("PATCH", f"/tasks/{task}", json=edit)).status_code == 200
    blamed = {item["field"]: item for item in await ann_blame(ann, task)}
    assert (blamed["fields.Size"]["value"], blamed["fields.Size"]["type"]) == (None, "TaskFieldSet")
    assert blamed["fields.Size"]["version"] == version + 1


async def ann_blame(ann: ApiUser, task: str) -> Items:
    answer = await ann.get(f"/tasks/{task}/blame")
    assert answer["next_cursor"] is None
    items: Items = answer["items"]
    return items
