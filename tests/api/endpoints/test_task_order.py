"""The order of tasks over HTTP: on the board, in lists, page by page, after any moves, and without a version."""

import asyncio

import pytest

from tests.api.paginated_lists import next_page_path
from tests.api.problems import assert_problem
from tests.api_user import ApiUser

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def titles(ann: ApiUser, column: str | None = None) -> list[str]:
    ann.fold()
    columns = (await ann.get(f"/projects/{ann.project}/board"))["columns"]
    return [item["title"] for shown in columns if column in {None, shown["id"]} for item in shown["items"]]


async def test_new_tasks_go_to_the_bottom_and_moves_put_them_where_they_say(ann: ApiUser) -> None:
    milk, bread, salt = [await ann.create_task(title) for title in ("Milk", "Bread", "Salt")]
    assert await titles(ann) == ["Milk", "Bread", "Salt"]
    await ann.post(f"/tasks/{salt}/move", top=True)
    assert await titles(ann) == ["Salt", "Milk", "Bread"]
    await ann.post(f"/tasks/{salt}/move", after=milk)
    assert await titles(ann) == ["Milk", "Salt", "Bread"]
    await ann.post(f"/tasks/{milk}/move", bottom=True)
    await ann.create_task("Eggs")
    assert await titles(ann) == ["Salt", "Bread", "Milk", "Eggs"]
    moved = await ann.post(f"/tasks/{bread}/move", before=salt)
    assert moved["version"] == 2
    items = (await ann.get(f"/projects/{ann.project}/tasks?min_position={moved['position']}"))["items"]
    assert [item["title"] for item in items] == ["Bread", "Salt", "Milk", "Eggs"]
    assert [item["rank"] for item in items] == sorted(item["rank"] for item in items)


async def test_a_key_stands_for_a_task_alone_and_in_a_batch(ann: ApiUser) -> None:
    milk, bread = [await ann.create_task(title) for title in ("Milk", "Bread")]
    ann.fold()
    key = (await ann.get(f"/tasks/{milk}"))["key"]
    await ann.post(f"/tasks/{bread}/move", before=key.lower())
    assert await titles(ann) == ["Bread", "Milk"]
    move = {"type": "MoveTask", "id": bread, "data": {"after": key}}
    assert (await ann.request("POST", "/commands", json={"commands": [move]})).status_code == 200
    assert await titles(ann) == ["Milk", "Bread"]
    unknown = {"after": f"{key.split('-', maxsplit=1)[0]}-999"}
    batch = {"commands": [{"type": "MoveTask", "id": bread, "data": unknown}]}
    alone = assert_problem(await ann.request("POST", f"/tasks/{bread}/move", json=unknown), 404, "not_found")
    together = assert_problem(await ann.request("POST", "/commands", json=batch), 404, "not_found")
    assert [problem["errors"][0]["pointer"] for problem in (alone, together)] == [
        "#/after",
        "#/commands/0/data/after",
    ]


async def test_a_task_moved_beside_one_of_another_column_needs_the_version(ann: ApiUser) -> None:
    milk, bread = await ann.create_task("Milk"), await ann.create_task("Bread", column="doing")
    assert_problem(await ann.request("POST", f"/tasks/{milk}/move", json={"before": bread}), 428, "version_required")
    await ann.post(f"/tasks/{milk}/move", before=bread, expected_version=1)
    assert await titles(ann, "doing") == ["Milk", "Bread"]


async def test_moves_of_many_at_once_keep_a_total_order(ann: ApiUser) -> None:
    tasks = [await ann.create_task(f"Task {number}") for number in range(12)]
    await asyncio.gather(*(ann.post(f"/tasks/{task}/move", after=tasks[0]) for task in tasks[1:]))
    await asyncio.gather(*(ann.post(f"/tasks/{task}/move", before=tasks[0]) for task in tasks[1:6]))
    ann.fold()
    ranks = [item["rank"] for item in (await ann.get(f"/projects/{ann.project}/tasks"))["items"]]
    assert len(set(ranks)) == len(ranks) == 12


async def test_pages_follow_the_order(ann: ApiUser) -> None:
    tasks = [await ann.create_task(f"Task {number}") for number in range(7)]
    for task in (tasks[5], tasks[3]):
        await ann.post(f"/tasks/{task}/move", top=True)
    await ann.post(f"/tasks/{tasks[1]}/move", after=tasks[5])
    ann.fold()
    wanted = [3, 5, 1, 0, 2, 4, 6]
    for sort, order in (("rank", wanted), ("-rank", wanted[::-1])):
        path: str | None = f"/projects/{ann.project}/tasks?sort={sort}&limit=2"
        found = list[str]()
        while path:
            answer = await ann.request("GET", path)
            found += [item["title"] for item in answer.json()["items"]]
            path = next_page_path(answer)
        assert found == [f"Task {number}" for number in order]


async def test_two_places_or_none_are_refused(ann: ApiUser) -> None:
    milk = await ann.create_task()
    for body in ({}, {"top": True, "bottom": True}, {"before": milk, "after": milk}, {"before": "nothing"}):
        assert_problem(await ann.request("POST", f"/tasks/{milk}/move", json=body), 400, "invalid_body")
