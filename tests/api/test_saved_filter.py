"""Saved filters over HTTP: kept by name, changed by version, and nobody's but their user's."""

import asyncio
from typing import Any

import httpx
import pytest

from commands import saved_filter
from infra.ids import new_id
from tests.api.checks import nobody_sees_anothers_filters, own_filters
from tests.api.problems import refused
from tests.examples import BOB
from tests.visitor import Visitor

pytestmark = pytest.mark.asyncio(loop_scope="package")

WEEK: dict[str, Any] = {"name": "This week", "filter": "assignee:me -label:later", "sort": "due"}


async def save(who: Visitor, **fields: Any) -> str:
    """The id of a new filter."""
    return str((await who.post("/filters", **{**WEEK, **fields}))["id"])


async def edit(who: Visitor, saved: str, version: int, query: str = "", **fields: Any) -> httpx.Response:
    return await who.ask("PATCH", f"/filters/{saved}{query}", json={**fields, "expected_version": version})


async def names(who: Visitor) -> list[str]:
    return [item["name"] for item in (await who.get("/filters"))["items"]]


async def test_a_filter_is_kept_where_its_location_says(ann: Visitor) -> None:
    answer = await ann.ask("POST", "/filters", json=WEEK)
    assert (answer.status_code, answer.headers["etag"]) == (201, '"1"')
    saved = answer.json()["id"]
    assert answer.headers["location"] == f"/api/v1/filters/{saved}"
    shown = await ann.get(f"/filters/{saved}")
    created = shown.pop("created_at")
    assert shown.pop("updated_at") == created
    assert shown == {"id": saved, **WEEK, "builtin": False, "version": 1}
    assert (await ann.get("/filters"))["items"][2]["created_at"] == created


async def test_the_client_may_choose_the_id_once(ann: Visitor, bob: Visitor) -> None:
    chosen = str(new_id())
    assert await save(ann, id=chosen) == chosen
    for who in (ann, bob):
        refused(await who.ask("POST", "/filters", json={**WEEK, "id": chosen}), 409, "id_taken")
    refused(await ann.ask("POST", "/filters", json={**WEEK, "id": ann.workspace}), 409, "id_taken")


async def test_a_list_begins_with_what_everybody_has_and_goes_on_by_name(ann: Visitor) -> None:
    for name in ("Später", "apart", "Soon", "soon"):
        await save(ann, name=name)
    listed = (await ann.get("/filters"))["items"]
    assert [(item["id"], item["builtin"], item["version"]) for item in listed[:2]] == [
        ("mine", True, 0),
        ("overdue", True, 0),
    ]
    assert [item["name"] for item in listed[2:]] == ["apart", "Soon", "soon", "Später"]
    assert {tuple(item) for item in listed} == {tuple(listed[0])}, "all are alike"


async def test_a_list_is_read_in_pages_that_hold_each_filter_once(ann: Visitor) -> None:
    saved = [await save(ann, name=name) for name in ("c", "a", "b", "a")]
    found, path = [], "/filters?limit=2"
    while path:
        page = await ann.get(path)
        found += page["items"]
        path = f"/filters?limit=2&cursor={page['next_cursor']}" if page["next_cursor"] else ""
    assert [item["name"] for item in found] == ["My tasks", "Overdue", "a", "a", "b", "c"]
    assert sorted(item["id"] for item in found[2:]) == sorted(saved)


async def test_a_cursor_is_good_for_its_own_list_only(ann: Visitor, bob: Visitor) -> None:
    cursor = (await ann.get("/filters?limit=1"))["next_cursor"]
    refused(await bob.ask("GET", f"/filters?cursor={cursor}"), 400, "cursor_mismatch")
    refused(await ann.ask("GET", f"/projects/{ann.project}/tasks?cursor={cursor}"), 400)
    refused(await ann.ask("GET", f"/filters?cursor={cursor[:-3]}"), 400, "bad_cursor")


@pytest.mark.parametrize(
    ("saved", "filter_", "sort"),
    [("mine", "assignee:me status:open", "due"), ("overdue", "due<now status:open", "due")],
)
async def test_what_everybody_has_is_shown_like_others_and_nobody_changes_it(
    ann: Visitor, saved: str, filter_: str, sort: str
) -> None:
    shown = await ann.get(f"/filters/{saved}")
    assert (shown["filter"], shown["sort"], shown["builtin"]) == (filter_, sort, True)
    for version in (0, 1):
        refused(await edit(ann, saved, version, name="Mine"), 403, "filter_is_builtin")
        answer = await ann.ask("DELETE", f"/filters/{saved}", json={"expected_version": version})
        refused(answer, 403, "filter_is_builtin")
    assert await ann.get(f"/filters/{saved}") == shown


async def test_an_edit_is_one_event_for_each_field_and_null_takes_the_order_away(ann: Visitor) -> None:
    saved = await save(ann)
    tried = await edit(ann, saved, 1, "?dry_run=true", name="Soon", filter="due<now", sort=None)
    assert [(event["type"], event["version"]) for event in tried.json()["events"]] == [
        ("FilterRenamed", 2),
        ("FilterRewritten", 3),
        ("FilterResorted", 4),
    ]
    assert (await ann.get(f"/filters/{saved}"))["version"] == 1
    done = await edit(ann, saved, 1, name="Soon", filter="due<now", sort=None)
    assert (done.status_code, done.json()["version"]) == (200, 4)
    shown = await ann.get(f"/filters/{saved}")
    assert (shown["name"], shown["filter"], shown["sort"], shown["version"]) == ("Soon", "due<now", None, 4)


async def test_a_lost_race_is_told_or_merged(ann: Visitor) -> None:
    saved = await save(ann)
    assert (await edit(ann, saved, 1, name="Soon")).status_code == 200
    problem = refused(await edit(ann, saved, 1, name="Later"), 409, "version_conflict")
    assert problem["conflicting_fields"] == ["name"]
    assert problem["current"] == {"id": saved, "version": 2, "user_id": ann.id, **WEEK, "name": "Soon"}
    by_header = await ann.ask("PATCH", f"/filters/{saved}", json={"name": "Later"}, headers={"If-Match": '"1"'})
    refused(by_header, 412, "version_conflict")
    merged = await edit(ann, saved, 1, "?on_conflict=rebase", sort="-key")
    assert (merged.status_code, merged.json()["version"]) == (200, 3)
    refused(await ann.ask("PATCH", f"/filters/{saved}", json={"name": "Later"}), 428, "version_required")
    refused(await ann.ask("DELETE", f"/filters/{saved}", json={}), 428, "version_required")


async def test_a_filter_that_is_deleted_is_gone_and_a_replay_is_answered(ann: Visitor) -> None:
    saved = await save(ann)
    ann.fold()
    etag = (await ann.ask("GET", f"/filters/{saved}")).headers["etag"]
    headers = {"Idempotency-Key": str(new_id()), "If-Match": etag}
    first = await ann.ask("DELETE", f"/filters/{saved}", headers=headers)
    assert (first.status_code, first.json()["version"]) == (200, 2)
    again = await ann.ask("DELETE", f"/filters/{saved}", headers=headers)
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    ann.fold()
    refused(await ann.ask("GET", f"/filters/{saved}"), 404, "not_found")
    refused(await edit(ann, saved, 2, name="Soon"), 404, "not_found")
    refused(await ann.ask("DELETE", f"/filters/{saved}", json={"expected_version": 2}), 404, "not_found")
    refused(await ann.ask("POST", "/filters", json={**WEEK, "id": saved}), 409, "id_taken")
    assert own_filters(await ann.get("/filters")) == []


async def test_nobody_sees_anothers_filters(ann: Visitor, bob: Visitor) -> None:
    membership = f"/workspaces/{ann.workspace}/members/{bob.id}"
    assert (await ann.ask("PUT", membership, json={"role": "owner"})).status_code == 200
    await nobody_sees_anothers_filters(ann, bob)


async def test_nothing_of_a_filter_is_in_a_workspace(ann: Visitor) -> None:
    before = (await ann.get(f"/workspaces/{ann.workspace}/activity"))["items"]
    await edit(ann, await save(ann), 1, name="Soon")
    assert (await ann.get(f"/workspaces/{ann.workspace}/activity"))["items"] == before


async def test_an_agent_keeps_filters_for_whom_it_acts_and_an_eye_only_looks(ann: Visitor) -> None:
    agent, eye = await ann.program("write", kind="agent"), await ann.program("read")
    saved = await save(agent)
    ann.fold()
    for who in (ann, agent, eye):
        assert own_filters(await who.get("/filters")) == [saved]
    refused(await eye.ask("POST", "/filters", json=WEEK), 403, "scope_too_narrow")
    refused(await edit(eye, saved, 1, name="Soon"), 403, "scope_too_narrow")


async def test_filters_are_kept_and_changed_in_batches(ann: Visitor) -> None:
    chosen = str(new_id())
    commands = [
        {"type": "SaveFilter", "data": {**WEEK, "id": chosen}},
        {"type": "EditFilter", "id": chosen, "expected_version": 1, "data": {"name": "Soon"}},
        {"type": "SaveFilter", "data": {**WEEK, "name": "Other"}},
    ]
    done = await ann.post("/commands", mode="atomic", commands=commands)
    assert [one["version"] for one in done["results"]] == [2, 2, 1]
    assert (await names(ann))[2:] == ["Other", "Soon"]
    delete = {"type": "DeleteFilter", "id": chosen, "expected_version": 2, "data": {}}
    both = await ann.ask("POST", "/commands", json={"mode": "independent", "commands": [delete, delete]})
    assert [one["status"] for one in both.json()["results"]] == [200, 404]


async def test_however_many_are_saved_at_once_no_more_are_kept_than_there_may_be(
    ann: Visitor, bob: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saved_filter, "MAX_FILTERS_PER_USER", 5)
    answers = await asyncio.gather(*(ann.ask("POST", "/filters", json=WEEK) for _ in range(9)))
    assert sorted(answer.status_code for answer in answers) == [201] * 5 + [422] * 4
    for answer in answers:
        if answer.status_code == 422:
            assert refused(answer, 422, "too_many_filters")["params"] == {"most": 5}
    kept = own_filters(await ann.get("/filters"))
    assert len(kept) == 5
    assert (await ann.ask("DELETE", f"/filters/{kept[0]}", json={"expected_version": 1})).status_code == 200
    await save(ann)
    await save(bob)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "#"),
        ({"name": "Soon"}, "#"),
        ({**WEEK, "name": ""}, "#/name"),
        ({**WEEK, "name": " "}, "#/name"),
        ({**WEEK, "name": "a\nb"}, "#/name"),
        ({**WEEK, "name": "x" * 101}, "#/name"),
        ({**WEEK, "name": None}, "#/name"),
        ({**WEEK, "filter": None}, "#/filter"),
        ({**WEEK, "filter": ["due<now"]}, "#/filter"),
        ({**WEEK, "sort": "colour"}, "#/sort"),
        ({**WEEK, "sort": "--due"}, "#/sort"),
        ({**WEEK, "sort": "due,key"}, "#/sort"),
        ({**WEEK, "id": "mine"}, "#/id"),
        ({**WEEK, "id": "5f1c3f0e-9a5c-4d3e-8b43-7a7d5b6c2e11"}, "#"),
        ({**WEEK, "user_id": str(BOB.id)}, "#"),
        ({**WEEK, "builtin": True}, "#"),
    ],
    ids=str,
)
async def test_what_is_no_filter_is_refused(house: Visitor, body: dict[str, Any], pointer: str) -> None:
    answer = await house.ask("POST", "/filters", json=body)
    assert refused(answer, 400, "invalid_body")["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize(
    ("text", "code", "offset"),
    [
        ("(milk)", "filter_syntax", 0),
        ("colour:red", "unknown_field", 0),
        ("status:open due<2026-02-30", "filter_value", 16),
        ("x " * 101, "filter_too_long", 200),
        ("x" * 4_001, "filter_too_long", 4_000),
        ("a\nb", "filter_syntax", 1),
    ],
)
async def test_a_filter_that_cannot_be_read_is_not_kept(house: Visitor, text: str, code: str, offset: int) -> None:
    saved = await save(house)
    for answer in (
        await house.ask("POST", "/filters", json={**WEEK, "filter": text}),
        await edit(house, saved, 1, name="Soon", filter=text),
    ):
        assert refused(answer, 400, code)["params"]["offset"] == offset
    assert (await house.get(f"/filters/{saved}"))["version"] == 1


@pytest.mark.parametrize("saved", ["MINE", "everything", "KIT-1", "%00", "7"])
async def test_what_is_no_id_is_refused(house: Visitor, saved: str) -> None:
    for method, body in (("GET", {}), ("PATCH", {"json": {"name": "x"}}), ("DELETE", {})):
        refused(await house.ask(method, f"/filters/{saved}", **body), 400, "invalid_id")
    refused(await house.ask("GET", f"/filters/{new_id()}"), 404, "not_found")
