"""Saved filters over HTTP: saved by name, changed by version, and private to their user."""

import asyncio
from typing import Any, get_args

import httpx
import pytest

from commands import saved_filter
from infra.ids import new_id
from projections.task_sorting import TaskSort
from tests.api.guarantees import filters_are_visible_to_their_user_only, saved_filter_ids
from tests.api.problems import assert_problem
from tests.api_user import ApiUser
from tests.examples import BOB

pytestmark = pytest.mark.asyncio(loop_scope="package")

FILTER_BODY: dict[str, Any] = {"name": "This week", "filter": "assignee:me -label:later", "sort": "due"}


async def save(who: ApiUser, **fields: Any) -> str:
    """The id of a new filter."""
    return str((await who.post("/filters", **{**FILTER_BODY, **fields}))["id"])


async def edit(who: ApiUser, saved: str, version: int, query: str = "", **fields: Any) -> httpx.Response:
    return await who.request("PATCH", f"/filters/{saved}{query}", json={**fields, "expected_version": version})


async def filter_names(who: ApiUser) -> list[str]:
    return [item["name"] for item in (await who.get("/filters"))["items"]]


async def test_a_saved_filter_is_found_at_its_location(ann: ApiUser) -> None:
    answer = await ann.request("POST", "/filters", json=FILTER_BODY)
    assert (answer.status_code, answer.headers["etag"]) == (201, '"1"')
    saved = answer.json()["id"]
    assert answer.headers["location"] == f"/api/v1/filters/{saved}"
    shown = await ann.get(f"/filters/{saved}")
    created = shown.pop("created_at")
    assert shown.pop("updated_at") == created
    assert shown == {"id": saved, **FILTER_BODY, "builtin": False, "version": 1}
    assert (await ann.get("/filters"))["items"][2]["created_at"] == created


async def test_the_client_may_choose_the_id_once(ann: ApiUser, bob: ApiUser) -> None:
    chosen = str(new_id())
    assert await save(ann, id=chosen) == chosen
    for who in (ann, bob):
        assert_problem(await who.request("POST", "/filters", json={**FILTER_BODY, "id": chosen}), 409, "id_taken")
    assert_problem(await ann.request("POST", "/filters", json={**FILTER_BODY, "id": ann.workspace}), 409, "id_taken")


async def test_a_list_has_built_in_filters_first_and_then_names_in_order(ann: ApiUser) -> None:
    for name in ("Später", "apart", "Soon", "soon"):
        await save(ann, name=name)
    listed = (await ann.get("/filters"))["items"]
    assert [(item["id"], item["builtin"], item["version"]) for item in listed[:2]] == [
        ("mine", True, 0),
        ("overdue", True, 0),
    ]
    assert [item["name"] for item in listed[2:]] == ["apart", "Soon", "soon", "Später"]
    assert {tuple(item) for item in listed} == {tuple(listed[0])}, "all are alike"


async def test_a_list_is_read_in_pages_that_hold_each_filter_once(ann: ApiUser) -> None:
    saved = [await save(ann, name=name) for name in ("c", "a", "b", "a")]
    found, path = [], "/filters?limit=2"
    while path:
        page = await ann.get(path)
        found += page["items"]
        path = f"/filters?limit=2&cursor={page['next_cursor']}" if page["next_cursor"] else ""
    assert [item["name"] for item in found] == ["My tasks", "Overdue", "a", "a", "b", "c"]
    assert sorted(item["id"] for item in found[2:]) == sorted(saved)


async def test_a_cursor_is_valid_for_its_own_list_only(ann: ApiUser, bob: ApiUser) -> None:
    cursor = (await ann.get("/filters?limit=1"))["next_cursor"]
    assert_problem(await bob.request("GET", f"/filters?cursor={cursor}"), 400, "cursor_mismatch")
    assert_problem(await ann.request("GET", f"/projects/{ann.project}/tasks?cursor={cursor}"), 400)
    assert_problem(await ann.request("GET", f"/filters?cursor={cursor[:-3]}"), 400, "bad_cursor")


@pytest.mark.parametrize(
    ("saved", "filter_", "sort"),
    [("mine", "assignee:me status:open", "due"), ("overdue", "due<now status:open", "due")],
)
async def test_built_in_filters_are_shown_and_read_only(ann: ApiUser, saved: str, filter_: str, sort: str) -> None:
    shown = await ann.get(f"/filters/{saved}")
    assert (shown["filter"], shown["sort"], shown["builtin"]) == (filter_, sort, True)
    for version in (0, 1):
        assert_problem(await edit(ann, saved, version, name="Mine"), 403, "filter_is_builtin")
        answer = await ann.request("DELETE", f"/filters/{saved}", json={"expected_version": version})
        assert_problem(answer, 403, "filter_is_builtin")
    assert await ann.get(f"/filters/{saved}") == shown


async def test_an_edit_is_one_event_a_field_and_null_clears_the_sort(ann: ApiUser) -> None:
    saved = await save(ann)
    dry_run = await edit(ann, saved, 1, "?dry_run=true", name="Soon", filter="due<now", sort=None)
    assert [(event["type"], event["version"]) for event in dry_run.json()["events"]] == [
        ("FilterRenamed", 2),
        ("FilterRewritten", 3),
        ("FilterResorted", 4),
    ]
    assert (await ann.get(f"/filters/{saved}"))["version"] == 1
    done = await edit(ann, saved, 1, name="Soon", filter="due<now", sort=None)
    assert (done.status_code, done.json()["version"]) == (200, 4)
    shown = await ann.get(f"/filters/{saved}")
    assert (shown["name"], shown["filter"], shown["sort"], shown["version"]) == ("Soon", "due<now", None, 4)


async def test_a_conflict_is_reported_or_rebased(ann: ApiUser) -> None:
    saved = await save(ann)
    assert (await edit(ann, saved, 1, name="Soon")).status_code == 200
    problem = assert_problem(await edit(ann, saved, 1, name="Later"), 409, "version_conflict")
    assert problem["conflicting_fields"] == ["name"]
    assert problem["current"] == {"id": saved, "version": 2, "user_id": ann.id, **FILTER_BODY, "name": "Soon"}
    by_header = await ann.request("PATCH", f"/filters/{saved}", json={"name": "Later"}, headers={"If-Match": '"1"'})
    assert_problem(by_header, 412, "version_conflict")
    merged = await edit(ann, saved, 1, "?on_conflict=rebase", sort="-key")
    assert (merged.status_code, merged.json()["version"]) == (200, 3)
    assert_problem(await ann.request("PATCH", f"/filters/{saved}", json={"name": "Later"}), 428, "version_required")
    assert_problem(await ann.request("DELETE", f"/filters/{saved}", json={}), 428, "version_required")


async def test_a_deleted_filter_is_gone_and_its_deletion_is_replayed(ann: ApiUser) -> None:
    saved = await save(ann)
    ann.fold()
    etag = (await ann.request("GET", f"/filters/{saved}")).headers["etag"]
    headers = {"Idempotency-Key": str(new_id()), "If-Match": etag}
    first = await ann.request("DELETE", f"/filters/{saved}", headers=headers)
    assert (first.status_code, first.json()["version"]) == (200, 2)
    again = await ann.request("DELETE", f"/filters/{saved}", headers=headers)
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    ann.fold()
    assert_problem(await ann.request("GET", f"/filters/{saved}"), 404, "not_found")
    assert_problem(await edit(ann, saved, 2, name="Soon"), 404, "not_found")
    assert_problem(await ann.request("DELETE", f"/filters/{saved}", json={"expected_version": 2}), 404, "not_found")
    assert_problem(await ann.request("POST", "/filters", json={**FILTER_BODY, "id": saved}), 409, "id_taken")
    assert saved_filter_ids(await ann.get("/filters")) == []


async def test_filters_are_visible_to_their_user_only(ann: ApiUser, bob: ApiUser) -> None:
    membership = f"/workspaces/{ann.workspace}/members/{bob.id}"
    assert (await ann.request("PUT", membership, json={"role": "owner"})).status_code == 200
    await filters_are_visible_to_their_user_only(ann, bob)


async def test_filters_appear_in_no_workspace(ann: ApiUser) -> None:
    before = (await ann.get(f"/workspaces/{ann.workspace}/activity"))["items"]
    await edit(ann, await save(ann), 1, name="Soon")
    assert (await ann.get(f"/workspaces/{ann.workspace}/activity"))["items"] == before


async def test_an_agent_saves_its_users_filters_and_read_tokens_only_read(ann: ApiUser) -> None:
    agent, eye = await ann.with_personal_token("write", kind="agent"), await ann.with_personal_token("read")
    saved = await save(agent)
    ann.fold()
    for who in (ann, agent, eye):
        assert saved_filter_ids(await who.get("/filters")) == [saved]
    assert_problem(await eye.request("POST", "/filters", json=FILTER_BODY), 403, "scope_too_narrow")
    assert_problem(await edit(eye, saved, 1, name="Soon"), 403, "scope_too_narrow")


async def test_filters_are_saved_and_edited_in_batches(ann: ApiUser) -> None:
    chosen = str(new_id())
    commands = [
        {"type": "SaveFilter", "data": {**FILTER_BODY, "id": chosen}},
        {"type": "EditFilter", "id": chosen, "expected_version": 1, "data": {"name": "Soon"}},
        {"type": "SaveFilter", "data": {**FILTER_BODY, "name": "Other"}},
    ]
    done = await ann.post("/commands", mode="atomic", commands=commands)
    assert [one["version"] for one in done["results"]] == [2, 2, 1]
    assert (await filter_names(ann))[2:] == ["Other", "Soon"]
    delete = {"type": "DeleteFilter", "id": chosen, "expected_version": 2, "data": {}}
    both = await ann.request("POST", "/commands", json={"mode": "independent", "commands": [delete, delete]})
    assert [one["status"] for one in both.json()["results"]] == [200, 404]


async def test_concurrent_saves_do_not_exceed_the_maximum(
    ann: ApiUser, bob: ApiUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saved_filter, "MAX_FILTERS_PER_USER", 5)
    answers = await asyncio.gather(*(ann.request("POST", "/filters", json=FILTER_BODY) for _ in range(9)))
    assert sorted(answer.status_code for answer in answers) == [201] * 5 + [422] * 4
    for answer in answers:
        if answer.status_code == 422:
            assert assert_problem(answer, 422, "too_many_filters")["params"] == {"most": 5}
    kept = saved_filter_ids(await ann.get("/filters"))
    assert len(kept) == 5
    assert (await ann.request("DELETE", f"/filters/{kept[0]}", json={"expected_version": 1})).status_code == 200
    await save(ann)
    await save(bob)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "#/name"),
        ({"name": "Soon"}, "#/filter"),
        ({**FILTER_BODY, "name": ""}, "#/name"),
        ({**FILTER_BODY, "name": " "}, "#/name"),
        ({**FILTER_BODY, "name": "a\nb"}, "#/name"),
        ({**FILTER_BODY, "name": "x" * 101}, "#/name"),
        ({**FILTER_BODY, "name": None}, "#/name"),
        ({**FILTER_BODY, "filter": None}, "#/filter"),
        ({**FILTER_BODY, "filter": ["due<now"]}, "#/filter"),
        ({**FILTER_BODY, "sort": "colour"}, "#/sort"),
        ({**FILTER_BODY, "sort": "--due"}, "#/sort"),
        ({**FILTER_BODY, "sort": "due,key"}, "#/sort"),
        ({**FILTER_BODY, "id": "mine"}, "#/id"),
        ({**FILTER_BODY, "id": "5f1c3f0e-9a5c-4d3e-8b43-7a7d5b6c2e11"}, "#/id"),
        ({**FILTER_BODY, "user_id": str(BOB.id)}, "#/user_id"),
        ({**FILTER_BODY, "builtin": True}, "#/builtin"),
    ],
    ids=str,
)
async def test_an_invalid_filter_body_is_refused(shared_user: ApiUser, body: dict[str, Any], pointer: str) -> None:
    answer = await shared_user.request("POST", "/filters", json=body)
    assert assert_problem(answer, 400, "invalid_body")["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize(
    ("text", "code", "offset"),
    [
        ("(milk", "filter_syntax", 0),
        ("colour:red", "unknown_field", 0),
        ("status:open due<2026-02-30", "filter_value", 16),
        ("x " * 101, "filter_too_long", 200),
        ("x" * 4_001, "filter_too_long", 4_000),
        ("a\nb", "filter_syntax", 1),
    ],
)
async def test_an_unparsable_filter_is_not_saved(shared_user: ApiUser, text: str, code: str, offset: int) -> None:
    saved = await save(shared_user)
    for answer in (
        await shared_user.request("POST", "/filters", json={**FILTER_BODY, "filter": text}),
        await edit(shared_user, saved, 1, name="Soon", filter=text),
    ):
        assert assert_problem(answer, 400, code)["params"]["offset"] == offset
    assert (await shared_user.get(f"/filters/{saved}"))["version"] == 1


@pytest.mark.parametrize("saved", ["MINE", "everything", "KIT-1", "%00", "7"])
async def test_an_invalid_id_is_refused(shared_user: ApiUser, saved: str) -> None:
    for method, body in (("GET", {}), ("PATCH", {"json": {"name": "x"}}), ("DELETE", {})):
        assert_problem(await shared_user.request(method, f"/filters/{saved}", **body), 400, "invalid_id")
    assert_problem(await shared_user.request("GET", f"/filters/{new_id()}"), 404, "not_found")


async def test_a_filter_takes_every_sort_order_of_lists_that_needs_no_text(ann: ApiUser) -> None:
    await ann.create_task("Oat milk")
    await ann.create_task("Bread")
    for sort in get_args(TaskSort):
        answer = await ann.request("POST", "/filters", json={"name": "x", "filter": "status:open", "sort": sort})
        assert answer.status_code == (400 if "relevance" in sort else 201), sort
    saved = (await ann.post("/filters", name="x", filter="status:open", sort="title"))["id"]
    assert [one["title"] for one in (await ann.get(f"/filters/{saved}/tasks"))["items"]] == ["Bread", "Oat milk"]
