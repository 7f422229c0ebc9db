"""Checklists over HTTP: set, checked by several people at once, merged with a rebase, and shown in the history."""

import asyncio
from typing import Any

import pytest

from tests.api.problems import assert_problem
from tests.api_user import ApiUser

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def create_with_items(ann: ApiUser) -> tuple[str, list[dict[str, Any]]]:
    task = await ann.create_task("Shop", checklist=[{"text": "Milk"}, {"text": "Bread"}])
    ann.fold()
    shown: list[dict[str, Any]] = (await ann.get(f"/tasks/{task}"))["checklist"]
    return task, shown


async def test_a_checklist_is_created_checked_and_set(ann: ApiUser) -> None:
    task, (milk, bread) = await create_with_items(ann)
    assert [(item["text"], item["done"]) for item in (milk, bread)] == [("Milk", False), ("Bread", False)]
    checked = await ann.post(f"/tasks/{task}/checklist/{milk['id']}/check")
    assert checked["version"] == 2
    again = await ann.post(f"/tasks/{task}/checklist/{milk['id']}/check")
    assert again["version"] == 2
    items = [bread, {**milk, "text": "Oat milk", "done": True}, {"text": "Salt"}]
    answer = await ann.request("PUT", f"/tasks/{task}/checklist", json={"items": items, "expected_version": 2})
    assert answer.json()["version"] == 3
    ann.fold()
    shown = (await ann.get(f"/tasks/{task}"))["checklist"]
    assert [(item["text"], item["done"]) for item in shown] == [("Bread", False), ("Oat milk", True), ("Salt", False)]
    assert [item["id"] for item in shown[:2]] == [bread["id"], milk["id"]]


async def test_ticks_at_the_same_time_all_count(ann: ApiUser) -> None:
    task = await ann.create_task("Shop", checklist=[{"text": f"Item {number}"} for number in range(20)])
    ann.fold()
    items = (await ann.get(f"/tasks/{task}"))["checklist"]
    await asyncio.gather(*(ann.post(f"/tasks/{task}/checklist/{item['id']}/check") for item in items))
    ann.fold()
    assert all(item["done"] for item in (await ann.get(f"/tasks/{task}"))["checklist"])


async def test_a_tick_in_between_is_a_conflict_of_the_checklist_only(ann: ApiUser) -> None:
    task, (milk, bread) = await create_with_items(ann)
    await ann.post(f"/tasks/{task}/checklist/{milk['id']}/check")
    body = {"items": [bread], "expected_version": 1}
    problem = assert_problem(
        await ann.request("PUT", f"/tasks/{task}/checklist?on_conflict=rebase", json=body), 409, "version_conflict"
    )
    assert problem["conflicting_fields"] == ["checklist"]
    rename = {"title": "Groceries", "expected_version": 1}
    assert (await ann.request("PATCH", f"/tasks/{task}?on_conflict=rebase", json=rename)).status_code == 200


async def test_the_history_names_the_item(ann: ApiUser) -> None:
    task, (milk, _) = await create_with_items(ann)
    await ann.post(f"/tasks/{task}/checklist/{milk['id']}/check")
    latest, *_ = (await ann.get(f"/tasks/{task}/history"))["items"]
    assert (latest["type"], latest["changes"]) == ("ChecklistItemChecked", {"done": [False, True]})


async def test_invalid_items_are_refused_in_place(ann: ApiUser) -> None:
    task, (milk, _) = await create_with_items(ann)
    body = {"items": [{"text": "x"}, {"text": ""}], "expected_version": 1}
    problem = assert_problem(await ann.request("PUT", f"/tasks/{task}/checklist", json=body), 400, "invalid_body")
    assert [error["pointer"] for error in problem["errors"]] == ["#/items/1/text"]
    twice = {"items": [milk, milk], "expected_version": 1}
    assert_problem(await ann.request("PUT", f"/tasks/{task}/checklist", json=twice), 422, "checklist_item_repeated")
