"""Time over HTTP: entries are listed by day, corrected by their user, summed on the task, and kept in history."""

from typing import Any

import pytest

from infra.ids import new_id
from tests.api.problems import assert_problem
from tests.api_user import ApiUser

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def add(who: ApiUser, task: str, minutes: int, **more: Any) -> str:
    return str((await who.post(f"/tasks/{task}/time", minutes=minutes, **more))["id"])


async def spent(who: ApiUser, task: str) -> int:
    return int((await who.get(f"/tasks/{task}"))["spent"])


async def with_bob(ann: ApiUser, bob: ApiUser) -> str:
    """A task of Ann's, in a workspace that Bob is a member of."""
    path = f"/workspaces/{ann.workspace}/members/{bob.id}"
    assert (await ann.request("PUT", path, json={"role": "member"})).status_code == 200
    return await ann.create_task()


async def test_an_entry_is_added_and_shown(ann: ApiUser) -> None:
    task = await ann.create_task()
    assert await spent(ann, task) == 0
    body = {"minutes": 90, "on": "2026-12-01", "note": "Compared prices"}
    answer = await ann.request("POST", f"/tasks/{task}/time", json=body)
    assert (answer.status_code, answer.json()["version"]) == (201, 1)
    entry = answer.json()["id"]
    assert answer.headers["location"] == f"/api/v1/time/{entry}"
    shown = await ann.get(f"/time/{entry}")
    assert {name: shown[name] for name in body} == body
    assert (shown["task_id"], shown["user_id"]) == (task, ann.id)
    assert (await ann.get("/tasks/KIT-1/time"))["items"] == [shown]
    task_shown = await ann.get(f"/tasks/{task}")
    assert (task_shown["spent"], task_shown["version"]) == (90, 1)


async def test_entries_are_paged_the_latest_day_first(ann: ApiUser) -> None:
    task = await ann.create_task()
    days = ["2026-12-01", "2026-11-30", "2026-12-02", "2026-12-01", "0001-01-01"]
    ids = [await add(ann, task, 1, on=day) for day in days]
    first = await ann.get(f"/tasks/{task}/time?limit=3")
    second = await ann.get(f"/tasks/{task}/time?limit=3&cursor={first['next_cursor']}")
    assert [item["id"] for item in (*first["items"], *second["items"])] == [ids[at] for at in (2, 3, 0, 1, 4)]
    assert second["next_cursor"] is None
    other = await ann.create_task()
    path = f"/tasks/{other}/time?cursor={first['next_cursor']}"
    assert_problem(await ann.request("GET", path), 400, "cursor_mismatch")


async def test_the_day_is_today_in_the_zone_of_the_user(ann: ApiUser) -> None:
    task, days = await ann.create_task(), set()
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):  # 25 hours apart: never the same day
        assert (await ann.request("PATCH", "/auth/me", json={"zone": zone})).status_code == 200
        days.add((await ann.get(f"/time/{await add(ann, task, 1)}"))["on"])
    assert len(days) == 2


async def test_a_correction_changes_the_sum_and_stays_in_history(ann: ApiUser) -> None:
    task = await ann.create_task()
    entry = await add(ann, task, 90, on="2026-12-01")
    await add(ann, task, 30)
    edit = {"minutes": 60, "on": "2026-11-30", "expected_version": 1}
    assert (await ann.request("PATCH", f"/time/{entry}", json=edit)).json()["version"] == 2
    assert await spent(ann, task) == 90
    assert (await ann.request("DELETE", f"/time/{entry}", json={"expected_version": 2})).status_code == 200
    assert await spent(ann, task) == 30
    assert_problem(await ann.request("GET", f"/time/{entry}"), 404, "not_found")
    assert len((await ann.get(f"/tasks/{task}/time"))["items"]) == 1
    deleted, edited, added = (await ann.get(f"/time/{entry}/history"))["items"]
    assert deleted["changes"] == {"minutes": [60, 0], "on": ["2026-11-30", None], "deleted": [False, True]}
    assert edited["changes"] == {"minutes": [90, 60], "on": ["2026-12-01", "2026-11-30"]}
    assert added["changes"]["minutes"] == [None, 90]


async def test_corrections_of_different_fields_merge(ann: ApiUser) -> None:
    task = await ann.create_task()
    entry = await add(ann, task, 90, note="Prices")
    assert (await ann.request("PATCH", f"/time/{entry}", json={"note": "Shops", "expected_version": 1})).is_success
    stale = {"minutes": 60, "expected_version": 1}
    problem = assert_problem(await ann.request("PATCH", f"/time/{entry}", json=stale), 409, "version_conflict")
    assert (problem["conflicting_fields"], problem["current"]["note"]) == ([], "Shops")
    merged = await ann.request("PATCH", f"/time/{entry}?on_conflict=rebase", json=stale)
    assert merged.status_code == 200, merged.text
    shown = await ann.get(f"/time/{entry}")
    assert (shown["minutes"], shown["note"]) == (60, "Shops")


async def test_rights_on_the_time_of_others(ann: ApiUser, bob: ApiUser) -> None:
    task = await with_bob(ann, bob)
    anns, bobs = await add(ann, task, 10), await add(bob, task, 20)
    edit, delete = {"minutes": 1, "expected_version": 1}, {"expected_version": 1}
    assert_problem(await ann.request("PATCH", f"/time/{bobs}", json=edit), 403, "time_entry_is_anothers")
    assert_problem(await bob.request("DELETE", f"/time/{anns}", json=delete), 403, "forbidden")
    assert (await ann.request("DELETE", f"/time/{bobs}", json=delete)).status_code == 200
    await ann.request("PUT", f"/workspaces/{ann.workspace}/members/{bob.id}", json={"role": "viewer"})
    assert [item["id"] for item in (await bob.get(f"/tasks/{task}/time"))["items"]] == [anns]
    assert_problem(await bob.request("POST", f"/tasks/{task}/time", json={"minutes": 1}), 403, "forbidden")


@pytest.mark.parametrize(
    ("member", "value"),
    [
        *(("minutes", value) for value in (0, -1, 1441, 1.5, "90", None)),
        *(("on", value) for value in ("2026-02-29", "2026-12-01T10:00:00Z", "today", 1)),
        *(("note", value) for value in ("x" * 2_001, "a\x00")),
    ],
)
async def test_an_invalid_entry_is_refused(shared_user: ApiUser, member: str, value: object) -> None:
    path = f"/tasks/{await shared_user.create_task()}/time"
    answer = await shared_user.request("POST", path, json={"minutes": 1, member: value})
    problem = assert_problem(answer, 400, "invalid_body")
    assert [error["pointer"] for error in problem["errors"]] == [f"#/{member}"]


async def test_an_edit_and_a_deletion_name_a_version(ann: ApiUser) -> None:
    entry = await add(ann, await ann.create_task(), 90)
    for method, body in (("PATCH", {"minutes": 60}), ("DELETE", {})):
        assert_problem(await ann.request(method, f"/time/{entry}", json=body), 428, "version_required")


async def test_time_on_a_trashed_task_is_shown_and_stays_as_it_is(ann: ApiUser) -> None:
    task = await ann.create_task()
    entry = await add(ann, task, 90)
    assert (await ann.request("DELETE", f"/tasks/{task}", json={"expected_version": 1})).status_code == 200
    assert [item["id"] for item in (await ann.get(f"/tasks/{task}/time"))["items"]] == [entry]
    for method, path, body in (
        ("POST", f"/tasks/{task}/time", {"minutes": 1}),
        ("PATCH", f"/time/{entry}", {"minutes": 1, "expected_version": 1}),
        ("DELETE", f"/time/{entry}", {"expected_version": 1}),
    ):
        assert_problem(await ann.request(method, path, json=body), 422, "task_is_trashed")


async def test_entries_are_carried_out_in_a_batch(ann: ApiUser) -> None:
    task, entry = await ann.create_task(), str(new_id())
    commands = [
        {"type": "AddTimeEntry", "data": {"task_id": task, "id": entry, "minutes": 90}},
        {"type": "EditTimeEntry", "id": entry, "data": {"minutes": 60}, "expected_version": 1},
        {"type": "AddTimeEntry", "data": {"task_id": task, "minutes": 5}},
    ]
    tried = await ann.request("POST", "/commands?dry_run=true", json={"commands": commands})
    assert [event["type"] for event in tried.json()["events"]] == [
        "TimeEntryAdded",
        "TimeEntryEdited",
        "TimeEntryAdded",
    ]
    assert await spent(ann, task) == 0
    assert (await ann.request("POST", "/commands", json={"commands": commands})).status_code == 200
    assert await spent(ann, task) == 65


async def test_a_filter_finds_tasks_by_the_time_spent(ann: ApiUser) -> None:
    much, little, none = [await ann.create_task(title) for title in ("Much", "Little", "None")]
    await add(ann, much, 120)
    await add(ann, little, 30)

    async def found(filter_: str) -> set[str]:
        return {item["id"] for item in (await ann.get(f"/tasks?filter={filter_}"))["items"]}

    assert await found("spent%3E%3D60") == {much}
    assert await found("spent%3C1h") == {little, none}
    assert await found("has:spent") == {much, little}
    assert await found("no:spent") == await found("spent:none") == await found("spent:0") == {none}
    (listed,) = (await ann.get("/tasks?filter=spent:2h&fields=id,spent"))["items"]
    assert listed == {"id": much, "spent": 120}
