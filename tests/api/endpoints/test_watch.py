"""Watching over HTTP: by what one does and by one's own word, each reader for themselves."""

import pytest

from tests.api.problems import assert_problem
from tests.api_user import ApiUser

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def with_bob(ann: ApiUser, bob: ApiUser, role: str = "member") -> str:
    """A task of Ann's, in a workspace that Bob is a member of."""
    path = f"/workspaces/{ann.workspace}/members/{bob.id}"
    assert (await ann.request("PUT", path, json={"role": role})).status_code == 200
    task = await ann.create_task()
    ann.fold()
    return task


async def watching(who: ApiUser, task: str) -> bool:
    return bool((await who.get(f"/tasks/{task}"))["watching"])


async def watchers(who: ApiUser, task: str) -> list[str]:
    return [person["id"] for person in (await who.get(f"/tasks/{task}/watchers"))["items"]]


async def test_a_task_is_watched_by_each_reader_for_themselves(ann: ApiUser, bob: ApiUser) -> None:
    task = await with_bob(ann, bob, "viewer")
    for _ in range(2):  # from the cache too
        assert (await watching(ann, task), await watching(bob, task)) == (True, False)
    answer = await bob.request("PUT", f"/tasks/{task}/watch")
    assert (answer.status_code, answer.json()["version"]) == (200, 1)
    assert await watching(bob, task)
    assert await watchers(ann, task) == sorted([ann.id, bob.id])
    assert (await ann.request("DELETE", f"/tasks/{task}/watch")).status_code == 200
    for _ in range(2):
        assert (await watching(ann, task), await watching(bob, task)) == (False, True)
    people = (await ann.get(f"/tasks/{task}/watchers"))["items"]
    assert people == [{"id": bob.id, "name": "Bob"}]
    assert (await ann.get(f"/tasks/{task}?expand=assignees"))["watching"] is False
    assert (await ann.get(f"/tasks/{task}"))["version"] == 1


async def test_the_tag_of_a_task_is_that_of_its_reader(ann: ApiUser, bob: ApiUser) -> None:
    task = await with_bob(ann, bob)
    tag = (await ann.request("GET", f"/tasks/{task}")).headers["etag"]
    assert (await bob.request("GET", f"/tasks/{task}")).headers["etag"] != tag
    edit = await ann.request("PATCH", f"/tasks/{task}", json={"title": "Oats"}, headers={"If-Match": tag})
    assert edit.status_code == 200


async def test_commenting_assigning_and_mentioning_make_one_watch(ann: ApiUser, bob: ApiUser) -> None:
    commented, assigned, mentioned, edited = [await with_bob(ann, bob) for _ in range(4)]
    await bob.post(f"/tasks/{commented}/comments", text="Which one?")
    assert (await ann.request("POST", f"/tasks/{assigned}/assign", json={"user_id": bob.id})).status_code == 200
    await ann.post(f"/tasks/{mentioned}/comments", text=f"@{bob.email}?")
    comment = (await ann.post(f"/tasks/{edited}/comments", text="Which one?"))["id"]
    assert not await watching(bob, edited)
    edit = {"text": f"Which one, @{bob.email}?", "expected_version": 1}
    assert (await ann.request("PATCH", f"/comments/{comment}", json=edit)).status_code == 200
    for task in (commented, assigned, mentioned, edited):
        assert await watching(bob, task)


async def test_after_an_unwatch_only_a_watch_counts(ann: ApiUser, bob: ApiUser) -> None:
    task = await with_bob(ann, bob)
    for _ in range(2):
        assert (await bob.request("DELETE", f"/tasks/{task}/watch")).json()["version"] == 1
    await bob.post(f"/tasks/{task}/comments", text="Which one?")
    assert (await ann.request("POST", f"/tasks/{task}/assign", json={"user_id": bob.id})).status_code == 200
    assert (await watching(bob, task), await watchers(ann, task)) == (False, [ann.id])
    assert (await bob.request("PUT", f"/tasks/{task}/watch")).json()["version"] == 2
    assert await watching(bob, task)


async def test_who_leaves_the_workspace_watches_nothing_there(ann: ApiUser, bob: ApiUser) -> None:
    task = await with_bob(ann, bob)
    assert (await bob.request("PUT", f"/tasks/{task}/watch")).status_code == 200
    assert bob.id in await watchers(ann, task)
    assert (await ann.request("DELETE", f"/workspaces/{ann.workspace}/members/{bob.id}")).status_code == 200
    assert await watchers(ann, task) == [ann.id]
    for method in ("PUT", "DELETE"):
        assert_problem(await bob.request(method, f"/tasks/{task}/watch"), 404, "not_found")


async def test_watchers_are_paged(ann: ApiUser, bob: ApiUser) -> None:
    task = await with_bob(ann, bob)
    await bob.request("PUT", f"/tasks/{task}/watch")
    first = await ann.get(f"/tasks/{task}/watchers?limit=1")
    second = await ann.get(f"/tasks/{task}/watchers?limit=1&cursor={first['next_cursor']}")
    assert [one["id"] for one in (*first["items"], *second["items"])] == sorted([ann.id, bob.id])
    assert second["next_cursor"] is None


async def test_a_watch_is_no_conflict_with_an_edit_of_the_task(ann: ApiUser) -> None:
    task = await ann.create_task()
    assert (await ann.request("DELETE", f"/tasks/{task}/watch")).status_code == 200
    edit = {"title": "Oats", "expected_version": 1}
    assert (await ann.request("PATCH", f"/tasks/{task}", json=edit)).json()["version"] == 2


async def test_a_project_is_watched_at_a_level(ann: ApiUser, bob: ApiUser) -> None:
    await with_bob(ann, bob)
    path = f"/projects/{ann.project}/watch"
    assert await ann.get(path) == {"level": "mine"}
    for level in ("all", "none", "mine", "all"):
        assert (await ann.request("PUT", path, json={"level": level})).status_code == 200
        assert (await ann.get(path), await bob.get(path)) == ({"level": level}, {"level": "mine"})
    assert (await ann.request("DELETE", path)).status_code == 200
    assert await ann.get(path) == {"level": "mine"}
    assert_problem(await ann.request("PUT", path, json={"level": "some"}), 400, "invalid_body")
    assert_problem(await ann.request("PUT", path, json={}), 400, "invalid_body")


async def test_a_filter_finds_what_the_caller_watches(ann: ApiUser, bob: ApiUser) -> None:
    task, other = await with_bob(ann, bob), await ann.create_task()
    await bob.request("PUT", f"/tasks/{task}/watch")
    await ann.request("DELETE", f"/tasks/{task}/watch")

    async def found(who: ApiUser, filter_: str) -> list[str]:
        return [item["id"] for item in (await who.get(f"/tasks?filter={filter_}"))["items"]]

    assert (await found(ann, "is:watching"), await found(bob, "is:watching")) == ([other], [task])
    assert await found(bob, "-is:watching") == [other]


async def test_watches_are_carried_out_in_a_batch(ann: ApiUser) -> None:
    task = await ann.create_task()
    commands = [
        {"type": "UnwatchTask", "data": {"task_id": task}},
        {"type": "WatchProject", "data": {"project_id": ann.project, "level": "all"}},
    ]
    assert (await ann.request("POST", "/commands", json={"commands": commands})).status_code == 200
    assert (await watching(ann, task), await ann.get(f"/projects/{ann.project}/watch")) == (False, {"level": "all"})
    again = {"commands": [{"type": "WatchTask", "data": {}}]}
    problem = assert_problem(await ann.request("POST", "/commands", json=again), 400, "invalid_body")
    assert [error["pointer"] for error in problem["errors"]] == ["#/commands/0/data/task_id"]
