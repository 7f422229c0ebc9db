"""Sub-tasks over HTTP."""

import pytest

from tests.api.problems import assert_problem
from tests.api_user import ApiUser

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_a_task_says_what_is_below_it(ann: ApiUser) -> None:
    top = await ann.create_task(title="House")
    middle = await ann.create_task(title="Roof", parent_id=top)
    low = await ann.create_task(title="Tiles", parent_id=middle)
    await ann.post(f"/tasks/{low}/complete")
    ann.fold()
    assert (await ann.get(f"/tasks/{top}"))["children"] == {"done": 1, "total": 2}
    assert (await ann.get(f"/tasks/{middle}"))["children"] == {"done": 1, "total": 1}
    assert [(await ann.get(f"/tasks/{task}"))["parent_id"] for task in (top, middle, low)] == [None, top, middle]


async def test_children_are_listed_by_rank_and_filtered(ann: ApiUser) -> None:
    top = await ann.create_task(title="House")
    below = [await ann.create_task(title=title, parent_id=top) for title in ("Roof", "Walls", "Floor")]
    await ann.create_task(title="Tiles", parent_id=below[0])
    await ann.post(f"/tasks/{below[2]}/move", top=True)
    ann.fold()
    listed = (await ann.get(f"/tasks/{top}/children"))["items"]
    assert [item["title"] for item in listed] == ["Floor", "Roof", "Walls"]
    found = (await ann.get(f"/tasks/{top}/children?filter=walls+or+floor&sort=key"))["items"]
    assert [item["title"] for item in found] == ["Walls", "Floor"]
    alone = (await ann.get(f"/projects/{ann.project}/tasks?filter=no:parent"))["items"]
    assert [item["title"] for item in alone] == ["House"]


async def test_a_parent_is_set_and_removed(ann: ApiUser) -> None:
    top, task = await ann.create_task(), await ann.create_task()
    await ann.post(f"/tasks/{task}/parent", parent_id=top)
    ann.fold()
    assert (await ann.get(f"/tasks/{top}"))["children"] == {"done": 0, "total": 1}
    await ann.post(f"/tasks/{task}/parent", parent_id=None)
    ann.fold()
    assert (await ann.get(f"/tasks/{top}"))["children"] == {"done": 0, "total": 0}


async def test_a_cycle_and_a_missing_parent_are_refused(ann: ApiUser, bob: ApiUser) -> None:
    top = await ann.create_task()
    task, theirs = await ann.create_task(parent_id=top), await bob.create_task()
    answer = await ann.request("POST", f"/tasks/{top}/parent", json={"parent_id": task})
    assert_problem(answer, 422, "makes_a_cycle")
    answer = await ann.request("POST", f"/tasks/{task}/parent", json={"parent_id": theirs})
    assert_problem(answer, 404, "not_found")
    assert_problem(await ann.request("POST", f"/tasks/{task}/parent", json={}), 400, "invalid_body")


async def test_open_children_are_named_or_completed_too(ann: ApiUser) -> None:
    top = await ann.create_task()
    task = await ann.create_task(parent_id=top)
    problem = assert_problem(await ann.request("POST", f"/tasks/{top}/complete"), 422, "has_open_children")
    ann.fold()
    assert problem["params"]["keys"] == [(await ann.get(f"/tasks/{task}"))["key"]]
    await ann.post(f"/tasks/{top}/complete", children="complete")
    ann.fold()
    assert [(await ann.get(f"/tasks/{each}"))["status"] for each in (top, task)] == ["done", "done"]


async def test_the_trash_takes_children_along(ann: ApiUser) -> None:
    top = await ann.create_task()
    task = await ann.create_task(parent_id=top)
    await ann.request("DELETE", f"/tasks/{top}", json={"expected_version": 1})
    assert_problem(await ann.request("POST", f"/tasks/{task}/restore"), 422, "parent_is_trashed")
    await ann.post(f"/tasks/{top}/restore")
    ann.fold()
    assert [(await ann.get(f"/tasks/{each}"))["trashed"] for each in (top, task)] == [False, False]
