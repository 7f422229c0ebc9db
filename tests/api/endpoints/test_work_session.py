"""Work sessions over HTTP: the commands of one Taskledger-Session are shown and taken back as one."""

from typing import Any

import pytest

from infra.database.connections import connect
from infra.ids import new_id
from infra.settings import Settings
from tests.api.endpoints.test_revert import add_member, edit, titles
from tests.api.problems import assert_problem
from tests.api_user import ApiUser

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def send(user: ApiUser, session: str, method: str, path: str, **body: Any) -> Any:
    """A command of a session that must succeed."""
    headers = {"Taskledger-Session": session, **({} if method == "POST" else {"If-Match": "*"})}
    answer = await user.request(method, path, json=body, headers=headers)
    assert answer.is_success, answer.text
    return answer.json()


async def types_in(user: ApiUser, session: str) -> list[str]:
    return [one["type"] for one in (await user.get(f"/sessions/{session}/changes"))["items"]]


async def test_the_events_of_a_session_are_shown_newest_first(ann: ApiUser) -> None:
    session = str(new_id())
    task = (await send(ann, session, "POST", f"/projects/{ann.project}/tasks", title="One"))["id"]
    await edit(ann, task, priority="high")
    await send(ann, session, "PATCH", f"/tasks/{task}", title="Two")
    await send(ann, session, "POST", "/filters", name="Soon", filter="due<now")
    assert await types_in(ann, session) == ["FilterSaved", "TaskRenamed", "TaskCreated"]
    first = await ann.get(f"/sessions/{session}/changes?limit=2")
    assert len(first["items"]) == 2
    rest = await ann.get(f"/sessions/{session}/changes?limit=2&cursor={first['next_cursor']}")
    assert [one["type"] for one in rest["items"]] == ["TaskCreated"]


async def test_a_session_is_taken_back_but_for_what_others_did(ann: ApiUser, bob: ApiUser) -> None:
    await add_member(ann, bob)
    session, old = str(new_id()), await ann.create_task("Old")
    await send(ann, session, "PATCH", f"/tasks/{old}", title="New")
    new = (await send(ann, session, "POST", f"/projects/{ann.project}/tasks", title="Another"))["id"]
    await send(ann, session, "POST", f"/tasks/{old}/label", label="shop")
    await edit(bob, old, priority="high")
    reverted = await ann.post(f"/sessions/{session}/revert")
    shown = await ann.get(f"/tasks/{old}")
    assert (shown["title"], shown["priority"], shown["labels"]) == ("Old", "high", [])
    assert (await ann.get(f"/tasks/{new}"))["trashed"]
    await ann.post(f"/changes/{reverted['command_id']}/revert")
    shown = await ann.get(f"/tasks/{old}")
    assert (shown["title"], shown["labels"]) == ("New", ["shop"])


async def test_what_others_changed_since_collides_unless_it_is_skipped(ann: ApiUser, bob: ApiUser) -> None:
    await add_member(ann, bob)
    session, task = str(new_id()), await ann.create_task("Old")
    await send(ann, session, "PATCH", f"/tasks/{task}", title="New", priority="high")
    await edit(bob, task, title="Bob's")
    params = assert_problem(await ann.request("POST", f"/sessions/{session}/revert"), 409, "revert_collides")["params"]
    assert [one["actor"]["name"] for one in params["intervening_events"]] == ["Bob"]
    await ann.post(f"/sessions/{session}/revert?on_conflict=skip")
    shown = await ann.get(f"/tasks/{task}")
    assert (shown["title"], shown["priority"]) == ("Bob's", "none")


async def test_what_others_set_to_the_same_value_again_is_theirs(ann: ApiUser, bob: ApiUser) -> None:
    await add_member(ann, bob)
    session, task = str(new_id()), await ann.create_task("Old")
    await send(ann, session, "PATCH", f"/tasks/{task}", priority="medium", title="New")
    await edit(bob, task, priority="low")
    await edit(bob, task, priority="medium")
    assert_problem(await ann.request("POST", f"/sessions/{session}/revert"), 409, "revert_collides")
    await ann.post(f"/sessions/{session}/revert?on_conflict=skip")
    shown = await ann.get(f"/tasks/{task}")
    assert (shown["title"], shown["priority"]) == ("Old", "medium")


async def test_what_was_changed_and_taken_back_again_does_not_collide(ann: ApiUser, bob: ApiUser) -> None:
    await add_member(ann, bob)
    task = await ann.create_task("Old")
    mine, other = await edit(ann, task, title="New"), await edit(bob, task, title="Other")
    await ann.post(f"/changes/{other}/revert")
    first = await ann.post(f"/changes/{mine}/revert")
    assert await titles(ann, task) == ["Old"]
    await ann.post(f"/changes/{first['command_id']}/revert")
    assert await titles(ann, task) == ["New"]
    await ann.post(f"/changes/{mine}/revert")
    assert await titles(ann, task) == ["Old"]


async def test_an_undo_in_a_session_is_taken_back_with_what_it_undid(ann: ApiUser) -> None:
    session, task = str(new_id()), await ann.create_task("One")
    await send(ann, session, "PATCH", f"/tasks/{task}", title="Two")
    await send(ann, session, "PATCH", f"/tasks/{task}", title="Three")
    await send(ann, session, "POST", "/undo")
    assert await titles(ann, task) == ["Two"]
    await ann.post(f"/sessions/{session}/revert")
    assert await titles(ann, task) == ["One"]
    assert "reverted" in await ann.post("/undo"), "the creation is left to undo"


async def test_a_bulk_change_belongs_to_its_session(ann: ApiUser) -> None:
    session, task = str(new_id()), await ann.create_task("One")
    ann.fold()
    await send(ann, session, "POST", "/tasks/bulk", type="CompleteTask", data={}, ids=[task])
    assert await types_in(ann, session) == ["TaskCompleted"]
    await ann.post(f"/sessions/{session}/revert")
    assert (await ann.get(f"/tasks/{task}"))["status"] == "open"


async def test_the_trace_is_the_cause_of_the_commands_of_a_session(ann: ApiUser, settings: Settings) -> None:
    session = str(new_id())
    headers = {"Taskledger-Session": session}
    answer = await ann.request("POST", f"/projects/{ann.project}/tasks", json={"title": "One"}, headers=headers)
    with connect(settings.database_url) as connection:
        sql = "select distinct correlation_id::text, causation_id from log.event_log where stream = %s"
        found = connection.execute(sql, (answer.json()["id"],)).fetchall()
    assert found == [(session, answer.headers["trace-id"])]


async def test_a_session_of_another_tenant_is_empty_and_cannot_be_taken_back(ann: ApiUser, bob: ApiUser) -> None:
    session = str(new_id())
    await send(ann, session, "POST", f"/projects/{ann.project}/tasks", title="One")
    await send(ann, session, "POST", "/filters", name="Soon", filter="due<now")
    assert await types_in(bob, session) == []
    assert_problem(await bob.request("POST", f"/sessions/{session}/revert"), 404, "not_found")


async def test_a_session_that_is_no_id_is_refused(ann: ApiUser) -> None:
    headers = {"Taskledger-Session": "monday"}
    answer = await ann.request("POST", f"/projects/{ann.project}/tasks", json={"title": "One"}, headers=headers)
    assert_problem(answer, 400, "invalid_session")


async def test_what_cannot_be_taken_back_refuses_or_is_left_out(ann: ApiUser, bob: ApiUser) -> None:
    session, task = str(new_id()), await ann.create_task("One")
    await send(ann, session, "PATCH", f"/tasks/{task}", title="Two")
    await send(ann, session, "POST", f"/workspaces/{ann.workspace}/invitations", email=bob.email)
    assert_problem(await ann.request("POST", f"/sessions/{session}/revert"), 422, "not_revertible")
    result = await ann.post(f"/sessions/{session}/revert?on_conflict=skip")
    assert [one["fields"] for one in result["skipped"]] == [[]]
    assert await titles(ann, task) == ["One"]
