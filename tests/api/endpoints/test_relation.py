"""Relations over HTTP."""

import pytest

from tests.api.problems import assert_problem
from tests.api_user import ApiUser

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_a_task_says_what_it_waits_for(ann: ApiUser) -> None:
    wall, roof = await ann.create_task(title="Wall"), await ann.create_task(title="Roof")
    await ann.post(f"/tasks/{wall}/relate", kind="blocks", task_id=roof)
    ann.fold()
    waiting = await ann.get(f"/tasks/{roof}")
    assert waiting["blocked_by"] == [wall]
    assert waiting["relations"] == [{"kind": "blocked_by", "task_id": wall}]
    assert (await ann.get(f"/tasks/{wall}"))["relations"] == [{"kind": "blocks", "task_id": roof}]
    assert await titles(ann, "is:blocked") == ["Roof"]
    await ann.post(f"/tasks/{wall}/complete")
    ann.fold()
    assert (await ann.get(f"/tasks/{roof}"))["blocked_by"] == []
    assert await titles(ann, "is:blocked") == []
    await ann.post(f"/tasks/{wall}/reopen")
    ann.fold()
    assert await titles(ann, "-is:blocked") == ["Wall"]


async def test_a_relation_is_taken_back_from_either_side(ann: ApiUser) -> None:
    wall, roof = await ann.create_task(), await ann.create_task()
    await ann.post(f"/tasks/{wall}/relate", kind="duplicates", task_id=roof)
    await ann.post(f"/tasks/{roof}/unrelate", kind="duplicated_by", task_id=wall)
    ann.fold()
    assert [(await ann.get(f"/tasks/{task}"))["relations"] for task in (wall, roof)] == [[], []]
    changes = [item["type"] for item in (await ann.get(f"/tasks/{wall}/history"))["items"]]
    assert changes == ["RelationRemoved", "RelationAdded", "TaskCreated"]


async def test_a_cycle_and_another_tenants_task_are_refused(ann: ApiUser, bob: ApiUser) -> None:
    wall, roof, theirs = await ann.create_task(), await ann.create_task(), await bob.create_task()
    await ann.post(f"/tasks/{wall}/relate", kind="blocks", task_id=roof)
    answer = await ann.request("POST", f"/tasks/{roof}/relate", json={"kind": "blocks", "task_id": wall})
    assert_problem(answer, 422, "makes_a_cycle")
    answer = await ann.request("POST", f"/tasks/{roof}/relate", json={"kind": "relates", "task_id": roof})
    assert_problem(answer, 422, "relates_to_itself")
    answer = await ann.request("POST", f"/tasks/{roof}/relate", json={"kind": "relates", "task_id": theirs})
    assert_problem(answer, 404, "not_found")
    answer = await ann.request("POST", f"/tasks/{roof}/relate", json={"kind": "likes", "task_id": wall})
    assert_problem(answer, 400, "invalid_body")


async def titles(ann: ApiUser, filter_: str) -> list[str]:
    return [item["title"] for item in (await ann.get(f"/projects/{ann.project}/tasks?filter={filter_}"))["items"]]
