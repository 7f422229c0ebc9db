"""The trash over HTTP: trashing, restoring and purging."""

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
import redis

from infra.database.connections import connect
from infra.identity.permission_revocations import announcer
from infra.settings import Settings
from infra.worker.trash_purge import TrashPurge
from tests.api.guarantees import eventually
from tests.api.problems import assert_problem
from tests.api_user import ApiUser

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def trash_item(who: ApiUser, path: str, version: int = 1) -> None:
    answer = await who.request("DELETE", path, headers={"If-Match": f'"{version}"'})
    assert answer.status_code == 200, answer.text


async def purge_all(who: ApiUser, settings: Settings, *, and_folded: bool = True) -> None:
    """Purge as if a month had passed."""
    who.fold()
    with connect(settings.database_url) as connection, redis.Redis.from_url(settings.redis_url) as client:
        purging = TrashPurge(settings.database_url, announcer(client))
        # In its own thread, because it has its own event loop.
        await asyncio.to_thread(purging.purge_page, connection, datetime.now(UTC) + timedelta(days=1))
    if and_folded:
        who.fold()


async def test_the_trash_lists_items_newest_first_with_their_purge_time(ann: ApiUser) -> None:
    tasks = [await ann.create_task(title) for title in ("Milk", "Bread")]
    for task in tasks:
        await trash_item(ann, f"/tasks/{task}")
    await trash_item(ann, f"/projects/{ann.project}")
    listed = (await ann.get(f"/workspaces/{ann.workspace}/trash"))["items"]
    assert [(one["kind"], one["key"], one["name"]) for one in listed] == [
        ("project", "KIT", "Kitchen"),
        ("task", "KIT-2", "Bread"),
        ("task", "KIT-1", "Milk"),
    ]
    at, until = (datetime.fromisoformat(listed[1][name]) for name in ("trashed_at", "purge_at"))
    assert until - at == timedelta(days=30)
    assert (listed[1]["id"], listed[1]["project_id"], listed[1]["version"]) == (tasks[1], ann.project, 2)
    only = (await ann.get(f"/workspaces/{ann.workspace}/trash?kind=project"))["items"]
    assert only == listed[:1]


async def test_the_trash_has_pages(ann: ApiUser) -> None:
    for at in range(3):
        await trash_item(ann, f"/tasks/{await ann.create_task(str(at))}")
    path = f"/workspaces/{ann.workspace}/trash?limit=2"
    first = await ann.get(path)
    second = await ann.get(f"{path}&cursor={first['next_cursor']}")
    assert [one["name"] for one in first["items"] + second["items"]] == ["2", "1", "0"]
    assert second["next_cursor"] is None
    other = await ann.request("GET", f"{path}&kind=task&cursor={first['next_cursor']}")
    assert_problem(other, 400, "cursor_mismatch")


async def test_a_task_is_restored_to_where_it_was(ann: ApiUser) -> None:
    task = await ann.create_task(column="doing")
    await trash_item(ann, f"/tasks/{task}")
    assert_problem(await ann.request("POST", f"/tasks/{task}/complete"), 422, "task_is_trashed")
    answer = await ann.post(f"/tasks/{task}/restore")
    assert (answer["version"], (await ann.post(f"/tasks/{task}/restore"))["version"]) == (3, 3)
    shown = await ann.get(f"/tasks/{task}")
    assert (shown["trashed"], shown["column"], shown["version"]) == (False, "doing", 3)
    assert (await ann.get(f"/workspaces/{ann.workspace}/trash"))["items"] == []
    assert (await ann.get(f"/projects/{ann.project}"))["counts"] == {"doing": {"open": 1}}


async def test_a_project_in_the_trash_is_shown_but_not_listed_and_nothing_in_it_changes(ann: ApiUser) -> None:
    task = await ann.create_task()
    await trash_item(ann, f"/projects/{ann.project}")
    assert (await ann.get(f"/projects/{ann.project}"))["trashed"] is True
    assert (await ann.get(f"/workspaces/{ann.workspace}/projects"))["items"] == []
    assert_problem(await ann.request("POST", f"/tasks/{task}/complete"), 422, "project_is_trashed")
    assert_problem(
        await ann.request("POST", f"/projects/{ann.project}/tasks", json={"title": "x"}), 422, "project_is_trashed"
    )
    await ann.post(f"/projects/{ann.project}/restore")
    await ann.post(f"/tasks/{task}/complete")
    assert (await ann.get(f"/projects/{ann.project}"))["counts"] == {"todo": {"done": 1}}


async def test_purged_items_are_gone_for_members_and_unknown_to_others(
    ann: ApiUser, bob: ApiUser, settings: Settings
) -> None:
    task, other = await ann.create_task(), await ann.create_task("Bread")
    await trash_item(ann, f"/tasks/{task}")
    await purge_all(ann, settings)
    asks = [("GET", ""), ("GET", "/history"), ("POST", "/complete"), ("POST", "/restore")]
    for method, path in asks:
        assert_problem(await ann.request(method, f"/tasks/{task}{path}"), 410, "purged")
        assert_problem(await bob.request(method, f"/tasks/{task}{path}"), 404, "not_found")
    stale = {"title": "Bread", "expected_version": 1}
    assert_problem(await ann.request("PATCH", f"/tasks/{task}", json=stale), 410, "purged")
    assert [one["id"] for one in (await ann.get(f"/projects/{ann.project}/tasks"))["items"]] == [other]
    assert (await ann.get(f"/projects/{ann.project}"))["counts"] == {"todo": {"open": 1}}
    assert (await ann.get(f"/workspaces/{ann.workspace}/trash"))["items"] == []
    again = await ann.request("POST", f"/projects/{ann.project}/tasks", json={"title": "x", "id": task})
    assert_problem(again, 409, "id_taken")


async def test_a_task_is_shown_despite_unknown_events_of_its_project(
    administrator: ApiUser, isolated_settings: Settings
) -> None:
    task = await administrator.create_task()
    administrator.fold()
    with connect(isolated_settings.migration_url) as owner:
        owner.execute(
            """insert into log.events (originator_id, originator_version, topic, state, actor_id, workspace_id)
               values (%s, 2, 'ProjectPondered', '{"type":"ProjectPondered"}', %s, %s)""",
            (administrator.project, administrator.id, administrator.workspace),
        )
    assert (await administrator.get(f"/tasks/{task}"))["title"] == "Milk"


async def test_purging_a_project_purges_its_tasks(ann: ApiUser, bob: ApiUser, settings: Settings) -> None:
    task = await ann.create_task()
    await trash_item(ann, f"/projects/{ann.project}")
    ann.fold()
    assert (await ann.request("GET", f"/tasks/{task}")).status_code == 200
    await purge_all(ann, settings, and_folded=False)
    for path in (f"/projects/{ann.project}", f"/tasks/{task}"):
        asked = partial(ann.request, "GET", path)
        assert_problem(await eventually(asked, lambda answer: answer.status_code != 200), 410, "purged")
    ann.fold()
    for path in (f"/projects/{ann.project}", f"/projects/{ann.project}/tasks"):
        assert_problem(await ann.request("GET", path), 410, "purged")
        assert_problem(await bob.request("GET", path), 404, "not_found")
    asks = [("GET", ""), ("GET", "/history"), ("POST", "/complete"), ("POST", "/restore")]
    for _ in range(2):  # once for the task's project, then for the task
        for method, path in asks:
            assert_problem(await ann.request(method, f"/tasks/{task}{path}"), 410, "purged")
            assert_problem(await bob.request(method, f"/tasks/{task}{path}"), 404, "not_found")
        await purge_all(ann, settings)
    body = {"name": "Kitchen again", "key": "KIT"}
    path = f"/workspaces/{ann.workspace}/projects"
    assert_problem(await ann.request("POST", path, json=body), 409, "project_key_taken")
