"""Guarantees of the API: each a check that fails if it is broken; tests run them, planted defects break them."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from uuid import UUID

import httpx
import pytest
from msgspec import Struct

from api.ledger import AuthedRequest, Ledger
from infra.ids import new_id
from infra.reading import progress_waiting
from infra.reading.progress_waiting import ProgressWaiter
from infra.reading.shared_cache import SharedCache
from tests.api.problems import assert_problem
from tests.api_user import ApiUser

T = TypeVar("T")
CONCURRENT_WRITERS = 20
LONG_WAIT = {"Prefer": "wait=10"}
UNKNOWN_USER_ID = str(new_id())

VALID_BODIES: dict[str, dict[str, Any]] = {
    "edit_workspace": {"name": "House", "expected_version": 1},
    "trash_workspace": {"expected_version": 1},
    "restore_workspace": {},
    "set_role": {"role": "viewer"},
    "invite": {"email": "eve@example.com"},
    "create_project": {"name": "Garden", "key": "GAR"},
    "edit_project": {"name": "Garden", "expected_version": 1},
    "set_columns": {"columns": [{"name": "Bed"}], "keep": True, "expected_version": 1},
    "set_fields": {"fields": [{"name": "Points", "type": "number"}], "expected_version": 1},
    "archive_project": {},
    "restore_project": {},
    "trash_project": {"expected_version": 1},
    "create_task": {"title": "Bread"},
    "edit_task": {"title": "Bread", "expected_version": 1},
    "move_task": {"column": "doing", "expected_version": 1},
    "trash_task": {"expected_version": 1},
    "complete_task": {},
    "change_tasks": {"type": "CompleteTask", "filter": "status:open"},
    "reopen_task": {},
    "assign_task": {"user_id": UNKNOWN_USER_ID},
    "unassign_task": {"user_id": UNKNOWN_USER_ID},
    "label_task": {"label": "shop"},
    "unlabel_task": {"label": "shop"},
    "colour_label": {"colour": "#cc3300"},
    "appoint_administrator": {"user_id": UNKNOWN_USER_ID},
    "restore_task": {},
    "duplicate_task": {},
    "copy_project": {"name": "Cottage", "key": "COT"},
    "archive_task": {},
    "unarchive_task": {},
    "archive_done_tasks": {},
    "set_parent": {"parent_id": None},
    "relate_task": {"kind": "blocks", "task_id": UNKNOWN_USER_ID},
    "unrelate_task": {"kind": "blocks", "task_id": UNKNOWN_USER_ID},
    "set_checklist": {"items": [{"text": "Milk"}], "expected_version": 1},
    "check_item": {},
    "uncheck_item": {},
    "add_comment": {"text": "Which one?"},
    "edit_comment": {"text": "This one", "expected_version": 1},
    "delete_comment": {"expected_version": 1},
    "add_reaction": {},
    "remove_reaction": {},
    "add_time": {"minutes": 90},
    "edit_time_entry": {"minutes": 60, "expected_version": 1},
    "delete_time_entry": {"expected_version": 1},
    "watch_task": {},
    "unwatch_task": {},
    "watch_project": {"level": "all"},
    "unwatch_project": {},
    "remove_attachment": {},
    "skip_occurrence": {},
    "save_filter": {"name": "Soon", "filter": "due<now"},
    "edit_filter": {"name": "Later", "expected_version": 1},
    "delete_filter": {"expected_version": 1},
    "decline_proposal": {"reason": "Too early"},
}
"""A valid body for each operation that takes one on an existing object."""
UPLOAD: dict[str, Any] = {"content": b"Oats", "headers": {"Content-Disposition": 'attachment; filename="list.txt"'}}
"""The request options of a file."""
UPLOAD_OPERATIONS = frozenset({"add_attachment"})
"""Operations whose body is a file."""


async def operations(client: httpx.AsyncClient) -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Method, path and operation object of each operation in the served OpenAPI document."""
    answer = await client.get(client.base_url.join("/openapi.json"))
    for _ in range(4):  # a busy machine may not make the document within the time budget of the first request
        if answer.status_code != 200:
            answer = await client.get(client.base_url.join("/openapi.json"))
    described = answer.json()
    paths, shared = described["paths"], described["components"]["parameters"]
    for operation in (operation for methods in paths.values() for operation in methods.values()):
        named = [shared.get(one.get("$ref", "").rpartition("/")[2], one) for one in operation["parameters"]]
        operation["parameters"] = named
    return {
        operation["operationId"]: (method.upper(), path, operation)
        for path, methods in paths.items()
        for method, operation in methods.items()
    }


async def ids_of_another_tenant_are_not_found(ann: ApiUser, bob: ApiUser) -> None:
    """Every operation answers another tenant's id as it answers an unknown id."""
    eve = await bob.post(f"/workspaces/{bob.workspace}/invitations", email="eve@example.com")
    things = {
        "workspace": bob.workspace,
        "project": bob.project,
        "task": await bob.create_task(labels=["shop"], checklist=[{"text": "Milk"}]),
        "invitation": eve["id"],
        "saved_filter": (await bob.post("/filters", name="Secret", filter="status:open"))["id"],
    }
    attached = await bob.request("POST", f"/tasks/{things['task']}/attachments", **UPLOAD)
    things["attachment"] = attached.json()["id"]
    bob.fold()
    item = (await bob.get(f"/tasks/{things['task']}"))["checklist"][0]["id"]
    things["comment"] = (await bob.post(f"/tasks/{things['task']}/comments", text="Secret"))["id"]
    things["entry"] = (await bob.post(f"/tasks/{things['task']}/time", minutes=90))["id"]
    bob.fold()
    no_ids = {"emoji": "%F0%9F%91%8D", "column": "done", "version": "1"}
    theirs = {**things, "user": bob.id, "label": "shop", "item": item, **no_ids}
    unknown = {key: theirs[key] if key in no_ids else new_id() for key in theirs}
    asked = 0
    for name, (method, path, _) in (await operations(ann.client)).items():
        if not any(f"{{{key}}}" in path for key in things):
            continue
        body = {"json": VALID_BODIES[name]} if name in VALID_BODIES else UPLOAD if name in UPLOAD_OPERATIONS else {}
        found = await ann.request(method, f"http://test{path.format(**theirs)}", **body)
        absent = await ann.request(method, f"http://test{path.format(**unknown)}", **body)
        assert _without_request_ids(found) == _without_request_ids(absent), name
        asked += 1
    assert asked >= len(VALID_BODIES) + 6
    assert len((await bob.get(f"/tasks/{theirs['task']}/history"))["items"]) == 4


async def filters_are_visible_to_their_user_only(ann: ApiUser, bob: ApiUser) -> None:
    """A filter is invisible to others, in the list and by id, before and after its owner changes it."""
    theirs = (await bob.post("/filters", name="Secret", filter="assignee:me"))["id"]
    mine = (await ann.post("/filters", name="Soon", filter="due<now"))["id"]
    for version in (1, 2):
        for who, own, anothers in ((ann, mine, theirs), (bob, theirs, mine)):
            assert saved_filter_ids(await who.get("/filters")) == [own]
            assert (await who.get(f"/filters/{own}"))["id"] == own
            for path in (f"/filters/{anothers}", f"/filters/{anothers}/tasks"):
                assert_problem(await who.request("GET", path), 404, "not_found")
        edit = {"sort": "key", "expected_version": version}
        assert (await bob.request("PATCH", f"/filters/{theirs}", json=edit)).status_code == 200


async def an_edited_filter_invalidates_cached_tasks(ann: ApiUser, patch: pytest.MonkeyPatch) -> None:
    """A cached response is not used after the filter was changed or deleted."""
    for title in ("Milk", "Bread"):
        await ann.create_task(title)
    saved = (await ann.post("/filters", name="Shop", filter="milk", sort="key"))["id"]
    went, workspaces = list[str](), Ledger.workspaces_of_caller

    async def noted(self: Ledger, asked: AuthedRequest, *rest: Any) -> tuple[UUID, ...]:
        went.append(asked.url.path)
        return await workspaces(self, asked, *rest)

    async def shown() -> tuple[list[str], bool]:
        went.clear()
        items = (await ann.get(f"/filters/{saved}/tasks"))["items"]
        return [item["title"] for item in items], not went

    patch.setattr(Ledger, "workspaces_of_caller", noted)
    edits = [
        ({"filter": "bread"}, ["Bread"]),
        ({"filter": ""}, ["Milk", "Bread"]),
        ({"sort": "-key"}, ["Bread", "Milk"]),
    ]
    for version, (edit, titles) in enumerate([({"name": "Corner shop"}, ["Milk"]), *edits], 1):
        body = {**edit, "expected_version": version}
        assert (await ann.request("PATCH", f"/filters/{saved}", json=body)).status_code == 200
        assert (await shown())[0] == titles
        assert (await eventually(shown, lambda answer: answer[1]))[0] == titles
    assert (await ann.request("DELETE", f"/filters/{saved}", json={"expected_version": 5})).status_code == 200
    ann.fold()
    assert_problem(await ann.request("GET", f"/filters/{saved}/tasks"), 404, "not_found")


def saved_filter_ids(listed: dict[str, Any]) -> list[str]:
    """The ids of the filters in a list that are not built in."""
    return [item["id"] for item in listed["items"] if not item["builtin"]]


async def one_edit_of_the_same_version_wins(ann: ApiUser) -> None:
    """The losers get the winner's event, and only the winner's edit is applied."""
    task = await ann.create_task()
    titles = [f"Title {number}" for number in range(CONCURRENT_WRITERS)]
    answers = await asyncio.gather(
        *(ann.request("PATCH", f"/tasks/{task}", json={"title": title, "expected_version": 1}) for title in titles)
    )
    statuses = [answer.status_code for answer in answers]
    assert sorted(statuses) == [200] + [409] * (CONCURRENT_WRITERS - 1)
    winner = titles[statuses.index(200)]
    for answer in answers:
        if answer.status_code == 409:
            problem = assert_problem(answer, 409, "version_conflict")
            (event,) = problem["intervening_events"]
            assert (event["type"], event["version"], event["fields"]) == ("TaskRenamed", 2, ["title"])
            assert event["actor"]["id"] == ann.id
            assert problem["current"]["title"] == winner
    history = (await ann.get(f"/tasks/{task}/history"))["items"]
    assert [item["changes"].get("title") for item in history] == [["Milk", winner], [None, "Milk"]]


async def a_change_invalidates_the_cached_answer(ann: ApiUser) -> None:
    task = await ann.create_task("Title 1")
    for version in range(1, 6):
        for _ in range(2):
            shown = await ann.get(f"/tasks/{task}")
            listed = (await ann.get(f"/projects/{ann.project}/tasks"))["items"]
            assert (shown["title"], shown["version"]) == (f"Title {version}", version)
            assert [{**one, "watching": True} for one in listed] == [shown]
        edit = {"title": f"Title {version + 1}", "expected_version": version}
        assert (await ann.request("PATCH", f"/tasks/{task}", json=edit)).status_code == 200


async def an_answer_overtaken_by_a_change_is_not_cached_as_new(ann: ApiUser, patch: pytest.MonkeyPatch) -> None:
    """The read model changes between the read of an answer and its caching."""
    task = await ann.create_task()
    ann.fold()
    keep, overtaken, kept = SharedCache.set, list[str](), asyncio.Event()

    async def slow_set(self: SharedCache, key: str, snapshot: Struct) -> None:
        is_first = not overtaken
        overtaken.append(key)
        if is_first:
            await ann.post(f"/tasks/{task}/complete")
            await asyncio.to_thread(ann.fold)
        await keep(self, key, snapshot)
        kept.set()

    patch.setattr(SharedCache, "set", slow_set)
    await ann.request("GET", f"/tasks/{task}")
    await asyncio.wait_for(kept.wait(), 5)
    assert (await ann.get(f"/tasks/{task}"))["status"] == "done"


async def a_waiting_reader_sees_the_write(
    ann: ApiUser, patch: pytest.MonkeyPatch, publish: Callable[[int], None]
) -> None:
    """A waiting request is woken by `publish`, called with the position, and by nothing else."""
    patch.setattr(progress_waiting, "WAITER_POLL_INTERVAL_S", 60.0)
    waiting = asyncio.Event()
    fetch = ProgressWaiter._fetch_position  # noqa: SLF001 - a fetch in vain precedes the wait

    async def seen(self: ProgressWaiter, projection: str, max_age_s: float) -> int:
        found = await fetch(self, projection, max_age_s)
        waiting.set()
        return found

    patch.setattr(ProgressWaiter, "_fetch_position", seen)
    task = await ann.create_task()
    ann.fold()
    written = await ann.post(f"/tasks/{task}/complete")
    path = f"/tasks/{task}?min_position={written['position']}"
    reader = asyncio.create_task(ann.request("GET", path, headers=LONG_WAIT))
    await asyncio.wait_for(waiting.wait(), 5)
    await asyncio.to_thread(publish, written["position"])
    answer = await asyncio.wait_for(reader, 5)
    assert answer.status_code == 200, answer.text
    assert answer.json()["status"] == "done"
    assert int(answer.headers["taskledger-position"]) >= written["position"]


async def a_member_removed_while_waiting_gets_not_found(
    ann: ApiUser, bob: ApiUser, patch: pytest.MonkeyPatch, path: str
) -> None:
    """A member waits for a list and is removed while waiting; only then is another event written."""
    member = f"/workspaces/{ann.workspace}/members/{bob.id}"
    assert (await ann.request("PUT", member, json={"role": "member"})).status_code == 200
    ann.fold()
    waits, wait = asyncio.Event(), ProgressWaiter.wait

    async def noted(self: ProgressWaiter, projection: str, position: int, seconds: float) -> None:
        waits.set()
        await wait(self, projection, position, seconds)

    patch.setattr(ProgressWaiter, "wait", noted)
    later = (await ann.post(f"/projects/{ann.project}/tasks", title="Milk"))["position"] + 2
    reader = asyncio.create_task(bob.request("GET", f"{path}?min_position={later}", headers=LONG_WAIT))
    await asyncio.wait_for(waits.wait(), 5)
    assert (await ann.request("DELETE", member)).status_code == 200
    secret = await ann.post(f"/workspaces/{ann.workspace}/projects", name="Secret", key="SECRET")
    assert secret["position"] >= later
    await asyncio.to_thread(ann.fold)
    assert_problem(await reader, 404, "not_found")


async def eventually(fetch: Callable[[], Awaitable[T]], is_done: Callable[[T], bool], timeout_s: float = 30.0) -> T:
    """Retry until it holds: changes by another process arrive within moments."""
    deadline = time.monotonic() + timeout_s
    while not is_done(found := await fetch()):
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.01)
    return found


def _without_request_ids(answer: httpx.Response) -> tuple[dict[str, Any], dict[str, str]]:
    problem = assert_problem(answer, 404, "not_found")
    own_of_each = {"trace-id", "content-length", "ratelimit"}
    headers = {name: value for name, value in answer.headers.items() if name not in own_of_each}
    return {name: value for name, value in problem.items() if name not in {"instance", "trace_id"}}, headers
