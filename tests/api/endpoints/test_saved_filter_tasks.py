"""The tasks of a saved filter over HTTP: the same as the task list with the filter's current terms."""

from typing import Any

import httpx
import pytest

from infra.ids import new_id
from tests.api import guarantees
from tests.api.paginated_lists import next_page_path
from tests.api.problems import assert_problem
from tests.api_user import ApiUser

pytestmark = pytest.mark.asyncio(loop_scope="package")

VARYING_MEMBERS = {"instance", "trace_id"}
"""The members in which equal problems differ."""


async def save(who: ApiUser, filter_: str, sort: str | None = None) -> str:
    """The id of a new filter."""
    return str((await who.post("/filters", name="Shop", filter=filter_, sort=sort))["id"])


async def edit(who: ApiUser, saved: str, version: int, **fields: Any) -> int:
    """Edit a filter, and return the position."""
    answer = await who.request("PATCH", f"/filters/{saved}", json={**fields, "expected_version": version})
    assert answer.status_code == 200, answer.text
    return int(answer.json()["position"])


async def titles(who: ApiUser, path: str) -> list[str]:
    return [item["title"] for item in (await who.get(path))["items"]]


async def seed_tasks(who: ApiUser) -> None:
    """Four tasks, one of them done; due dates are long past or far in the future."""
    await who.create_task("Milk", due="2020-01-02", assignees=[who.id], priority="high")
    await who.create_task("Bread", due="2020-01-01")
    await who.create_task("Butter", due="2999-01-01", assignees=[who.id])
    eggs = await who.create_task("Eggs", due="2019-01-01", assignees=[who.id])
    await who.post(f"/tasks/{eggs}/complete")


@pytest.mark.parametrize(
    ("saved", "terms", "expected"),
    [
        ("mine", {"filter": "assignee:me status:open", "sort": "due"}, ["Milk", "Butter"]),
        ("overdue", {"filter": "due<now status:open", "sort": "due"}, ["Bread", "Milk"]),
        ("", {"filter": "-butter", "sort": "-key"}, ["Eggs", "Bread", "Milk"]),
        ("", {"filter": "milk"}, ["Milk"]),
        ("", {"filter": "", "sort": "priority"}, ["Bread", "Butter", "Eggs", "Milk"]),
    ],
)
async def test_a_saved_filter_lists_the_same_tasks_as_its_text(
    ann: ApiUser, bob: ApiUser, saved: str, terms: dict[str, str], expected: list[str]
) -> None:
    await seed_tasks(ann)
    await seed_tasks(bob)
    path = f"/filters/{saved or await save(ann, terms['filter'], terms.get('sort'))}/tasks"
    assert await titles(ann, path) == expected
    for asked in ({}, {"limit": "1"}, {"fields": "title,key", "count": "exact"}, {"sort": "updated", "limit": "2"}):
        listed = await ann.request("GET", "/tasks", params={**terms, **asked})
        answer = await ann.request("GET", path, params=asked)
        assert (answer.json(), answer.headers["etag"]) == (listed.json(), listed.headers["etag"])


async def test_a_sort_parameter_overrides_the_filters_sort(ann: ApiUser) -> None:
    await seed_tasks(ann)
    saved = await save(ann, "status:open", "due")
    assert await titles(ann, f"/filters/{saved}/tasks") == ["Bread", "Milk", "Butter"]
    assert await titles(ann, f"/filters/{saved}/tasks?sort=-key") == ["Butter", "Bread", "Milk"]


async def test_pages_hold_each_task_once(ann: ApiUser) -> None:
    await seed_tasks(ann)
    path: str | None = f"/filters/{await save(ann, '', 'key')}/tasks?limit=3"
    ann.fold()
    shown = list[str]()
    while path:
        answer = await ann.request("GET", path)
        shown += [item["title"] for item in answer.json()["items"]]
        path = next_page_path(answer)
        assert path is None or path.startswith("/filters/")
    assert shown == ["Milk", "Bread", "Butter", "Eggs"]


async def test_a_cursor_is_valid_until_the_filter_changes(ann: ApiUser) -> None:
    await seed_tasks(ann)
    saved = await save(ann, "status:open", "key")
    path = f"/filters/{saved}/tasks"
    cursor = (await ann.get(f"{path}?limit=1"))["next_cursor"]
    await edit(ann, saved, 1, name="Corner shop")
    assert await titles(ann, f"{path}?cursor={cursor}") == ["Bread", "Butter"]
    assert await titles(ann, f"/tasks?filter=status:open&sort=key&cursor={cursor}") == ["Bread", "Butter"]
    assert_problem(await ann.request("GET", f"{path}?sort=due&cursor={cursor}"), 400, "cursor_mismatch")
    for version, change in enumerate(({"filter": "-eggs"}, {"filter": "status:open", "sort": "-key"}), 2):
        await edit(ann, saved, version, **change)
        ann.fold()
        assert_problem(await ann.request("GET", f"{path}?cursor={cursor}"), 400, "cursor_mismatch")
    assert await titles(ann, f"{path}?sort=key&cursor={cursor}") == ["Bread", "Butter"]


async def test_an_edited_filter_invalidates_cached_tasks(ann: ApiUser, monkeypatch: pytest.MonkeyPatch) -> None:
    await guarantees.an_edited_filter_invalidates_cached_tasks(ann, monkeypatch)


async def test_tasks_wait_for_the_edit_of_their_filter(ann: ApiUser) -> None:
    await seed_tasks(ann)
    saved = await save(ann, "milk")
    assert await titles(ann, f"/filters/{saved}/tasks") == ["Milk"]
    path = f"/filters/{saved}/tasks?min_position={await edit(ann, saved, 1, filter='bread')}"
    assert_problem(await ann.request("GET", path, headers={"Prefer": "wait=0"}), 503, "projection_behind")
    assert await titles(ann, path) == ["Bread"]


async def test_foreign_and_deleted_filters_are_not_found(ann: ApiUser, bob: ApiUser) -> None:
    theirs, gone = await save(bob, "status:open"), await save(ann, "status:open")
    assert (await ann.request("DELETE", f"/filters/{gone}", json={"expected_version": 1})).status_code == 200
    ann.fold()
    problems = [
        assert_problem(await ann.request("GET", f"/filters/{saved}/tasks?cursor=x"), 404, "not_found")
        for saved in (theirs, gone, new_id())
    ]
    assert (
        len({str({name: problem[name] for name in problem.keys() - VARYING_MEMBERS}.items()) for problem in problems})
        == 1
    )


async def test_me_is_the_filters_user_also_for_their_agent(ann: ApiUser) -> None:
    await seed_tasks(ann)
    eye = await ann.with_personal_token("read", kind="agent")
    saved = await save(ann, "assignee:me", "key")
    for path in (f"/filters/{saved}/tasks", "/filters/mine/tasks"):
        assert await ann.get(path) == await eye.get(path) != {"items": [], "next_cursor": None}


@pytest.mark.parametrize(
    ("text", "code", "offset"),
    [
        ("(milk", "filter_syntax", 0),
        ("shape:round", "unknown_field", 0),
        ("status:open due<yesteryear", "filter_value", 16),
        ("x " * 101, "filter_too_long", 200),
    ],
)
async def test_a_filter_of_an_old_grammar_is_refused_until_edited(
    ann: ApiUser, monkeypatch: pytest.MonkeyPatch, text: str, code: str, offset: int
) -> None:
    await seed_tasks(ann)
    with monkeypatch.context() as patch:
        patch.setattr("commands.saved_filter.parse", lambda _: None)  # as if it had been valid then
        saved = await save(ann, text)
    assert (await ann.get(f"/filters/{saved}"))["filter"] == text
    problem = assert_problem(await ann.request("GET", f"/filters/{saved}/tasks"), 400, code)
    assert problem["params"]["offset"] == offset
    assert problem["detail"].startswith("This filter is no longer valid: edit it.")
    await edit(ann, saved, 1, filter="milk")
    assert await titles(ann, f"/filters/{saved}/tasks") == ["Milk"]


@pytest.mark.parametrize(
    ("asked", "code"),
    {
        "filter=milk": "unknown_parameter",
        "sort=name": "invalid_parameter",
        "sort=due&sort=due": "repeated_parameter",
        "sort=relevance": "sort_needs_text",
        "fields=shape": "invalid_parameter",
        "count=all": "invalid_parameter",
        "limit=0": "invalid_parameter",
        "limit=201": "invalid_parameter",
        "cursor=x": "bad_cursor",
    }.items(),
)
async def test_an_invalid_request_is_refused(shared_user: ApiUser, asked: str, code: str) -> None:
    shared_user.fold()
    assert_problem(await shared_user.request("GET", f"/filters/mine/tasks?{asked}"), 400, code)


@pytest.mark.parametrize("saved", ["MINE", "everything", "KIT-1", "%00", "7"])
async def test_an_invalid_id_is_refused(shared_user: ApiUser, saved: str) -> None:
    answer: httpx.Response = await shared_user.request("GET", f"/filters/{saved}/tasks")
    assert_problem(answer, 400, "invalid_id")
