"""Batches over HTTP: atomic or independent commands, in the order of the request."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from infra.database.connections import connect
from infra.ids import new_id
from infra.settings import Settings
from tests.api.problems import assert_problem
from tests.api_user import ApiUser

pytestmark = pytest.mark.asyncio(loop_scope="package")


def create_item(ann: ApiUser, title: str = "Milk", **fields: Any) -> dict[str, Any]:
    return {"type": "CreateTask", "data": {"project_id": ann.project, "title": title, **fields}}


def item_on(task: str, kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": kind, "id": task, "data": {}, **fields}


async def send_batch(ann: ApiUser, *commands: dict[str, Any], mode: str = "atomic", **headers: str) -> Any:
    return await ann.request("POST", "/commands", json={"mode": mode, "commands": list(commands)}, headers=headers)


async def test_an_atomic_batch_commits_in_order_under_one_position(ann: ApiUser) -> None:
    task = str(new_id())
    rename = item_on(task, "RenameTask", expected_version=1, data={"title": "Bread"})
    answer = await send_batch(
        ann, create_item(ann, id=task), rename, item_on(task, "CompleteTask"), create_item(ann, "Salt")
    )
    assert answer.status_code == 200, answer.text
    results = answer.json()["results"]
    assert [(one["id"] == task, one["version"]) for one in results] == [(True, 3)] * 3 + [(False, 1)]
    assert answer.headers["taskledger-position"] == str(answer.json()["position"])
    shown = await ann.get(f"/tasks/{task}?min_position={answer.json()['position']}")
    assert (shown["title"], shown["status"], shown["version"]) == ("Bread", "done", 3)
    history = await ann.get(f"/tasks/{task}/history")
    assert len({item["command_id"] for item in history["items"]}) == 1


async def test_one_refused_command_undoes_an_atomic_batch_and_is_named(ann: ApiUser) -> None:
    task, kept = str(new_id()), await ann.create_task()
    answer = await send_batch(
        ann, item_on(kept, "CompleteTask"), create_item(ann, id=task), create_item(ann, column="nowhere")
    )
    assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [("#/commands/2", "unknown_column")]
    assert_problem(answer, 422, "unknown_column")
    assert (await ann.get(f"/tasks/{kept}"))["version"] == 1
    assert (await ann.request("GET", f"/tasks/{task}")).status_code == 404


async def test_a_conflict_in_an_atomic_batch_is_reported(ann: ApiUser) -> None:
    task = await ann.create_task()
    await ann.post(f"/tasks/{task}/complete")
    rename = item_on(task, "RenameTask", expected_version=1, data={"title": "Bread"})
    answer = await send_batch(ann, create_item(ann), rename)
    assert_problem(answer, 409, "version_conflict")
    assert answer.json()["errors"][0]["pointer"] == "#/commands/1"
    assert answer.json()["current_version"] == 2
    assert [event["type"] for event in answer.json()["intervening_events"]] == ["TaskCompleted"]


async def test_each_item_of_an_independent_batch_has_its_own_result(ann: ApiUser) -> None:
    task = str(new_id())
    answer = await send_batch(
        ann,
        create_item(ann, id=task),
        create_item(ann, title=""),
        item_on(task, "CompleteTask"),
        item_on(task, "RenameTask", data={"title": "Bread"}),
        item_on(str(new_id()), "CompleteTask"),
        {"type": "Nonsense", "data": {}},
        item_on(task, "ReopenTask"),
        mode="independent",
    )
    assert answer.status_code == 207
    results = answer.json()["results"]
    assert [one["status"] for one in results] == [201, 400, 200, 428, 404, 400, 200]
    assert [one.get("version") for one in results] == [1, None, 2, None, None, None, 3]
    assert results[1]["problem"]["errors"][0]["pointer"] == "#/commands/1/data/title"
    assert results[5]["problem"]["code"] == "unknown_command"
    assert answer.json()["position"] == results[6]["position"]


async def test_a_batch_may_create_a_workspace_and_its_contents(ann: ApiUser) -> None:
    workspace, project, task = (str(new_id()) for _ in range(3))
    commands: list[dict[str, Any]] = [
        {"type": "CreateWorkspace", "data": {"id": workspace, "name": "New"}},
        {"type": "CreateProject", "data": {"id": project, "workspace_id": workspace, "name": "New", "key": "NEW"}},
        {"type": "CreateTask", "data": {"id": task, "project_id": project, "title": "First"}},
    ]
    for mode, expected in (("atomic", 200), ("independent", 207)):
        answer = await send_batch(ann, *commands, mode=mode)
        assert answer.status_code == expected, answer.text
        commands = [{**one, "data": {**one["data"], "id": str(new_id())}} for one in commands]
        commands[1]["data"]["workspace_id"] = commands[0]["data"]["id"]
        commands[2]["data"]["project_id"] = commands[1]["data"]["id"]
    assert [one["status"] for one in answer.json()["results"]] == [201] * 3
    assert answer.json()["results"][2]["key"] == "NEW-1"


async def test_a_human_key_names_a_task_in_a_batch(ann: ApiUser) -> None:
    task = await ann.create_task()
    key = (await ann.get(f"/tasks/{task}"))["key"]
    answer = await send_batch(ann, item_on(key, "CompleteTask"))
    assert (answer.status_code, answer.json()["results"][0]["id"]) == (200, task)


@pytest.mark.parametrize("mode", ["atomic", "independent"])
async def test_a_batch_with_a_key_happens_once(ann: ApiUser, mode: str) -> None:
    commands, key = [create_item(ann), create_item(ann, "Salt")], str(new_id())
    first = await send_batch(ann, *commands, mode=mode, **{"Idempotency-Key": key})
    again = await send_batch(ann, *commands, mode=mode, **{"Idempotency-Key": key})
    assert (first.status_code, "idempotent-replayed" in first.headers) == (again.status_code, False)
    assert again.headers["idempotent-replayed"] == "true"
    for one, other in zip(first.json()["results"], again.json()["results"], strict=True):
        assert (one["id"], one["version"]) == (other["id"], other["version"])
    assert first.json()["position"] == again.json()["position"]
    assert len((await ann.get(f"/projects/{ann.project}/tasks"))["items"]) == 2
    other = await send_batch(ann, *commands, create_item(ann, "Oil"), mode=mode, **{"Idempotency-Key": key})
    assert_problem(other, 422, "key_reused")
    assert len((await ann.get(f"/projects/{ann.project}/tasks"))["items"]) == 2


@pytest.mark.parametrize("mode", ["atomic", "independent"])
async def test_an_item_with_a_command_id_happens_once(ann: ApiUser, mode: str) -> None:
    commands = [
        {**create_item(ann), "command_id": str(new_id())},
        {**create_item(ann, "Salt"), "command_id": str(new_id())},
    ]
    first = (await send_batch(ann, *commands, mode=mode)).json()["results"]
    again = (await send_batch(ann, *commands, mode=mode)).json()["results"]
    assert [one["id"] for one in again] == [one["id"] for one in first]
    alone = (await send_batch(ann, commands[1], mode="independent")).json()["results"]
    assert (alone[0]["status"], alone[0]["id"]) == (201, first[1]["id"])
    assert len((await ann.get(f"/projects/{ann.project}/tasks"))["items"]) == 2


async def test_a_command_id_is_replayed_in_either_mode_by_task_key(ann: ApiUser) -> None:
    await ann.create_task()
    ann.fold()
    item = {**item_on("KIT-1", "CompleteTask"), "command_id": str(new_id())}
    first = await send_batch(ann, item)
    again = (await send_batch(ann, item, mode="independent")).json()["results"]
    assert (first.status_code, again[0]["status"], again[0]["replayed"]) == (200, 200, True)


async def test_a_partly_committed_atomic_batch_is_refused(ann: ApiUser) -> None:
    done = {**create_item(ann), "command_id": str(new_id())}
    await send_batch(ann, done)
    assert_problem(
        await send_batch(ann, done, {**create_item(ann, "Salt"), "command_id": str(new_id())}), 422, "key_reused"
    )
    changed = {**done, "data": {**done["data"], "title": "Bread"}}
    assert_problem(await send_batch(ann, changed), 422, "key_reused")
    assert len((await ann.get(f"/projects/{ann.project}/tasks"))["items"]) == 1


async def test_two_batches_at_once_with_the_same_command_ids_happen_once(ann: ApiUser) -> None:
    commands = [{**create_item(ann, str(number)), "command_id": str(new_id())} for number in range(5)]
    answers = await asyncio.gather(*(send_batch(ann, *commands) for _ in range(4)))
    assert sorted({answer.status_code for answer in answers}) in ([200], [200, 409])
    assert len((await ann.get(f"/projects/{ann.project}/tasks"))["items"]) == 5


@pytest.mark.parametrize("mode", ["atomic", "independent"])
async def test_a_batch_has_at_most_a_hundred_commands(ann: ApiUser, mode: str) -> None:
    assert (await send_batch(ann, *[create_item(ann)] * 100, mode=mode)).status_code in {200, 207}
    assert_problem(await send_batch(ann, *[create_item(ann)] * 101, mode=mode), 400, "invalid_body")
    assert len((await ann.get(f"/projects/{ann.project}/tasks?limit=200"))["items"]) == 100


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "invalid_body"),
        ({"commands": []}, "invalid_body"),
        ({"commands": {}}, "invalid_body"),
        ({"commands": [None]}, "invalid_body"),
        ({"commands": [{"type": "CompleteTask"}]}, "invalid_body"),
        ({"commands": [{"data": {}}]}, "invalid_body"),
        ({"commands": [{"type": "CompleteTask", "data": []}]}, "invalid_body"),
        ({"commands": [{"type": "CompleteTask", "data": {}}]}, "invalid_body"),
        ({"commands": [{"type": "CompleteTask", "data": {}, "id": "nonsense"}]}, "invalid_id"),
        ({"commands": [{"type": "CompleteTask", "data": {}, "actor": "me"}]}, "invalid_body"),
        ({"commands": [{"type": "CreateTask", "data": {"title": "Milk"}}]}, "invalid_body"),
        ({"commands": [{"type": "CreateTask", "data": {}, "id": str(new_id())}]}, "invalid_body"),
        ({"commands": [{"type": "RegisterUser", "data": {"email": "a@b.c", "name": "A"}}]}, "unknown_command"),
        ({"commands": [{"type": "Command", "data": {}}]}, "unknown_command"),
        ({"commands": [{"type": "TaskCommand", "data": {}}]}, "unknown_command"),
        ({"commands": [{"type": "", "data": {}}]}, "unknown_command"),
        ({"commands": [{"type": "CompleteTask", "data": {}, "id": str(new_id()), "expected_version": -1}]}, None),
        ({"commands": [{"type": "CompleteTask", "data": {}, "id": str(new_id()), "expected_version": 1.5}]}, None),
        ({"commands": [{"type": "CompleteTask", "data": {}, "command_id": "x"}]}, "invalid_body"),
        ({"mode": "some", "commands": [{"type": "CompleteTask", "data": {}}]}, "invalid_body"),
        (
            {"commands": [item_on(str(new_id()), "CompleteTask", expected_version=1, data={"expected_version": 2})]},
            "versions_differ",
        ),
    ],
)
async def test_a_malformed_batch_is_refused_as_a_whole(ann: ApiUser, body: dict[str, Any], code: str | None) -> None:
    assert_problem(await ann.request("POST", "/commands", json=body), 400, code or "invalid_body")


async def test_an_atomic_batch_must_stay_in_one_workspace(ann: ApiUser) -> None:
    other = (await ann.post("/workspaces", name="Work"))["id"]
    project = (await ann.post(f"/workspaces/{other}/projects", name="Desk", key="DESK"))["id"]
    elsewhere = {"type": "CreateTask", "data": {"project_id": project, "title": "Paper"}}
    assert_problem(await send_batch(ann, create_item(ann), elsewhere), 422, "crosses_workspaces")


async def test_nothing_of_another_workspace_can_be_changed_in_a_batch(ann: ApiUser, bob: ApiUser) -> None:
    task = await ann.create_task()
    assert_problem(await send_batch(bob, item_on(task, "CompleteTask")), 404, "not_found")
    answer = await send_batch(bob, item_on(task, "CompleteTask"), create_item(ann), mode="independent")
    assert [one["status"] for one in answer.json()["results"]] == [404, 404]


async def test_every_event_of_a_batch_carries_the_trace_of_its_request(ann: ApiUser, settings: Settings) -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    answer = await send_batch(ann, create_item(ann), create_item(ann), traceparent=parent)
    assert answer.headers["trace-id"] == "0af7651916cd43dd8448eb211c80319c"
    tasks = [one["id"] for one in answer.json()["results"]]
    sql = "select correlation_id, causation_id, count(distinct command_id) from log.event_log"
    with connect(settings.database_url) as connection:
        found = connection.execute(f"{sql} where stream = any(%s) group by 1, 2", (tasks,)).fetchall()
    assert found == [(UUID("0af7651916cd43dd8448eb211c80319c"), "b7ad6b7169203331", 1)]


async def test_a_task_past_its_event_limit_is_refused_and_still_read(
    ann: ApiUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("commands.handling.decision.MAX_STREAM_EVENTS", 3)
    task = await ann.create_task()
    await ann.post(f"/tasks/{task}/complete")
    await ann.post(f"/tasks/{task}/reopen")
    answer = await ann.request("POST", f"/tasks/{task}/complete", json={})
    assert_problem(answer, 422, "stream_is_full")
    assert answer.json()["params"] == {"most": 3}
    batch = await send_batch(ann, item_on(task, "CompleteTask"), create_item(ann), mode="independent")
    assert [one["status"] for one in batch.json()["results"]] == [422, 201]
    assert len((await ann.get(f"/tasks/{task}/history"))["items"]) == 3


async def test_commands_on_one_task_keep_order_by_id_or_key(ann: ApiUser) -> None:
    task = await ann.create_task()
    key = (await ann.get(f"/tasks/{task}"))["key"]
    for names in ((key, task), (task, key), (task.replace("-", ""), key), (key, task.upper())):
        commands = [item_on(name, kind) for _ in range(3) for name, kind in zip(names, ("CompleteTask", "ReopenTask"))]  # noqa: B905
        answer = await send_batch(ann, *commands, mode="independent")
        versions = [one["version"] for one in answer.json()["results"]]
        assert versions == list(range(versions[0], versions[0] + 6)), answer.text


async def test_an_item_finds_a_new_project_in_any_uuid_notation(ann: ApiUser) -> None:
    project = str(new_id())
    opened = {"workspace_id": ann.workspace, "id": project.replace("-", ""), "name": "New", "key": "NEW"}
    task = {"type": "CreateTask", "data": {"project_id": project.upper(), "title": "First"}}
    answer = await send_batch(ann, {"type": "CreateProject", "data": opened}, task, mode="independent")
    assert [one["status"] for one in answer.json()["results"]] == [201, 201]


async def test_command_ids_on_only_some_items_of_an_atomic_batch_are_refused(ann: ApiUser) -> None:
    keyed = {**create_item(ann), "command_id": str(new_id())}
    assert_problem(await send_batch(ann, keyed, create_item(ann)), 400, "invalid_body")
    for mode in ("atomic", "independent"):
        headers = {"Idempotency-Key": keyed["command_id"]}
        assert_problem(await send_batch(ann, keyed, mode=mode, **headers), 400, "invalid_body")
        assert_problem(await send_batch(ann, keyed, keyed, mode=mode), 400, "invalid_body")
    both = await send_batch(ann, keyed, create_item(ann), **{"Idempotency-Key": "whole"})
    again = await send_batch(ann, keyed, create_item(ann), **{"Idempotency-Key": "whole"})
    assert (both.status_code, again.json()) == (200, both.json())


async def test_a_version_passed_by_the_batch_itself_is_reported(ann: ApiUser) -> None:
    task = await ann.create_task()
    ghost = item_on(task, "RenameTask", expected_version=1, data={"title": "ghost"})
    answer = await send_batch(ann, ghost, item_on(task, "CompleteTask", expected_version=1))
    assert_problem(answer, 409, "contradicts")
    assert answer.json()["errors"][0]["pointer"] == "#/commands/1"
    assert (await ann.get(f"/tasks/{task}"))["title"] == "Milk"


async def test_an_item_without_a_task_is_refused_with_its_pointer(ann: ApiUser) -> None:
    ann.fold()
    answer = await send_batch(ann, create_item(ann), item_on("NOPE-1", "CompleteTask"))
    assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [("#/commands/1/id", "not_found")]


async def test_a_refused_item_is_tried_again_and_the_answer_is_no_replay_then(ann: ApiUser) -> None:
    late, headers = str(new_id()), {"Idempotency-Key": str(new_id())}
    commands = [create_item(ann), item_on(late, "CompleteTask")]
    first = await send_batch(ann, *commands, mode="independent", **headers)
    assert [one["status"] for one in first.json()["results"]] == [201, 404]
    await ann.create_task(id=late)
    again = await send_batch(ann, *commands, mode="independent", **headers)
    assert [one["status"] for one in again.json()["results"]] == [201, 200]
    assert "idempotent-replayed" not in again.headers
    third = await send_batch(ann, *commands, mode="independent", **headers)
    assert third.headers["idempotent-replayed"] == "true"


async def test_a_batch_waits_for_its_concurrent_twin(ann: ApiUser) -> None:
    commands, headers = [create_item(ann, str(number)) for number in range(30)], {"Idempotency-Key": str(new_id())}
    answers = await asyncio.gather(*(send_batch(ann, *commands, mode="independent", **headers) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [207, 409, 409]
    twin = next(answer for answer in answers if answer.status_code == 409)
    assert twin.headers["retry-after"] == "1"
    assert_problem(twin, 409, "twin_in_flight")


@pytest.mark.parametrize("spelling", ["1.0", "1e0", "10e-1", "1.000", "0.1E+1"])
async def test_a_whole_number_may_be_written_with_a_point_or_an_exponent(ann: ApiUser, spelling: str) -> None:
    """JSON Schema calls all of them integers."""
    task = await ann.create_task("Milk")
    bodies = [
        ("PATCH", f"/tasks/{task}", '{"title": "Tea", "expected_version": %s}'),
        ("POST", "/tasks/search", '{"limit": %s}'),
        ("POST", "/commands", '{"commands": [{"type": "TrashTask", "id": "ID", "data": {}, "expected_version": %s}]}'),
        ("POST", "/commands", '{"commands": [{"type": "RestoreTask", "id": "ID", "data": {"expected_version": %s}}]}'),
    ]
    for number, (method, path, body) in zip(("1", "1", "2", "3"), bodies, strict=True):
        content = (body % spelling.replace("1", number, 1)).replace("ID", task)
        answer = await ann.request(method, path, content=content, headers={"Content-Type": "application/json"})
        assert answer.status_code == 200, answer.text


async def test_spellings_of_one_number_are_one_request_to_an_idempotency_key(ann: ApiUser) -> None:
    task = await ann.create_task("Milk")
    headers = {"Content-Type": "application/json", "Idempotency-Key": f"tea {task}"}
    answers = [
        await ann.request("PATCH", f"/tasks/{task}", content=content, headers=headers)
        for content in (
            b'{"title": "Tea", "expected_version": 1}',
            b'{"title": "Tea", "expected_version": 1.0}',
            b'{"expected_version": 10e-1, "title": "Tea"}',
        )
    ]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert [answer.headers.get("idempotent-replayed") for answer in answers] == [None, "true", "true"]
    other = await ann.request(
        "PATCH", f"/tasks/{task}", content=b'{"title": "Tea", "expected_version": 2.0}', headers=headers
    )
    assert_problem(other, 422, "key_reused")


@pytest.mark.parametrize("mode", ["atomic", "independent"])
async def test_a_project_is_named_by_its_key_in_a_batch(ann: ApiUser, mode: str) -> None:
    ann.fold()
    items = [{"type": "CreateTask", "data": {"project_id": key, "title": "Milk"}} for key in ("KIT", "kit")]
    answer = await ann.request("POST", "/commands", json={"mode": mode, "commands": items})
    assert sorted(one["key"] for one in answer.json()["results"]) == ["KIT-1", "KIT-2"]
    lost = [{"type": "CreateTask", "data": {"project_id": "LOST", "title": "Milk"}}]
    ann.fold()
    answer = await ann.request("POST", "/commands", json={"mode": mode, "commands": lost})
    problem = answer.json() if mode == "atomic" else answer.json()["results"][0]["problem"]
    assert (problem["status"], problem["code"]) == (404, "not_found")
    assert problem["errors"][0]["pointer"] == "#/commands/0/data/project_id"
    wrong = [{"type": "CreateTask", "data": {"project_id": "KIT", "title": ""}, "more": 1}]
    problem = (await ann.request("POST", "/commands", json={"mode": mode, "commands": wrong})).json()
    assert {one["pointer"] for one in problem["errors"]} == {"#/commands/0/data/title", "#/commands/0/more"}
