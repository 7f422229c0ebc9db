"""The archive of tasks over HTTP: off lists and boards, found on request, brought back as it was."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from infra.database.connections import connect
from infra.settings import Settings
from infra.worker.auto_archive import AutoArchive
from tests.api.problems import assert_problem
from tests.api_user import ApiUser

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def titles(who: ApiUser, path: str, **query: str) -> set[str]:
    """Of the tasks of a list."""
    return {item["title"] for item in (await who.get(f"{path}?{urlencode(query)}"))["items"]}


async def board_titles(who: ApiUser) -> dict[str, list[str]]:
    """By column, with the number that the board counts."""
    columns: list[dict[str, Any]] = (await who.get(f"/projects/{who.project}/board"))["columns"]
    assert all(column["count"] == len(column["items"]) for column in columns)
    return {column["id"]: [item["title"] for item in column["items"]] for column in columns if column["items"]}


async def test_an_archived_task_is_in_no_list_unless_asked_for(ann: ApiUser) -> None:
    milk, _ = [await ann.create_task(title=title, labels=["shop"]) for title in ("Milk", "Bread")]
    await ann.post(f"/tasks/{milk}/archive")
    ann.fold()
    for path in (f"/projects/{ann.project}/tasks", "/tasks"):
        assert await titles(ann, path) == {"Bread"}
        assert await titles(ann, path, filter="label:shop") == {"Bread"}
        assert await titles(ann, path, filter="milk or bread") == {"Bread"}
        assert await titles(ann, path, filter="is:archived") == {"Milk"}
        assert await titles(ann, path, filter="milk is:archived") == {"Milk"}
        assert await titles(ann, path, filter="-is:archived") == {"Bread"}
        assert await titles(ann, path, filter="is:archived or label:shop") == {"Milk", "Bread"}
    assert await board_titles(ann) == {"todo": ["Bread"]}
    assert (await ann.get(f"/projects/{ann.project}"))["counts"] == {"todo": {"open": 1}}
    assert (await ann.get(f"/tasks/{milk}"))["archived"]


async def test_an_archived_task_is_not_changed_and_comes_back_as_it_was(ann: ApiUser) -> None:
    task = await ann.create_task(title="Milk", labels=["shop"], column="doing")
    ann.fold()
    before = await ann.get(f"/tasks/{task}")
    await ann.post(f"/tasks/{task}/archive")
    answer = await ann.request("PATCH", f"/tasks/{task}", json={"title": "Bread", "expected_version": 2})
    assert_problem(answer, 422, "task_is_archived")
    answer = await ann.request("POST", f"/tasks/{task}/comments", json={"text": "Which one?"})
    assert_problem(answer, 422, "task_is_archived")
    await ann.post(f"/tasks/{task}/unarchive")
    ann.fold()
    after = await ann.get(f"/tasks/{task}")
    assert {**after, "version": 1, "updated_at": before["updated_at"]} == before
    shown = [item["type"] for item in (await ann.get(f"/tasks/{task}/history"))["items"]]
    assert shown == ["TaskUnarchived", "TaskArchived", "TaskCreated"]


async def test_sub_tasks_go_along_and_still_count(ann: ApiUser) -> None:
    top = await ann.create_task(title="House")
    low = await ann.create_task(title="Roof", parent_id=top)
    await ann.post(f"/tasks/{low}/archive")
    ann.fold()
    assert (await ann.get(f"/tasks/{top}"))["children"] == {"done": 0, "total": 1}
    assert await titles(ann, f"/tasks/{top}/children") == set()
    assert await titles(ann, f"/tasks/{top}/children", filter="is:archived") == {"Roof"}
    await ann.post(f"/tasks/{low}/unarchive")
    await ann.post(f"/tasks/{top}/archive")
    assert_problem(await ann.request("POST", f"/tasks/{low}/unarchive"), 422, "parent_is_archived")
    await ann.post(f"/tasks/{top}/unarchive")
    ann.fold()
    assert await titles(ann, f"/projects/{ann.project}/tasks") == {"House", "Roof"}


async def test_the_done_tasks_of_a_column_are_archived_at_once(ann: ApiUser) -> None:
    for title in ("Milk", "Bread"):
        task = await ann.create_task(title=title)
        await ann.post(f"/tasks/{task}/complete")
    await ann.create_task(title="Cheese")
    ann.fold()
    await ann.post(f"/projects/{ann.project}/columns/todo/archive-done")
    ann.fold()
    assert await board_titles(ann) == {"todo": ["Cheese"]}
    answer = await ann.request("POST", f"/projects/{ann.project}/columns/nowhere/archive-done")
    assert_problem(answer, 422, "unknown_column")
    answer = await ann.request("POST", f"/projects/{ann.project}/columns/{'x' * 101}/archive-done")
    assert_problem(answer, 400, "invalid_column")


async def test_a_full_column_takes_no_task_back(ann: ApiUser) -> None:
    columns = [{"name": "To do", "id": "todo", "wip_limit": 1}, {"name": "Done", "id": "done", "done": True}]
    milk = await ann.create_task(title="Milk")
    await ann.post(f"/tasks/{milk}/archive")
    ann.fold()
    body = {"columns": columns, "wip": "refuse", "expected_version": 1}
    assert (await ann.request("PUT", f"/projects/{ann.project}/columns", json=body)).status_code == 200
    ann.fold()
    bread = await ann.create_task(title="Bread")
    assert_problem(await ann.request("POST", f"/tasks/{milk}/unarchive"), 422, "column_is_full")
    await ann.post(f"/tasks/{bread}/archive")
    await ann.post(f"/tasks/{milk}/unarchive")
    ann.fold()
    assert await board_titles(ann) == {"todo": ["Milk"]}


async def test_a_project_archives_by_its_rule(ann: ApiUser, settings: Settings) -> None:
    await ann.post(f"/tasks/{await ann.create_task(title='Milk')}/complete")
    await ann.create_task(title="Bread")
    answer = await ann.request("PATCH", f"/projects/{ann.project}", json={"archive_after": 7, "expected_version": 1})
    assert answer.status_code == 200
    ann.fold()
    assert (await ann.get(f"/projects/{ann.project}"))["archive_after"] == 7
    for days, left in ((6, {"Milk", "Bread"}), (8, {"Bread"})):
        await asyncio.to_thread(archive_after_days, settings, days)
        ann.fold()
        assert await titles(ann, f"/projects/{ann.project}/tasks") == left
    answer = await ann.request("PATCH", f"/projects/{ann.project}", json={"archive_after": 0, "expected_version": 2})
    assert_problem(answer, 400, "invalid_body")


def archive_after_days(settings: Settings, days: int) -> None:
    with connect(settings.database_url) as connection:
        AutoArchive(settings.database_url).archive_page(connection, datetime.now(UTC) + timedelta(days=days))
