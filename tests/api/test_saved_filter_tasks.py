"""The tasks of a saved filter over HTTP: those that the task list has for what the filter says now."""

from typing import Any

import httpx
import pytest

from infra.ids import new_id
from tests.api import checks
from tests.api.paging import following
from tests.api.problems import refused
from tests.visitor import Visitor

pytestmark = pytest.mark.asyncio(loop_scope="package")

NOT_ALIKE = {"instance", "trace_id"}
"""What two problems differ in, however alike they are."""


async def save(who: Visitor, filter_: str, sort: str | None = None) -> str:
    """The id of a new filter."""
    return str((await who.post("/filters", name="Shop", filter=filter_, sort=sort))["id"])


async def edit(who: Visitor, saved: str, version: int, **fields: Any) -> int:
    """The position of an edit."""
    answer = await who.ask("PATCH", f"/filters/{saved}", json={**fields, "expected_version": version})
    assert answer.status_code == 200, answer.text
    return int(answer.json()["position"])


async def titles(who: Visitor, path: str) -> list[str]:
    return [item["title"] for item in (await who.get(path))["items"]]


async def shop(who: Visitor) -> None:
    """Four tasks, of which one is done; what is due is due long ago, or not for long."""
    await who.task("Milk", due="2020-01-02", assignees=[who.id], priority="high")
    await who.task("Bread", due="2020-01-01")
    await who.task("Butter", due="2999-01-01", assignees=[who.id])
    eggs = await who.task("Eggs", due="2019-01-01", assignees=[who.id])
    await who.post(f"/tasks/{eggs}/complete")


@pytest.mark.parametrize(
    ("saved", "said", "expected"),
    [
        ("mine", {"filter": "assignee:me status:open", "sort": "due"}, ["Milk", "Butter"]),
        ("overdue", {"filter": "due<now status:open", "sort": "due"}, ["Bread", "Milk"]),
        ("", {"filter": "-butter", "sort": "-key"}, ["Eggs", "Bread", "Milk"]),
        ("", {"filter": "milk"}, ["Milk"]),
        ("", {"filter": "", "sort": "priority"}, ["Bread", "Butter", "Eggs", "Milk"]),
    ],
)
async def test_a_filter_answers_as_the_task_list_does_with_what_it_says(
    ann: Visitor, bob: Visitor, saved: str, said: dict[str, str], expected: list[str]
) -> None:
    await shop(ann)
    await shop(bob)
    path = f"/filters/{saved or await save(ann, said['filter'], said.get('sort'))}/tasks"
    assert await titles(ann, path) == expected
    for asked in ({}, {"limit": "1"}, {"fields": "title,key", "count": "exact"}, {"sort": "updated", "limit": "2"}):
        listed = await ann.ask("GET", "/tasks", params={**said, **asked})
        answer = await ann.ask("GET", path, params=asked)
        assert (answer.json(), answer.headers["etag"]) == (listed.json(), listed.headers["etag"])


async def test_a_sort_goes_before_that_of_the_filter(ann: Visitor) -> None:
    await shop(ann)
    saved = await save(ann, "status:open", "due")
    assert await titles(ann, f"/filters/{saved}/tasks") == ["Bread", "Milk", "Butter"]
    assert await titles(ann, f"/filters/{saved}/tasks?sort=-key") == ["Butter", "Bread", "Milk"]


async def test_pages_go_on_where_they_ended_and_hold_each_task_once(ann: Visitor) -> None:
    await shop(ann)
    path: str | None = f"/filters/{await save(ann, '', 'key')}/tasks?limit=3"
    ann.fold()
    shown = list[str]()
    while path:
        answer = await ann.ask("GET", path)
        shown += [item["title"] for item in answer.json()["items"]]
        path = following(answer)
        assert path is None or path.startswith("/filters/")
    assert shown == ["Milk", "Bread", "Butter", "Eggs"]


async def test_a_cursor_is_good_until_the_filter_chooses_or_sorts_otherwise(ann: Visitor) -> None:
    await shop(ann)
    saved = await save(ann, "status:open", "key")
    path = f"/filters/{saved}/tasks"
    cursor = (await ann.get(f"{path}?limit=1"))["next_cursor"]
    await edit(ann, saved, 1, name="Corner shop")
    assert await titles(ann, f"{path}?cursor={cursor}") == ["Bread", "Butter"]
    assert await titles(ann, f"/tasks?filter=status:open&sort=key&cursor={cursor}") == ["Bread", "Butter"]
    refused(await ann.ask("GET", f"{path}?sort=due&cursor={cursor}"), 400, "cursor_mismatch")
    for version, change in enumerate(({"filter": "-eggs"}, {"filter": "status:open", "sort": "-key"}), 2):
        await edit(ann, saved, version, **change)
        ann.fold()
        refused(await ann.ask("GET", f"{path}?cursor={cursor}"), 400, "cursor_mismatch")
    assert await titles(ann, f"{path}?sort=key&cursor={cursor}") == ["Bread", "Butter"]


async def test_an_edited_filter_chooses_anew(ann: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    await checks.an_edited_filter_chooses_anew(ann, monkeypatch)


async def test_tasks_wait_for_the_edit_of_their_filter(ann: Visitor) -> None:
    await shop(ann)
    saved = await save(ann, "milk")
    assert await titles(ann, f"/filters/{saved}/tasks") == ["Milk"]
    path = f"/filters/{saved}/tasks?min_position={await edit(ann, saved, 1, filter='bread')}"
    refused(await ann.ask("GET", path, headers={"Prefer": "wait=0"}), 503, "projection_behind")
    assert await titles(ann, path) == ["Bread"]


async def test_the_filters_of_others_and_those_that_are_gone_are_as_if_they_had_never_been(
    ann: Visitor, bob: Visitor
) -> None:
    theirs, gone = await save(bob, "status:open"), await save(ann, "status:open")
    assert (await ann.ask("DELETE", f"/filters/{gone}", json={"expected_version": 1})).status_code == 200
    ann.fold()
    told = [
        refused(await ann.ask("GET", f"/filters/{saved}/tasks?cursor=x"), 404, "not_found")
        for saved in (theirs, gone, new_id())
    ]
    assert len({str({name: problem[name] for name in problem.keys() - NOT_ALIKE}.items()) for problem in told}) == 1


async def test_me_is_whoever_keeps_the_filter_for_an_agent_of_theirs_too(ann: Visitor) -> None:
    await shop(ann)
    eye = await ann.program("read", kind="agent")
    saved = await save(ann, "assignee:me", "key")
    for path in (f"/filters/{saved}/tasks", "/filters/mine/tasks"):
        assert await ann.get(path) == await eye.get(path) != {"items": [], "next_cursor": None}


@pytest.mark.parametrize(
    ("text", "code", "offset"),
    [
        ("(milk)", "filter_syntax", 0),
        ("colour:red", "unknown_field", 0),
        ("status:open due<yesteryear", "filter_value", 16),
        ("x " * 101, "filter_too_long", 200),
    ],
)
async def test_a_filter_of_an_old_grammar_is_told_to_be_unreadable_until_it_is_edited(
    ann: Visitor, monkeypatch: pytest.MonkeyPatch, text: str, code: str, offset: int
) -> None:
    await shop(ann)
    with monkeypatch.context() as patch:
        patch.setattr("commands.saved_filter.parse", lambda _: None)  # as if it could have been read then
        saved = await save(ann, text)
    assert (await ann.get(f"/filters/{saved}"))["filter"] == text
    problem = refused(await ann.ask("GET", f"/filters/{saved}/tasks"), 400, code)
    assert problem["params"]["offset"] == offset
    assert problem["detail"].startswith("This filter cannot be read any more: edit it.")
    await edit(ann, saved, 1, filter="milk")
    assert await titles(ann, f"/filters/{saved}/tasks") == ["Milk"]


@pytest.mark.parametrize(
    ("asked", "code"),
    {
        "filter=milk": "unknown_parameter",
        "sort=name": "invalid_parameter",
        "sort=due&sort=due": "repeated_parameter",
        "sort=relevance": "sort_needs_text",
        "fields=colour": "invalid_parameter",
        "count=all": "invalid_parameter",
        "limit=0": "invalid_parameter",
        "limit=201": "invalid_parameter",
        "cursor=x": "bad_cursor",
    }.items(),
)
async def test_what_has_not_the_right_form_is_refused(house: Visitor, asked: str, code: str) -> None:
    house.fold()
    refused(await house.ask("GET", f"/filters/mine/tasks?{asked}"), 400, code)


@pytest.mark.parametrize("saved", ["MINE", "everything", "KIT-1", "%00", "7"])
async def test_what_is_no_id_is_refused(house: Visitor, saved: str) -> None:
    answer: httpx.Response = await house.ask("GET", f"/filters/{saved}/tasks")
    refused(answer, 400, "invalid_id")
