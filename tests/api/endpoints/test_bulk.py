"""Bulk changes over HTTP: one command on the tasks of a filter or of a list, each on its own."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import psycopg
import pytest
from msgspec.structs import replace

from commands.handling.handler import CommandHandler
from commands.handling.request import CommandRequest
from infra.bulk import bulk_change
from infra.bulk.bulk_change import BulkChange
from infra.database.connections import connect
from infra.ids import new_id
from infra.settings import Settings
from tests.api.problems import assert_problem
from tests.api_user import ApiUser
from tests.planted_defects import assert_async_check_fails

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def send_bulk(user: ApiUser, kind: str, data: dict[str, Any] | None = None, **members: Any) -> Any:
    headers, params = members.pop("headers", {}), members.pop("params", {})
    body = {"type": kind, "data": data or {}, **members}
    return await user.request("POST", "/tasks/bulk", json=body, headers=headers, params=params)


async def bulk(user: ApiUser, kind: str, data: dict[str, Any] | None = None, **members: Any) -> Any:
    answer = await send_bulk(user, kind, data, **members)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def create_tasks(user: ApiUser, count: int) -> list[str]:
    tasks = [await user.create_task(f"Task {number}") for number in range(count)]
    user.fold()
    return tasks


def refusals(result: Any) -> dict[str, tuple[int, str]]:
    return {one["id"]: (one["problem"]["status"], one["problem"]["code"]) for one in result["refused"]}


async def test_all_tasks_of_a_filter_are_changed_even_as_they_leave_it(ann: ApiUser) -> None:
    tasks = await create_tasks(ann, 5)
    result = await bulk(ann, "CompleteTask", filter="status:open")
    assert (result["selected"], result["changed"], result["refused"], result["refused_count"]) == (5, 5, [], 0)
    for task in tasks:
        shown = await ann.get(f"/tasks/{task}?min_position={result['position']}")
        assert (shown["status"], shown["version"]) == ("done", 2)
    ann.fold()
    assert (await bulk(ann, "CompleteTask", filter="status:open"))["selected"] == 0


async def test_every_event_of_a_bulk_change_has_it_as_its_cause(
    ann: ApiUser, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_change, "MAX_GROUP_TASKS", 2)
    tasks = await create_tasks(ann, 5)
    result = await bulk(ann, "LabelTask", {"label": "urgent"}, ids=tasks)
    sql = "select causation_id, count(*), count(distinct command_id) from log.event_log"
    with connect(settings.database_url) as connection:
        of_tasks = f"{sql} where stream = any(%s) and version > 1 group by 1"
        assert connection.execute(of_tasks, (tasks,)).fetchall() == [(result["command_id"], 5, 3)]


async def test_tasks_are_named_by_ids_and_keys_each_once(ann: ApiUser) -> None:
    tasks = await create_tasks(ann, 3)
    key = (await ann.get(f"/tasks/{tasks[0]}"))["key"]
    names = [key, tasks[0], tasks[1].upper(), tasks[1], key.lower()]
    result = await bulk(ann, "LabelTask", {"label": "urgent"}, ids=names)
    assert (result["selected"], result["changed"], result["refused"]) == (2, 2, [])
    assert [(await ann.get(f"/tasks/{task}"))["version"] for task in tasks] == [2, 2, 1]


async def test_a_task_that_needs_no_change_is_neither_changed_nor_refused(ann: ApiUser) -> None:
    tasks = await create_tasks(ann, 3)
    await ann.post(f"/tasks/{tasks[0]}/complete")
    result = await bulk(ann, "CompleteTask", ids=tasks)
    assert (result["selected"], result["changed"], result["refused"]) == (3, 2, [])


async def test_a_refused_task_stops_no_other_and_has_the_problem_of_its_command(ann: ApiUser) -> None:
    tasks, missing = await create_tasks(ann, 4), str(new_id())
    await ann.request("DELETE", f"/tasks/{tasks[1]}", headers={"If-Match": '"1"'})
    alone = (await ann.request("POST", f"/tasks/{tasks[1]}/label", json={"label": "urgent"})).json()
    ann.fold()
    result = await bulk(ann, "LabelTask", {"label": "urgent"}, ids=[*tasks, missing, "NONE-1"])
    assert (result["selected"], result["changed"], result["refused_count"]) == (6, 3, 3)
    not_found = (404, "not_found")
    assert refusals(result) == {"NONE-1": not_found, tasks[1]: (422, "task_is_trashed"), missing: not_found}
    problem = next(one["problem"] for one in result["refused"] if one["id"] == tasks[1])
    assert {**problem, "instance": "", "trace_id": ""} == {**alone, "instance": "", "trace_id": ""}


async def test_a_refused_member_of_the_body_has_its_pointer(ann: ApiUser) -> None:
    tasks = await create_tasks(ann, 1)
    (refused,) = (await bulk(ann, "MoveTask", {"column": "nowhere"}, ids=tasks))["refused"]
    alone = await ann.request("POST", f"/tasks/{tasks[0]}/move", json={"column": "nowhere", "expected_version": 1})
    assert refused["problem"]["code"] == alone.json()["code"] == "unknown_column"
    wanted = [f"#/data{one['pointer'][1:]}" for one in alone.json().get("errors", [])]
    assert [one["pointer"] for one in refused["problem"].get("errors", [])] == wanted


async def test_a_command_that_overwrites_needs_no_version(ann: ApiUser) -> None:
    tasks = await create_tasks(ann, 2)
    result = await bulk(ann, "MoveTask", {"column": "doing"}, ids=tasks)
    assert result["changed"] == 2
    ann.fold()
    assert (await bulk(ann, "TrashTask", filter="column:doing"))["changed"] == 2
    assert (await bulk(ann, "RestoreTask", ids=tasks))["changed"] == 2


async def test_tasks_of_several_workspaces_are_changed_together(ann: ApiUser) -> None:
    tasks = await create_tasks(ann, 2)
    other = await ann.post("/workspaces", name="Garden")
    project = await ann.post(f"/workspaces/{other['id']}/projects", name="Trees", key="TREE")
    tasks += [(await ann.post(f"/projects/{project['id']}/tasks", title="Apple"))["id"] for _ in range(2)]
    tasks = [tasks[0], tasks[2], tasks[1], tasks[3]]
    ann.fold()
    assert (await bulk(ann, "LabelTask", {"label": "urgent"}, ids=tasks))["changed"] == 4
    ann.fold()
    assert (await bulk(ann, "CompleteTask", filter="label:urgent"))["changed"] == 4


async def test_new_tasks_of_several_workspaces_need_no_read_model(ann: ApiUser) -> None:
    other = await ann.post("/workspaces", name="Garden")
    project = await ann.post(f"/workspaces/{other['id']}/projects", name="Trees", key="TREE")
    tasks = [await ann.create_task(), (await ann.post(f"/projects/{project['id']}/tasks", title="Apple"))["id"]]
    assert (await bulk(ann, "LabelTask", {"label": "urgent"}, ids=tasks))["changed"] == 2


async def test_the_tasks_of_others_are_not_found(ann: ApiUser, bob: ApiUser) -> None:
    tasks = await create_tasks(ann, 2)
    result = await bulk(bob, "CompleteTask", ids=tasks)
    assert (result["changed"], refusals(result)) == (0, dict.fromkeys(tasks, (404, "not_found")))
    assert (await bulk(bob, "CompleteTask", filter="status:open"))["selected"] == 0
    assert (await ann.get(f"/tasks/{tasks[0]}"))["version"] == 1


async def test_a_dry_run_tells_the_same_and_changes_nothing(ann: ApiUser) -> None:
    tasks = await create_tasks(ann, 3)
    await ann.post(f"/tasks/{tasks[0]}/complete")
    await ann.request("DELETE", f"/tasks/{tasks[1]}", headers={"If-Match": '"1"'})
    dry = await bulk(ann, "CompleteTask", ids=tasks, params={"dry_run": "true"})
    assert (await ann.get(f"/tasks/{tasks[2]}"))["version"] == 1
    assert dry["command_id"] is None
    done = await bulk(ann, "CompleteTask", ids=tasks)
    assert (dry["selected"], dry["changed"], refusals(dry)) == (3, 1, {tasks[1]: (422, "task_is_trashed")})
    assert [dry[name] for name in ("selected", "changed", "refused_count")] == [
        done[name] for name in ("selected", "changed", "refused_count")
    ]
    assert refusals(dry) == refusals(done)


async def test_a_repeat_with_the_same_key_answers_as_the_first_time(ann: ApiUser) -> None:
    tasks, key = await create_tasks(ann, 3), {"Idempotency-Key": str(new_id())}
    await ann.request("DELETE", f"/tasks/{tasks[0]}", headers={"If-Match": '"1"'})
    first = await bulk(ann, "CompleteTask", ids=tasks, headers=key)
    await ann.post(f"/tasks/{tasks[1]}/reopen")
    again = await send_bulk(ann, "CompleteTask", ids=tasks, headers=key)
    assert again.headers["idempotent-replayed"] == "true"
    assert {**again.json(), "refused": refusals(again.json())} == {**first, "refused": refusals(first)}
    assert (await ann.get(f"/tasks/{tasks[1]}"))["status"] == "open"
    assert_problem(await send_bulk(ann, "ReopenTask", ids=tasks, headers=key), 422, "key_reused")


async def a_change_that_stops_half_way_is_finished_by_its_repeat(
    ann: ApiUser, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the process had died after two of three groups, before it stored how far it was."""
    monkeypatch.setattr(bulk_change, "MAX_GROUP_TASKS", 2)
    tasks, key = await create_tasks(ann, 6), {"Idempotency-Key": str(new_id())}
    carry_out_each, calls = CommandHandler.carry_out_each, list[CommandRequest]()

    async def dying(handler: CommandHandler, request: CommandRequest) -> Any:
        if len(calls) == 2:
            raise psycopg.OperationalError("the process dies")
        calls.append(request)
        return await carry_out_each(handler, request)

    with monkeypatch.context() as patched:
        patched.setattr(CommandHandler, "carry_out_each", dying)
        broken = await send_bulk(ann, "LabelTask", {"label": "urgent"}, filter="no:label", headers=key)
        assert_problem(broken, 503, "storage_unavailable")
    await ann.post(f"/tasks/{tasks[0]}/unlabel", label="urgent")
    ann.fold()
    assert_problem(await send_bulk(ann, "LabelTask", {"label": "urgent"}, filter="no:label", headers=key), 409)
    leave_behind(settings)
    result = await bulk(ann, "LabelTask", {"label": "urgent"}, filter="no:label", headers=key)
    assert (result["selected"], result["changed"], result["refused"]) == (6, 6, [])
    assert [(await ann.get(f"/tasks/{task}"))["version"] for task in tasks] == [3, 2, 2, 2, 2, 2]


async def test_a_change_that_stops_half_way_is_finished_by_its_repeat(
    ann: ApiUser, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await a_change_that_stops_half_way_is_finished_by_its_repeat(ann, settings, monkeypatch)


async def test_groups_without_keys_are_noticed(
    ann: ApiUser, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = BulkChange.request

    def without_keys(change: BulkChange, tasks: Sequence[UUID], **options: bool) -> CommandRequest:
        return replace(request(change, tasks, **options), idempotency_keys=())

    monkeypatch.setattr(BulkChange, "request", without_keys)
    await assert_async_check_fails(
        lambda: a_change_that_stops_half_way_is_finished_by_its_repeat(ann, settings, monkeypatch)
    )


def leave_behind(settings: Settings) -> None:
    """As if all processes that carry out bulk changes had been silent for a while."""
    with connect(settings.database_url) as connection:
        connection.execute("update read.operations set heard_at = heard_at - interval '1 minute' where kind = 'bulk'")


@pytest.mark.parametrize(
    ("body", "status", "code", "pointer"),
    [
        ({"type": "CreateTask", "filter": "x"}, 422, "not_for_many_tasks", "#/type"),
        ({"type": "DuplicateTask", "filter": "x"}, 422, "not_for_many_tasks", "#/type"),
        ({"type": "RenameProject", "filter": "x"}, 422, "not_for_many_tasks", "#/type"),
        ({"type": "Nonsense", "filter": "x"}, 422, "not_for_many_tasks", "#/type"),
        ({"type": "CompleteTask"}, 400, "invalid_body", "#"),
        ({"type": "CompleteTask", "filter": "x", "ids": ["KIT-1"]}, 400, "invalid_body", "#/ids"),
        ({"type": "CompleteTask", "filter": ""}, 400, "invalid_body", "#/filter"),
        ({"type": "CompleteTask", "ids": []}, 400, "invalid_body", "#/ids"),
        ({"type": "CompleteTask", "ids": ["what"]}, 400, "invalid_id", "#/ids/0"),
        ({"type": "LabelTask", "filter": "x"}, 400, "invalid_body", "#/data/label"),
        ({"type": "CompleteTask", "filter": "x", "data": {"what": 1}}, 400, "invalid_body", "#/data/what"),
        (
            {"type": "CompleteTask", "filter": "x", "data": {"expected_version": 1}},
            400,
            "invalid_body",
            "#/data/expected_version",
        ),
        ({"type": "CompleteTask", "filter": "priority:"}, 400, "filter_syntax", "#/filter"),
        ({"type": "CompleteTask", "filter": "colour:red"}, 400, "unknown_field", "#/filter"),
        ({"type": "MoveTask", "filter": "x", "data": {"before": "NONE-1"}}, 404, "not_found", "#/data/before"),
    ],
)
async def test_a_bulk_change_that_makes_no_sense_is_refused(
    shared_user: ApiUser, body: dict[str, Any], status: int, code: str, pointer: str
) -> None:
    shared_user.fold()
    answer = await shared_user.request("POST", "/tasks/bulk", json=body)
    assert_problem(answer, status, code)
    assert [one["pointer"] for one in answer.json()["errors"]] == [pointer]


async def test_any_text_can_be_stored(ann: ApiUser) -> None:
    """PostgreSQL cannot hold every character in `jsonb`."""
    tasks = await create_tasks(ann, 1)
    for text in ("\x00", "\uffff", "\N{THUMBS UP SIGN}"):
        for kind, data in (("EditTask", {"description": text}), ("MoveTask", {"column": text})):
            assert (await send_bulk(ann, kind, data, ids=tasks)).status_code in {200, 400}


async def test_a_command_that_is_not_allowed_names_those_that_are(shared_user: ApiUser) -> None:
    allowed = (await send_bulk(shared_user, "CreateTask", filter="x")).json()["params"]["allowed"]
    assert {"CompleteTask", "LabelTask", "MoveTask", "TrashTask"} < set(allowed)
    assert not {"CreateTask", "DuplicateTask", "PurgeTask", "ArchiveByRule"} & set(allowed)


async def test_if_match_is_refused(shared_user: ApiUser) -> None:
    answer = await send_bulk(shared_user, "CompleteTask", filter="x", headers={"If-Match": '"1"'})
    assert_problem(answer, 400, "invalid_if_match")


async def test_a_viewer_changes_nothing(ann: ApiUser, bob: ApiUser) -> None:
    tasks = await create_tasks(ann, 2)
    await ann.request("PUT", f"/workspaces/{ann.workspace}/members/{bob.id}", json={"role": "viewer"})
    ann.fold()
    result = await bulk(bob, "CompleteTask", filter="status:open")
    assert (result["changed"], refusals(result)) == (0, dict.fromkeys(tasks, (403, "forbidden")))
