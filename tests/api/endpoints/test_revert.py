"""Reverts over HTTP: a change is taken back by its command id, by an undo, and brought back by a redo."""

import asyncio
import random
from typing import Any

import pytest

from api import reverts
from infra.ids import new_id
from infra.log import changes
from tests.api.problems import assert_problem
from tests.api_user import ApiUser

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def last_change(user: ApiUser, task: str) -> str:
    """The id of the command that changed a task last."""
    return str((await user.get(f"/tasks/{task}/history"))["items"][0]["command_id"])


async def edit(user: ApiUser, task: str, **fields: Any) -> str:
    answer = await user.request("PATCH", f"/tasks/{task}", json=fields, headers={"If-Match": "*"})
    assert answer.status_code == 200, answer.text
    return await last_change(user, task)


async def titles(user: ApiUser, *tasks: str) -> list[str]:
    return [(await user.get(f"/tasks/{task}"))["title"] for task in tasks]


async def add_member(owner: ApiUser, other: ApiUser, role: str = "member") -> None:
    answer = await owner.request("PUT", f"/workspaces/{owner.workspace}/members/{other.id}", json={"role": role})
    assert answer.status_code == 200, answer.text


async def test_a_change_is_taken_back_and_brought_back(ann: ApiUser) -> None:
    task = await ann.create_task("Milk")
    change = await edit(ann, task, title="Bread", priority="high")
    reverted = await ann.post(f"/changes/{change}/revert")
    assert reverted["reverted"] == change
    shown = await ann.get(f"/tasks/{task}?min_position={reverted['position']}")
    assert (shown["title"], shown["priority"]) == ("Milk", "none")
    await ann.post(f"/changes/{reverted['command_id']}/revert")
    shown = await ann.get(f"/tasks/{task}")
    assert (shown["title"], shown["priority"]) == ("Bread", "high")


async def test_a_revert_has_the_change_as_its_cause_and_says_that_it_is_one(ann: ApiUser) -> None:
    task = await ann.create_task("Milk")
    change = await edit(ann, task, title="Bread")
    reverted = await ann.post(f"/changes/{change}/revert")
    items = (await ann.get(f"/workspaces/{ann.workspace}/activity"))["items"]
    types = [one["type"] for one in items if one["command_id"] == reverted["command_id"]]
    assert types == ["TaskRenamed", "ChangeReverted"]


async def test_a_field_changed_since_is_refused_with_the_later_events(ann: ApiUser) -> None:
    task = await ann.create_task("Milk")
    change = await edit(ann, task, title="Bread", priority="high")
    await edit(ann, task, title="Salt")
    answer = await ann.request("POST", f"/changes/{change}/revert")
    params = assert_problem(answer, 409, "revert_collides")["params"]
    assert params["collisions"] == [{"stream": task, "fields": ["title"]}]
    (later,) = params["intervening_events"]
    assert (later["type"], later["fields"], later["actor"]["name"]) == ("TaskRenamed", ["title"], "Ann")
    assert await titles(ann, task) == ["Salt"]
    skipped = await ann.request("POST", f"/changes/{change}/revert?on_conflict=skip")
    assert skipped.json()["skipped"] == [{"stream": task, "fields": ["title"]}]
    shown = await ann.get(f"/tasks/{task}")
    assert (shown["title"], shown["priority"]) == ("Salt", "none")


async def test_a_dry_run_answers_events_and_writes_nothing(ann: ApiUser) -> None:
    task = await ann.create_task("Milk")
    change = await edit(ann, task, title="Bread")
    preview = await ann.post(f"/changes/{change}/revert?dry_run=true")
    assert [one["type"] for one in preview["events"]] == ["ChangeReverted", "TaskRenamed"]
    assert await titles(ann, task) == ["Bread"]


async def test_a_preview_that_no_longer_fits_is_refused(ann: ApiUser) -> None:
    task = await ann.create_task("Milk")
    change = await edit(ann, task, title="Bread")
    preview = (await ann.post(f"/changes/{change}/revert?dry_run=true"))["preview"]
    await ann.post(f"/tasks/{task}/label", label="shop")
    answer = await ann.request("POST", f"/changes/{change}/revert", json={"preview": preview})
    assert_problem(answer, 409, "preview_is_stale")
    preview = (await ann.post(f"/changes/{change}/revert?dry_run=true"))["preview"]
    await ann.post(f"/changes/{change}/revert", preview=preview)
    assert await titles(ann, task) == ["Milk"]


async def test_a_batch_is_one_change(ann: ApiUser) -> None:
    tasks = [await ann.create_task(f"Task {number}") for number in range(2)]
    await ann.post("/commands", commands=[{"type": "CompleteTask", "id": task, "data": {}} for task in tasks])
    await ann.post("/undo")
    assert [(await ann.get(f"/tasks/{task}"))["status"] for task in tasks] == ["open", "open"]


async def test_a_bulk_change_is_one_change(ann: ApiUser) -> None:
    tasks = [await ann.create_task(f"Task {number}") for number in range(60)]
    ann.fold()
    bulk = await ann.post("/tasks/bulk", type="CompleteTask", data={}, ids=tasks)
    undone = await ann.post("/undo")
    assert undone["reverted"] == bulk["command_id"]
    assert len((await ann.get(f"/projects/{ann.project}/tasks?filter=status:open&limit=100"))["items"]) == 60
    redone = await ann.post("/redo")
    assert redone["reverted"] == undone["command_id"]
    assert len((await ann.get(f"/projects/{ann.project}/tasks?filter=status:done&limit=100"))["items"]) == 60


async def test_a_change_of_more_events_than_a_page_is_undone_and_redone(
    ann: ApiUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "_PAGE_EVENTS", 5)
    tasks = [await ann.create_task(f"Task {number}") for number in range(12)]
    ann.fold()
    await ann.post("/tasks/bulk", type="CompleteTask", data={}, ids=tasks)
    for step, status in (("undo", "open"), ("redo", "done"), ("undo", "open"), ("redo", "done")):
        await ann.post(f"/{step}")
        listed = await ann.get(f"/projects/{ann.project}/tasks?filter=status:{status}")
        assert len(listed["items"]) == 12


async def test_a_change_of_too_much_is_refused_and_passed_over(ann: ApiUser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reverts, "MAX_STREAMS", 2)
    tasks = [await ann.create_task(f"Task {number}") for number in range(3)]
    ann.fold()
    small = await ann.post("/tasks/bulk", type="CompleteTask", data={}, ids=tasks[:2])
    large = await ann.post("/tasks/bulk", type="LabelTask", data={"label": "shop"}, ids=tasks)
    answer = await ann.request("POST", f"/changes/{large['command_id']}/revert")
    assert_problem(answer, 422, "too_many_to_revert")
    undone = await ann.post("/undo")
    assert undone["reverted"] == small["command_id"]
    assert (await ann.post("/redo"))["reverted"] == undone["command_id"]


async def test_undo_goes_back_and_redo_goes_forth(ann: ApiUser) -> None:
    task = await ann.create_task("One")
    for title in ("Two", "Three"):
        await edit(ann, task, title=title)
    seen = []
    for step in ("undo", "undo", "redo", "redo", "redo", "undo"):
        await ann.post(f"/{step}")
        seen += await titles(ann, task)
    assert seen == ["Two", "One", "Two", "Three", "Three", "Two"]


async def test_undo_and_redo_are_those_of_an_editor(ann: ApiUser) -> None:
    """Against the model of every editor: two stacks, of which a change clears the second."""
    task, chance = await ann.create_task("0"), random.Random(7)
    done, undone = ["0"], list[str]()
    for number in range(1, 40):
        step = chance.choice(["edit", "undo", "undo", "redo"])
        if step == "edit":
            await edit(ann, task, title=str(number))
            done, undone = [*done, str(number)], []
        elif step == "undo" and len(done) > 1:
            await ann.post("/undo")
            undone.append(done.pop())
        elif step == "redo":
            assert ("reverted" in await ann.post("/redo")) == bool(undone)
            done += [undone.pop()] if undone else []
        assert await titles(ann, task) == done[-1:]


async def test_a_new_change_ends_what_can_be_redone(ann: ApiUser) -> None:
    task = await ann.create_task("One")
    await edit(ann, task, title="Two")
    await ann.post("/undo")
    await edit(ann, task, priority="high")
    assert "reverted" not in await ann.post("/redo")
    assert await titles(ann, task) == ["One"]


async def test_undo_is_ones_own_across_logins(ann: ApiUser, bob: ApiUser) -> None:
    await add_member(ann, bob)
    task = await ann.create_task("One")
    await edit(ann, task, title="Two")
    await edit(bob, task, priority="high")
    await (await ann.log_in_again()).post("/undo")
    shown = await ann.get(f"/tasks/{task}")
    assert (shown["title"], shown["priority"]) == ("One", "high")


async def test_undo_passes_over_what_cannot_be_taken_back(ann: ApiUser) -> None:
    task = await ann.create_task("One")
    await edit(ann, task, title="Two")
    await ann.request("PATCH", "/auth/me", json={"name": "Anna", "expected_version": 1})
    await ann.post("/undo")
    assert await titles(ann, task) == ["One"]


async def test_nothing_left_changes_nothing(bob: ApiUser) -> None:
    answers = [await bob.post("/undo") for _ in range(3)]
    assert ["reverted" in one for one in answers] == [True, False, False]


async def test_an_undo_sent_twice_with_one_key_undoes_once(ann: ApiUser) -> None:
    task = await ann.create_task("One")
    for title in ("Two", "Three"):
        await edit(ann, task, title=title)
    first = await ann.request("POST", "/undo", headers={"Idempotency-Key": "u1"})
    again = await ann.request("POST", "/undo", headers={"Idempotency-Key": "u1"})
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert await titles(ann, task) == ["Two"]


async def test_two_undos_at_once_undo_two_changes(ann: ApiUser) -> None:
    task = await ann.create_task("One")
    await edit(ann, task, title="Two")
    await edit(ann, task, priority="high")
    answers = await asyncio.gather(ann.post("/undo"), ann.post("/undo"))
    assert len({one["reverted"] for one in answers}) == 2
    shown = await ann.get(f"/tasks/{task}")
    assert (shown["title"], shown["priority"]) == ("One", "none")


async def test_a_viewer_takes_back_no_change_of_a_task(ann: ApiUser, bob: ApiUser) -> None:
    await add_member(ann, bob, "viewer")
    change = await edit(ann, await ann.create_task("One"), title="Two")
    assert_problem(await bob.request("POST", f"/changes/{change}/revert"), 403, "forbidden")


async def test_what_only_administrators_change_only_they_take_back(ann: ApiUser, bob: ApiUser) -> None:
    await add_member(ann, bob)
    body = {"columns": [{"name": "Bed"}], "keep": True, "expected_version": 1}
    assert (await ann.request("PUT", f"/projects/{ann.project}/columns", json=body)).status_code == 200
    items = (await ann.get(f"/workspaces/{ann.workspace}/activity?type=ColumnsSet"))["items"]
    path = f"/changes/{items[0]['command_id']}/revert"
    assert_problem(await bob.request("POST", path), 403, "forbidden")
    assert (await ann.request("POST", path)).status_code == 200


async def test_the_text_of_another_is_not_taken_back(ann: ApiUser, bob: ApiUser) -> None:
    await add_member(ann, bob)
    task = await ann.create_task("One")
    comment = (await ann.post(f"/tasks/{task}/comments", text="Oat milk"))["id"]
    await ann.request("PATCH", f"/comments/{comment}", json={"text": "Milk"}, headers={"If-Match": "*"})
    items = (await ann.get(f"/comments/{comment}/history"))["items"]
    path = f"/changes/{items[0]['command_id']}/revert"
    assert_problem(await bob.request("POST", path), 403, "comment_is_anothers")


async def test_the_filter_of_another_is_not_found(ann: ApiUser, bob: ApiUser) -> None:
    await add_member(ann, bob)
    saved = await ann.post("/filters", name="Soon", filter="due<now")
    preview = await ann.post("/undo?dry_run=true")
    assert preview["events"][-2]["stream"] == saved["id"]
    assert_problem(await bob.request("POST", f"/changes/{preview['reverted']}/revert"), 404, "not_found")


async def test_an_agent_undoes_what_it_did_itself(ann: ApiUser) -> None:
    task = await ann.create_task("One")
    agent = await ann.with_personal_token("read", "write", kind="agent")
    await edit(agent, task, title="Two")
    await edit(ann, task, priority="high")
    await agent.post("/undo")
    shown = await ann.get(f"/tasks/{task}")
    assert (shown["title"], shown["priority"]) == ("One", "high")


async def test_a_change_that_is_named_twice_is_restored_again(ann: ApiUser) -> None:
    task = await ann.create_task("One")
    change = await edit(ann, task, title="Two")
    await ann.post(f"/changes/{change}/revert")
    unchanged = await ann.post(f"/changes/{change}/revert")
    assert unchanged["position"] == (await ann.get(f"/tasks/{task}/history"))["items"][0]["position"]
    await edit(ann, task, title="Two")
    await ann.post(f"/changes/{change}/revert")
    assert await titles(ann, task) == ["One"]


async def test_a_change_of_another_tenant_is_not_found(ann: ApiUser, bob: ApiUser) -> None:
    change = await edit(ann, await ann.create_task("One"), title="Two")
    for unknown in (change, new_id()):
        assert_problem(await bob.request("POST", f"/changes/{unknown}/revert"), 404, "not_found")


async def test_what_concerns_members_cannot_be_taken_back(ann: ApiUser, bob: ApiUser) -> None:
    await add_member(ann, bob)
    items = (await ann.get(f"/workspaces/{ann.workspace}/activity?type=MemberJoined"))["items"]
    answer = await ann.request("POST", f"/changes/{items[0]['command_id']}/revert")
    assert_problem(answer, 422, "not_revertible")


async def test_a_task_moved_to_another_project_gets_its_key_back(ann: ApiUser) -> None:
    other = await ann.post(f"/workspaces/{ann.workspace}/projects", name="Garden", key="GAR")
    task = await ann.create_task("One")
    moved = await ann.request("POST", f"/tasks/{task}/move", json={"project_id": other["id"], "expected_version": 1})
    assert moved.status_code == 200
    assert (await ann.get(f"/tasks/{task}"))["key"] == "GAR-1"
    await ann.post("/undo")
    assert (await ann.get("/tasks/KIT-1"))["id"] == task
    assert (await ann.get("/tasks/GAR-1"))["key"] == "KIT-1"


async def test_a_deleted_comment_comes_back_with_its_reactions(ann: ApiUser) -> None:
    task = await ann.create_task("One")
    comment = (await ann.post(f"/tasks/{task}/comments", text="Oat milk"))["id"]
    ann.fold()
    await ann.request("PUT", f"/comments/{comment}/reactions/%F0%9F%91%8D")
    before = await ann.get(f"/comments/{comment}")
    await ann.request("DELETE", f"/comments/{comment}", headers={"If-Match": "*"})
    await ann.post("/undo")
    after = await ann.get(f"/comments/{comment}")
    assert [after[name] for name in ("text", "reactions", "deleted")] == [
        before[name] for name in ("text", "reactions", "deleted")
    ]
    assert (await ann.get(f"/tasks/{task}"))["comments"] == 1


async def test_time_filters_watches_and_label_colours_are_taken_back(ann: ApiUser) -> None:
    task = await ann.create_task("One")
    entry = (await ann.post(f"/tasks/{task}/time", minutes=90))["id"]
    ann.fold()
    await ann.request("DELETE", f"/time/{entry}", headers={"If-Match": "*"})
    await ann.post("/undo")
    assert (await ann.get(f"/time/{entry}"))["minutes"] == 90
    saved = (await ann.post("/filters", name="Soon", filter="due<now"))["id"]
    await ann.request("DELETE", f"/filters/{saved}", headers={"If-Match": "*"})
    await ann.post("/undo")
    assert (await ann.get(f"/filters/{saved}"))["name"] == "Soon"
    await ann.request("DELETE", f"/tasks/{task}/watch")
    await ann.post("/undo")
    assert (await ann.get(f"/tasks/{task}"))["watching"]
    await ann.request("PUT", f"/workspaces/{ann.workspace}/labels/shop", json={"colour": "#cc3300"})
    await ann.post("/undo")


async def test_columns_and_their_tasks_come_back_together(ann: ApiUser) -> None:
    task = await ann.create_task("One", column="doing")
    ann.fold()
    columns = {"columns": [{"id": "todo", "name": "To do"}], "move": {"doing": "todo", "done": "todo"}}
    answer = await ann.request("PUT", f"/projects/{ann.project}/columns", json={**columns, "expected_version": 1})
    assert answer.status_code == 200, answer.text
    undone = await ann.post("/undo")
    assert (await ann.get(f"/tasks/{task}"))["column"] == "doing"
    assert len((await ann.get(f"/projects/{ann.project}"))["columns"]) == 3
    await ann.post(f"/changes/{undone['command_id']}/revert")
    assert (await ann.get(f"/tasks/{task}"))["column"] == "todo"
    assert len((await ann.get(f"/projects/{ann.project}"))["columns"]) == 1
