"""Projects over HTTP."""

import asyncio
from collections.abc import Awaitable
from typing import Any

import httpx
import pytest

from infra.ids import new_id
from tests.api.problems import assert_problem
from tests.api_user import ApiUser

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_a_project_is_created_where_its_location_says(ann: ApiUser) -> None:
    answer = await ann.request("POST", f"/workspaces/{ann.workspace}/projects", json={"name": "Garden", "key": "GAR"})
    assert answer.status_code == 201
    created = answer.json()
    assert answer.headers["location"] == f"/api/v1/projects/{created['id']}"
    assert (answer.headers["etag"], created["key"]) == ('"1"', "GAR")
    shown = await ann.get(answer.headers["location"].removeprefix("/api/v1"))
    assert (shown["name"], shown["key"], shown["workspace_id"]) == ("Garden", "GAR", ann.workspace)
    assert [column["id"] for column in shown["columns"]] == ["todo", "doing", "done"]


async def test_projects_are_listed_by_key(ann: ApiUser) -> None:
    for key in ("ZOO", "ATT"):
        await ann.post(f"/workspaces/{ann.workspace}/projects", name=key, key=key)
    listed = await ann.get(f"/workspaces/{ann.workspace}/projects")
    assert [item["key"] for item in listed["items"]] == ["ATT", "KIT", "ZOO"]


async def test_a_cursor_is_valid_for_its_archive_setting_only(ann: ApiUser) -> None:
    path = f"/workspaces/{ann.workspace}/projects"
    for key in ("ZOO", "ATT"):
        await ann.post(path, name=key, key=key)
    await ann.post(f"/projects/{ann.project}/archive")
    cursors = {query: (await ann.get(f"{path}?limit=1{query}"))["next_cursor"] for query in ("", "&archived=true")}
    for query, cursor in cursors.items():
        (other,) = cursors.keys() - {query}
        assert_problem(await ann.request("GET", f"{path}?limit=1{other}&cursor={cursor}"), 400, "cursor_mismatch")
    following = [await ann.get(f"{path}?limit=1{query}&cursor={cursor}") for query, cursor in cursors.items()]
    assert [[item["key"] for item in page["items"]] for page in following] == [["ZOO"], ["KIT"]]
    explicit = await ann.request("GET", f"{path}?archived=false&cursor={cursors['']}")
    assert [item["key"] for item in explicit.json()["items"]] == ["ZOO"]


async def test_a_key_is_taken_in_one_workspace_only(ann: ApiUser) -> None:
    body = {"name": "Kitchen again", "key": "KIT"}
    problem = assert_problem(await ann.request("POST", f"/workspaces/{ann.workspace}/projects", json=body), 409)
    assert (problem["code"], problem["params"]) == ("project_key_taken", {"key": "KIT"})
    other = (await ann.post("/workspaces", name="Work"))["id"]
    await ann.post(f"/workspaces/{other}/projects", **body)


async def test_concurrent_creates_of_one_key_succeed_once(ann: ApiUser) -> None:
    path = f"/workspaces/{ann.workspace}/projects"
    answers = await asyncio.gather(
        *(ann.request("POST", path, json={"name": f"Garden {number}", "key": "GAR"}) for number in range(10))
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9
    for answer in answers:
        if answer.status_code == 409:
            assert_problem(answer, 409, "project_key_taken")
    listed = await ann.get(path)
    assert [item["key"] for item in listed["items"]] == ["GAR", "KIT"]


async def test_concurrent_creates_of_one_id_succeed_once(ann: ApiUser) -> None:
    chosen = str(new_id())
    path = f"/workspaces/{ann.workspace}/projects"
    answers = await asyncio.gather(
        *(ann.request("POST", path, json={"name": "x", "key": f"G{number}", "id": chosen}) for number in range(5))
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 4
    assert {assert_problem(answer, 409)["code"] for answer in answers if answer.status_code == 409} == {"id_taken"}


async def test_an_unknown_project_is_not_found(ann: ApiUser) -> None:
    for path in (f"/projects/{new_id()}", f"/projects/{new_id()}/tasks"):
        assert_problem(await ann.request("GET", path), 404, "not_found")
    assert_problem(await ann.request("POST", f"/projects/{new_id()}/tasks", json={"title": "x"}), 404, "not_found")


async def test_an_id_of_another_kind_is_not_found(ann: ApiUser) -> None:
    task = await ann.create_task()
    ann.fold()
    for path in (f"/projects/{task}", f"/workspaces/{ann.project}", f"/tasks/{ann.workspace}", f"/tasks/{ann.project}"):
        assert_problem(await ann.request("GET", path), 404, "not_found")
    assert_problem(await ann.request("POST", f"/tasks/{ann.project}/complete"), 404, "not_found")
    assert_problem(await ann.request("POST", f"/projects/{task}/tasks", json={"title": "x"}), 404, "not_found")


async def test_a_project_gets_another_name(ann: ApiUser) -> None:
    path = f"/projects/{ann.project}"
    assert_problem(await ann.request("PATCH", path, json={"name": "Cellar"}), 428, "version_required")
    answer = await ann.request("PATCH", path, json={"name": "Cellar"}, headers={"If-Match": '"1"'})
    assert (answer.status_code, answer.json()["version"]) == (200, 2)
    assert (await ann.get(path))["name"] == "Cellar"
    late = await ann.request("PATCH", path, json={"name": "Attic", "expected_version": 1})
    assert assert_problem(late, 409, "version_conflict")["current"]["name"] == "Cellar"


async def test_an_archived_project_is_out_of_the_list_and_stays_as_it_is(ann: ApiUser) -> None:
    task = await ann.create_task()
    path = f"/workspaces/{ann.workspace}/projects"
    assert (await ann.post(f"/projects/{ann.project}/archive"))["version"] == 2
    assert (await ann.get(path))["items"] == []
    (shown,) = (await ann.get(f"{path}?archived=true"))["items"]
    assert (shown["id"], shown["archived"], shown["trashed"]) == (ann.project, True, False)
    assert_problem(await ann.request("POST", f"/tasks/{task}/complete"), 422, "project_is_archived")
    await ann.post(f"/projects/{ann.project}/restore")
    assert [one["archived"] for one in (await ann.get(path))["items"]] == [False]
    await ann.post(f"/tasks/{task}/complete")


async def set_columns(who: ApiUser, *wanted: Any, **more: Any) -> httpx.Response:
    version = (await who.get(f"/projects/{who.project}"))["version"]
    body = {"columns": wanted, "expected_version": version, **more}
    return await while_folding(who, who.request("PUT", f"/projects/{who.project}/columns", json=body))


async def test_a_column_with_tasks_is_removed_only_if_the_request_says_what_becomes_of_them(ann: ApiUser) -> None:
    tasks = [await ann.create_task(column="doing") for _ in range(3)]
    left = [{"id": "todo", "name": "To do"}, {"name": "Review"}]
    problem = assert_problem(await set_columns(ann, *left), 422, "column_has_tasks")
    assert problem["params"] == {"tasks": {"doing": 3}}
    command = {"type": "SetColumns", "id": ann.project, "expected_version": 1, "data": {"columns": left}}
    for mode in ("atomic", "independent"):
        batch = ann.request("POST", "/commands", json={"mode": mode, "commands": [command]})
        answer = (await while_folding(ann, batch)).json()
        assert (answer if mode == "atomic" else answer["results"][0]["problem"])["params"] == problem["params"]
    answer = await set_columns(ann, *left, move={"In progress": "review"})
    assert (answer.status_code, answer.json()["version"]) == (200, 2), answer.text
    ann.fold()
    assert [(await ann.get(f"/tasks/{task}"))["column"] for task in tasks] == ["review"] * 3
    shown = await ann.get(f"/projects/{ann.project}")
    assert ([one["id"] for one in shown["columns"]], shown["counts"]) == (["todo", "review"], {"review": {"open": 3}})
    history = (await ann.get(f"/tasks/{tasks[0]}/history"))["items"]
    assert [item["type"] for item in history] == ["TaskMoved", "TaskCreated"]


async def test_a_hundred_and_more_tasks_move_at_once(ann: ApiUser) -> None:
    create = {"type": "CreateTask", "data": {"project_id": ann.project, "title": "x", "column": "doing"}}
    for _ in range(3):
        await ann.post("/commands", commands=[create] * 100)
    answer = await set_columns(ann, {"name": "To do"}, {"name": "Done"}, move={"doing": "todo"})
    assert answer.status_code == 200, answer.text
    assert (await ann.get(f"/projects/{ann.project}"))["counts"] == {"todo": {"open": 300}}


async def test_a_removed_column_keeps_its_tasks_until_they_are_moved(ann: ApiUser) -> None:
    task = await ann.create_task(column="doing")
    wanted = [{"id": "todo", "name": "Next"}, {"name": "In review", "wip_limit": 3}]
    answer = await set_columns(ann, *wanted, wip="refuse", keep=True)
    assert answer.status_code == 200, answer.text
    shown = await ann.get(f"/projects/{ann.project}")
    assert shown["wip"] == "refuse"
    assert shown["columns"] == [
        {"id": "todo", "name": "Next", "wip_limit": None, "removed": False, "done": False},
        {"id": "in-review", "name": "In review", "wip_limit": 3, "removed": False, "done": False},
        {"id": "doing", "name": "In progress", "wip_limit": None, "removed": True, "done": False},
    ]
    other = await ann.request("POST", f"/projects/{ann.project}/tasks", json={"title": "x", "column": "doing"})
    assert_problem(other, 422, "unknown_column")
    await ann.post(f"/tasks/{task}/move", column="todo", expected_version=1)
    assert [one["id"] for one in (await ann.get(f"/projects/{ann.project}"))["columns"]] == ["todo", "in-review"]


@pytest.mark.parametrize(
    ("wanted", "status"),
    [
        pytest.param([], 400, id="none"),
        pytest.param([{"name": str(at)} for at in range(51)], 400, id="too many"),
        pytest.param([{"name": "a", "wip_limit": 0}], 400, id="a limit of nothing"),
        pytest.param([{"name": "a"}, {"name": "A"}], 422, id="a name twice"),
        pytest.param([{"name": "a", "id": "nowhere"}], 422, id="an unknown id"),
    ],
)
async def test_invalid_columns_are_refused(shared_user: ApiUser, wanted: list[Any], status: int) -> None:
    assert_problem(await set_columns(shared_user, *wanted), status)


async def response_while_folding(who: ApiUser, asking: Awaitable[httpx.Response]) -> dict[str, Any]:
    """The answer to a command that may have to wait for the read models."""
    answer: dict[str, Any] = (await while_folding(who, asking)).json()
    return answer


async def while_folding(who: ApiUser, asking: Awaitable[httpx.Response]) -> httpx.Response:
    """The response to a command that may have to wait for the read models."""
    asked = asyncio.ensure_future(asking)
    while not asked.done():
        who.fold()
        await asyncio.sleep(0.001)
    return asked.result()


async def test_a_full_column_warns_and_the_replay_warns_too(ann: ApiUser) -> None:
    await ann.create_task(column="doing")
    await set_columns(ann, {"name": "To do"}, {"name": "In progress", "wip_limit": 1}, {"name": "Done"})
    path, body = f"/projects/{ann.project}/tasks", {"title": "Bread", "column": "doing"}
    key = {"Idempotency-Key": "bread"}
    warned = [{"code": "column_is_full", "column": "doing", "limit": 1, "tasks": 2}]
    dry_run = await response_while_folding(ann, ann.request("POST", f"{path}?dry_run=true", json=body))
    first = await response_while_folding(ann, ann.request("POST", path, json=body, headers=key))
    assert first["warnings"] == dry_run["warnings"] == warned
    again = await ann.request("POST", path, json=body, headers=key)
    assert (again.json()["warnings"], again.headers["idempotent-replayed"]) == (warned, "true")
    commands = [
        {"type": "CreateTask", "data": {**body, "project_id": ann.project}},
        {"type": "CreateTask", "data": {"title": "Salt", "project_id": ann.project}},
    ]
    for mode in ("atomic", "independent"):
        done = (await ann.post("/commands", commands=commands, mode=mode))["results"]
        assert [[each["tasks"] for each in one.get("warnings", [])] for one in done][1] == []
        assert done[0]["warnings"][0]["code"] == "column_is_full"


async def test_a_full_column_refuses_where_the_project_says_so(ann: ApiUser) -> None:
    task = await ann.create_task()
    await ann.create_task(column="doing")
    await set_columns(ann, {"name": "To do"}, {"name": "In progress", "wip_limit": 1}, {"name": "Done"}, wip="refuse")
    move = ann.request("POST", f"/tasks/{task}/move", json={"column": "doing", "expected_version": 1})
    problem = await response_while_folding(ann, move)
    assert (problem["code"], problem["params"]) == ("column_is_full", {"column": "doing", "limit": 1, "tasks": 1})
    counted = (await ann.get(f"/workspaces/{ann.workspace}/activity"))["items"]
    assert "ColumnCounted" not in {one["type"] for one in counted}


async def test_dry_runs_and_rebases_count_the_column_first(ann: ApiUser) -> None:
    task = await ann.create_task()
    await ann.request("PATCH", f"/tasks/{task}", json={"title": "Bread", "expected_version": 1})
    limited = [{"name": "To do", "wip_limit": 9}, {"name": "In progress", "wip_limit": 1}]
    last = (await set_columns(ann, *limited)).json()["position"]
    path, body = f"/tasks/{task}/move", {"column": "doing", "expected_version": 1}
    dry_run = await response_while_folding(
        ann, ann.request("POST", f"{path}?dry_run=true", json={**body, "expected_version": 2})
    )
    assert dry_run["position"] == last, "a dry run wrote the count down"
    assert [one["type"] for one in dry_run["events"]] == ["ColumnCounted", "ColumnCounted", "TaskMoved"]
    await set_columns(ann, {"name": "To do"}, {"name": "In progress"})
    await set_columns(ann, *limited)
    late = await response_while_folding(ann, ann.request("POST", path, json=body))
    assert (late["code"], late["rebase_possible"]) == ("version_conflict", True)
    assert (await ann.post(f"{path}?on_conflict=rebase", **body))["version"] == 3


async def test_a_batch_cannot_limit_and_fill_a_column(ann: ApiUser) -> None:
    limited = [{"name": "To do", "wip_limit": 1}, {"name": "Done"}]
    commands = [
        {"type": "SetColumns", "id": ann.project, "expected_version": 1, "data": {"columns": limited, "keep": True}},
        {"type": "CreateTask", "data": {"title": "Salt", "project_id": ann.project}},
    ]
    assert_problem(await ann.request("POST", "/commands", json={"commands": commands}), 422, "column_not_counted")
    assert (await ann.get(f"/projects/{ann.project}"))["version"] == 1


async def test_a_count_that_does_not_arrive_is_projection_behind(ann: ApiUser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.column_counter.CATCH_UP_TIMEOUT_S", 0.01)
    limited = {"columns": [{"name": "To do", "wip_limit": 1}], "keep": True, "expected_version": 1}
    assert (await ann.request("PUT", f"/projects/{ann.project}/columns", json=limited)).status_code == 200
    assert_problem(
        await ann.request("POST", f"/projects/{ann.project}/tasks", json={"title": "x"}), 503, "projection_behind"
    )


@pytest.mark.parametrize("key", ["KIT", "kit", "Kit"])
async def test_a_project_is_found_by_its_key_in_any_case(ann: ApiUser, key: str) -> None:
    task = await ann.create_task()
    for path in (f"/projects/{key}", f"/workspaces/{ann.workspace}/projects/{key}"):
        assert (await ann.get(path))["id"] == ann.project
    assert [item["id"] for item in (await ann.get(f"/projects/{key}/tasks"))["items"]] == [task]
    assert (await ann.get(f"/projects/{key}/board"))["columns"]
    assert (await ann.get(f"/tasks/{key}-1"))["id"] == task
    second = await ann.post(f"/projects/{key}/tasks", title="Cups")
    assert second["key"] == "KIT-2"
    renamed = await ann.request("PATCH", f"/projects/{key}", json={"name": "Galley", "expected_version": 1})
    assert renamed.json()["id"] == ann.project
    assert (await ann.post(f"/projects/{key}/archive"))["id"] == ann.project
    ann.fold()
    batch = [{"type": "RestoreProject", "id": key, "data": {}}, {"type": "CompleteTask", "id": f"{key}-2", "data": {}}]
    results = (await ann.post("/commands", commands=batch))["results"]
    assert [result["id"] for result in results] == [ann.project, second["id"]]


async def test_a_project_that_was_just_created_is_found_by_its_key(ann: ApiUser) -> None:
    created = await ann.post(f"/workspaces/{ann.workspace}/projects", name="Garden", key="GAR")
    answering = asyncio.create_task(ann.request("GET", "/projects/gar"))
    await asyncio.sleep(0.1)
    ann.fold()
    assert (await answering).json()["id"] == created["id"]


async def test_a_project_key_is_resolved_among_own_projects_only(ann: ApiUser, bob: ApiUser) -> None:
    await bob.post(f"/workspaces/{bob.workspace}/projects", name="Secret", key="SEC")
    bob.fold()
    found, absent = await ann.request("GET", "/projects/SEC"), await ann.request("GET", "/projects/ABSENT")
    assert assert_problem(found, 404)["detail"] == assert_problem(absent, 404)["detail"]
    assert_problem(await ann.request("GET", f"/workspaces/{bob.workspace}/projects/SEC"), 404, "not_found")
    assert_problem(await ann.request("GET", f"/workspaces/{ann.workspace}/projects/{bob.project}"), 404, "not_found")


async def test_a_project_key_in_two_workspaces_is_ambiguous_but_not_in_one(ann: ApiUser) -> None:
    second = (await ann.post("/workspaces", name="Work"))["id"]
    other = (await ann.post(f"/workspaces/{second}/projects", name="Kitchen too", key="KIT"))["id"]
    ann.fold()
    for method, path in (("GET", "/projects/kit"), ("POST", "/projects/KIT/archive"), ("GET", "/projects/KIT/tasks")):
        problem = assert_problem(await ann.request(method, path), 400, "ambiguous_key")
        assert "task" not in problem["title"].lower()
    assert (await ann.get(f"/workspaces/{second}/projects/kit"))["id"] == other


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/projects/kit-1", "key such as PROJ."),
        ("/projects/1KIT", "key such as PROJ."),
        ("/projects/\u212ait", "key such as PROJ."),
        ("/projects/K/tasks", "key such as PROJ."),
        ("/tasks/KIT", "key such as PROJ-12."),
        ("/tasks/kit-0", "key such as PROJ-12."),
        ("/workspaces/home", "not a UUID"),
        ("/workspaces/home/projects", "not a UUID"),
        ("/workspaces/KIT-1/members", "not a UUID"),
    ],
)
async def test_an_address_of_another_form_says_which_forms_there_are(ann: ApiUser, path: str, words: str) -> None:
    assert words in assert_problem(await ann.request("GET", path), 400, "invalid_id")["detail"]
