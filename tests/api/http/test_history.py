"""The history of a task: all its events, newest first, with their actors."""

from typing import Any
from uuid import UUID

import pytest

from commands.handling.handler import Histories
from domain import actor_names, codec
from domain.former_member import FormerMemberNamed
from domain.user import TokenIssued, UserRegistered
from infra.ids import new_id
from infra.log.event_log import EventLog
from tests.api.problems import assert_problem
from tests.api_user import ApiUser

pytestmark = pytest.mark.asyncio(loop_scope="package")

ITEM = {
    "position",
    "version",
    "type",
    "at",
    "actor",
    "command_id",
    "correlation_id",
    "causation_id",
    "stream",
    "changes",
}


async def task_with_five_events(ann: ApiUser) -> str:
    """A task with a history of five events."""
    task = await ann.create_task(due="2026-12-01")
    edit = {"title": "Bread", "due": None, "expected_version": 1}
    assert (await ann.request("PATCH", f"/tasks/{task}", json=edit)).status_code == 200
    await ann.post(f"/tasks/{task}/complete")
    await ann.post(f"/tasks/{task}/move", column="done", expected_version=4)
    return task


async def test_a_history_lists_changes_with_old_and_new_values_newest_first(ann: ApiUser) -> None:
    task = await task_with_five_events(ann)
    items = (await ann.get(f"/tasks/{task}/history"))["items"]
    ranks = items[0]["changes"].pop("rank")
    assert ranks == sorted(ranks)
    assert [(item["version"], item["type"], item["changes"]) for item in items[:4]] == [
        (5, "TaskMoved", {"column": ["todo", "done"]}),
        (4, "TaskCompleted", {"status": ["open", "done"]}),
        (3, "DueDateSet", {"due": ["2026-12-01", None]}),
        (2, "TaskRenamed", {"title": ["Milk", "Bread"]}),
    ]
    created = items[4]
    assert created["type"] == "TaskCreated"
    assert created["changes"]["title"] == [None, "Milk"]
    for item in items:
        assert item.keys() == ITEM
        assert item["stream"] == task
        assert item["actor"] == {"kind": "human", "id": ann.id, "name": "Ann", "on_behalf_of": None}
    assert items[2]["command_id"] == items[3]["command_id"] != items[1]["command_id"]
    positions = [item["position"] for item in items]
    assert positions == sorted(positions, reverse=True)


async def test_a_history_is_complete_at_once_without_any_read_model(ann: ApiUser) -> None:
    task = await ann.create_task()
    done = await ann.post(f"/tasks/{task}/complete")
    answer = await ann.request("GET", f"/tasks/{task}/history")
    assert [item["version"] for item in answer.json()["items"]] == [2, 1]
    assert int(answer.headers["taskledger-position"]) >= done["position"]


@pytest.mark.parametrize("limit", [1, 2, 4, 5, 200])
async def test_pages_add_up_to_the_history(ann: ApiUser, limit: int) -> None:
    task = await task_with_five_events(ann)
    path = f"/tasks/{task}/history?limit={limit}"
    versions, cursor = list[int](), ""
    while not versions or cursor:
        page = await ann.get(path + (f"&cursor={cursor}" if cursor else ""))
        assert 0 < len(page["items"]) <= limit
        versions += [item["version"] for item in page["items"]]
        cursor = page["next_cursor"] or ""
    assert versions == [5, 4, 3, 2, 1]


async def test_events_between_two_pages_are_on_neither(ann: ApiUser) -> None:
    task = await task_with_five_events(ann)
    first = await ann.get(f"/tasks/{task}/history?limit=2")
    await ann.post(f"/tasks/{task}/reopen")
    second = await ann.get(f"/tasks/{task}/history?limit=200&cursor={first['next_cursor']}")
    assert [item["version"] for item in first["items"] + second["items"]] == [5, 4, 3, 2, 1]


async def test_a_cursor_of_another_list_is_refused(ann: ApiUser) -> None:
    one, other = await task_with_five_events(ann), await task_with_five_events(ann)
    cursor = (await ann.get(f"/tasks/{one}/history?limit=2"))["next_cursor"]
    assert_problem(await ann.request("GET", f"/tasks/{other}/history?cursor={cursor}"), 400, "cursor_mismatch")
    assert_problem(await ann.request("GET", f"/projects/{ann.project}/tasks?cursor={cursor}"), 400, "cursor_mismatch")


async def test_an_unchanged_history_is_not_sent_again(ann: ApiUser) -> None:
    task = await task_with_five_events(ann)
    path = f"/tasks/{task}/history"
    headers = {"If-None-Match": (await ann.request("GET", path)).headers["etag"]}
    again = await ann.request("GET", path, headers=headers)
    assert (again.status_code, again.content) == (304, b"")
    await ann.post(f"/tasks/{task}/reopen")
    assert (await ann.request("GET", path, headers=headers)).status_code == 200


async def test_the_history_of_an_unknown_task_is_not_found(ann: ApiUser) -> None:
    assert_problem(await ann.request("GET", f"/tasks/{new_id()}/history"), 404, "not_found")
    assert_problem(await ann.request("GET", f"/tasks/{ann.project}/history"), 404, "not_found")


async def test_a_history_is_never_behind_a_reported_position(ann: ApiUser) -> None:
    task = await ann.create_task()
    position = (await ann.post(f"/tasks/{task}/complete"))["position"]
    history = await ann.request("GET", f"/tasks/{task}/history?min_position={position}")
    assert [item["version"] for item in history.json()["items"]] == [2, 1]
    assert_problem(await ann.request("GET", f"/tasks/{task}/history?min_position={2**60}"), 503, "projection_behind")


async def test_only_the_naming_events_of_actors_are_loaded(ann: ApiUser, monkeypatch: pytest.MonkeyPatch) -> None:
    read, chosen = list[Histories](), EventLog.load_events_of_types

    async def noted(*asked: Any) -> Histories:
        read.append(await chosen(*asked))
        return read[-1]

    monkeypatch.setattr(EventLog, "load_events_of_types", noted)
    agent, task = await ann.with_personal_token("write", kind="agent"), await ann.create_task()
    await ann.get(f"/workspaces/{ann.workspace}/members")
    await ann.get(f"/tasks/{task}/history")
    await agent.post(f"/tasks/{task}/complete")
    first, second = (await ann.get(f"/workspaces/{ann.workspace}/activity?limit=2"))["items"]
    assert (first["actor"]["name"], second["actor"]["name"]) == ("Nightly import", "Ann")
    names = [[type(one.event) for one in streams[UUID(ann.id)]] for streams in read]
    assert names == [[UserRegistered], [UserRegistered], [UserRegistered, TokenIssued]]
    assert [set(streams) for streams in read] == [
        {UUID(ann.id)},
        {UUID(ann.id)},
        {UUID(ann.id), UUID(first["actor"]["id"])},
    ]


async def test_every_event_type_that_names_a_user_is_loaded_for_names() -> None:
    modules = {UserRegistered.__module__, FormerMemberNamed.__module__}
    ours = {kind for kind in codec.all_event_types().values() if kind.__module__ in modules}
    assert set(actor_names.AGENT_NAME_EVENTS) == {kind for kind in ours if "name" in kind.__struct_fields__}
