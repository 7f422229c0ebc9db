"""The done column over HTTP: on every new board, and wherever a board names one."""

from typing import Any

import pytest

from commands import project
from domain.column import NEW_BOARD_COLUMNS
from tests.api.problems import assert_problem
from tests.api_user import ApiUser

pytestmark = pytest.mark.asyncio(loop_scope="package")


@pytest.fixture(autouse=True)
def _boards_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Undo what the other API tests do to new boards."""
    monkeypatch.setattr(project, "NEW_BOARD_COLUMNS", NEW_BOARD_COLUMNS)


async def shown_place(ann: ApiUser, task: str) -> tuple[str, str]:
    ann.fold()
    shown = await ann.get(f"/tasks/{task}")
    return shown["column"], shown["status"]


async def test_the_last_column_of_a_new_board_is_the_done_column(ann: ApiUser) -> None:
    shown = await ann.get(f"/projects/{ann.project}")
    assert [(column["id"], column["done"]) for column in shown["columns"]] == [
        ("todo", False),
        ("doing", False),
        ("done", True),
    ]
    board = await ann.get(f"/projects/{ann.project}/board")
    assert [column["done"] for column in board["columns"]] == [False, False, True]


async def test_complete_and_reopen_move_and_need_no_version(ann: ApiUser) -> None:
    task = await ann.create_task(column="doing")
    assert (await ann.post(f"/tasks/{task}/complete"))["version"] == 3
    assert await shown_place(ann, task) == ("done", "done")
    assert (await ann.post(f"/tasks/{task}/complete"))["version"] == 3
    assert (await ann.post(f"/tasks/{task}/reopen"))["version"] == 5
    assert await shown_place(ann, task) == ("doing", "open")
    history = (await ann.get(f"/tasks/{task}/history"))["items"]
    assert [item["type"] for item in reversed(history)] == [
        "TaskCreated",
        "TaskCompleted",
        "TaskMoved",
        "TaskReopened",
        "TaskMoved",
    ]
    assert len({item["command_id"] for item in history}) == 3
    assert (await ann.get(f"/projects/{ann.project}"))["counts"] == {"doing": {"open": 1}}


async def test_a_move_and_an_edit_complete_and_reopen(ann: ApiUser) -> None:
    task = await ann.create_task()
    await ann.post(f"/tasks/{task}/move", column="done", expected_version=1)
    assert await shown_place(ann, task) == ("done", "done")
    edit = {"column": "todo", "expected_version": 3}
    assert (await ann.request("PATCH", f"/tasks/{task}", json=edit)).json()["version"] == 5
    assert await shown_place(ann, task) == ("todo", "open")
    edit = {"status": "done", "expected_version": 5}
    assert (await ann.request("PATCH", f"/tasks/{task}", json=edit)).json()["version"] == 7
    assert await shown_place(ann, task) == ("done", "done")
    contradiction = {"status": "done", "column": "todo", "expected_version": 7}
    refused = await ann.request("PATCH", f"/tasks/{task}", json=contradiction)
    assert_problem(refused, 422, "status_contradicts_column")


@pytest.mark.parametrize("mode", ["atomic", "independent"])
async def test_a_batch_and_a_dry_run_do_the_same(ann: ApiUser, mode: str) -> None:
    task, other = await ann.create_task(), await ann.create_task()
    commands = [
        {"type": "CompleteTask", "id": task, "data": {}},
        {"type": "MoveTask", "id": other, "data": {"column": "done"}, "expected_version": 1},
    ]
    dry_run = await ann.request("POST", f"/tasks/{task}/complete?dry_run=true")
    assert [event["type"] for event in dry_run.json()["events"]] == ["TaskCompleted", "TaskMoved"]
    results = (await ann.post("/commands", mode=mode, commands=commands))["results"]
    assert [result["version"] for result in results] == [3, 3]
    assert [await shown_place(ann, one) for one in (task, other)] == [("done", "done")] * 2


async def test_a_full_done_column_that_refuses_makes_complete_a_refusal(ann: ApiUser) -> None:
    first, second = await ann.create_task(column="done"), await ann.create_task()
    assert await shown_place(ann, first) == ("done", "done")
    columns: list[dict[str, Any]] = [{"name": "To do"}, {"name": "In progress"}, {"name": "Done", "wip_limit": 1}]
    columns[2]["done"] = True
    body = {"columns": columns, "wip": "refuse", "expected_version": 1}
    assert (await ann.request("PUT", f"/projects/{ann.project}/columns", json=body)).status_code == 200
    ann.fold()
    assert_problem(await ann.request("POST", f"/tasks/{second}/complete"), 422, "column_is_full")


async def test_a_board_has_at_most_one_done_column_and_may_have_none(ann: ApiUser) -> None:
    path, names = f"/projects/{ann.project}/columns", ("To do", "In progress", "Done")
    several = {"columns": [{"name": name, "done": True} for name in names], "expected_version": 1}
    assert_problem(await ann.request("PUT", path, json=several), 422, "several_done_columns")
    none = {"columns": [{"name": name} for name in names], "expected_version": 1}
    assert (await ann.request("PUT", path, json=none)).status_code == 200
    task = await ann.create_task()
    assert (await ann.post(f"/tasks/{task}/complete"))["version"] == 2
    assert await shown_place(ann, task) == ("todo", "done")
