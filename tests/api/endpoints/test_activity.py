"""Activity over HTTP: all events of a workspace, newest first, and its filters."""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

import psycopg
import pytest

from domain import codec
from domain.member import MemberJoined, member_stream_id
from infra.ids import new_id
from infra.settings import Settings
from tests.api.problems import assert_problem
from tests.api_user import ApiUser

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def activity_path_with_ten_events(ann: ApiUser) -> str:
    """The path of the activity of a workspace with ten events, and a task with five of them."""
    task = await ann.create_task("Milk")
    edit = {"title": "Bread", "due": "2026-12-01", "expected_version": 1}
    assert (await ann.request("PATCH", f"/tasks/{task}", json=edit)).status_code == 200
    await ann.post(f"/tasks/{task}/complete")
    await ann.post(f"/tasks/{await ann.create_task('Tea')}/complete")
    return f"/workspaces/{ann.workspace}/activity"


async def all_items(ann: ApiUser, path: str) -> list[dict[str, Any]]:
    """All items of all its pages."""
    items: list[dict[str, Any]] = (await ann.get(path))["items"]
    return items


async def test_activity_lists_all_events_newest_first_without_reservations(ann: ApiUser) -> None:
    items = await all_items(ann, await activity_path_with_ten_events(ann))
    assert [item["type"] for item in items] == [
        "TaskCompleted",
        "TaskCreated",
        "TaskCompleted",
        "DueDateSet",
        "TaskRenamed",
        "TaskCreated",
        "ProjectCreated",
        "MemberJoined",
        "WorkspaceCreated",
    ]
    positions = [item["position"] for item in items]
    assert positions == sorted(positions, reverse=True)


async def test_an_item_is_the_same_as_in_the_history_of_its_task(ann: ApiUser) -> None:
    items = await all_items(ann, await activity_path_with_ten_events(ann))
    task = items[-4]["stream"]
    assert [item for item in items if item["stream"] == task] == await all_items(ann, f"/tasks/{task}/history")


async def test_activity_filters_by_actor(ann: ApiUser, bob: ApiUser, settings: Settings) -> None:
    path = await activity_path_with_ten_events(ann)
    _append_member_joined(settings, ann.workspace, bob.id)
    theirs = (await bob.post(f"/projects/{ann.project}/tasks", title="Beer"))["id"]
    everything = await all_items(ann, path)
    assert await all_items(bob, path) == everything
    (created,) = await all_items(ann, f"{path}?actor={bob.id}")
    assert (created["stream"], created["actor"]["name"]) == (theirs, "Bob")
    assert await all_items(ann, f"{path}?actor={ann.id}") == [one for one in everything if one["actor"]["id"] == ann.id]
    assert await all_items(ann, f"{path}?actor={new_id()}") == []


async def test_activity_filters_by_event_type(ann: ApiUser) -> None:
    path = await activity_path_with_ten_events(ann)
    done = [one for one in await all_items(ann, path) if one["type"] == "TaskCompleted"]
    assert await all_items(ann, f"{path}?type=TaskCompleted") == done
    assert await all_items(ann, f"{path}?type=TaskCompleted&actor={ann.id}&since=2026-01-01T00:00:00Z") == done
    assert await all_items(ann, f"{path}?type=TaskTrashed") == []


async def test_a_time_is_any_time_of_rfc_3339(ann: ApiUser) -> None:
    path = await activity_path_with_ten_events(ann)
    everything = await all_items(ann, path)
    for since in ("2025-12-31T23:59:60.5Z", "2026-01-01T00:00:00.123456789%2B23:59"):
        assert await all_items(ann, f"{path}?since={since}") == everything
    problem = assert_problem(await ann.request("GET", f"{path}?until=2026-13-01T00:00:00Z"), 400, "invalid_parameter")
    assert problem["detail"] == '"until" must be a day in the calendar; write a + in it as %2B.'


async def test_since_is_included_and_until_is_not(ann: ApiUser) -> None:
    path = await activity_path_with_ten_events(ann)
    everything = await all_items(ann, path)
    at = everything[4]["at"]
    later = [one for one in everything if one["at"] >= at]
    assert 0 < len(later) < len(everything)
    assert await all_items(ann, f"{path}?since={at}") == later
    assert await all_items(ann, f"{path}?until={at}") == everything[len(later) :]
    assert await all_items(ann, f"{path}?since={at}&until={at}") == []
    elsewhere = datetime.fromisoformat(at) + timedelta(microseconds=1)
    assert await all_items(ann, f"{path}?until={quote(elsewhere.isoformat())}") == [
        one for one in everything if one["at"] <= at
    ]


@pytest.mark.parametrize("limit", [1, 2, 8, 9, 10, 200])
@pytest.mark.parametrize("filter_", ["", "&since=2026-01-01T00:00:00Z"])
async def test_pages_add_up_to_the_activity(ann: ApiUser, limit: int, filter_: str) -> None:
    await activity_path_with_ten_events(ann)
    path: str | None = f"/workspaces/{ann.workspace}/activity?limit={limit}{filter_}"
    ann.fold()
    shown = list[int]()
    while path:
        page = await ann.request("GET", path)
        assert 0 < len(page.json()["items"]) <= limit
        shown += [item["position"] for item in page.json()["items"]]
        path = page.links["next"]["url"].removeprefix("/api/v1") if "next" in page.links else None
        assert (path is None) == (page.json()["next_cursor"] is None)
    assert len(shown) == 9
    assert shown == [item["position"] for item in await all_items(ann, f"/workspaces/{ann.workspace}/activity")]


async def test_events_between_two_pages_are_on_neither(ann: ApiUser) -> None:
    path = await activity_path_with_ten_events(ann)
    everything = await all_items(ann, path)
    first = await ann.get(f"{path}?limit=2")
    await ann.create_task("Late")
    second = await ann.get(f"{path}?limit=200&cursor={first['next_cursor']}")
    assert first["items"] + second["items"] == everything


async def test_a_cursor_is_valid_for_its_list_and_filter_only(ann: ApiUser, bob: ApiUser) -> None:
    path, other = await activity_path_with_ten_events(ann), await activity_path_with_ten_events(bob)
    task = (await all_items(ann, path))[0]["stream"]
    plain = (await ann.get(f"{path}?limit=1"))["next_cursor"]
    filtered = (await ann.get(f"{path}?limit=1&since=2026-01-01T00:00:00Z"))["next_cursor"]
    for asker, asked in (
        (ann, f"{path}?since=2026-01-01T00:00:00Z&cursor={plain}"),
        (ann, f"{path}?actor={ann.id}&cursor={plain}"),
        (ann, f"{path}?cursor={filtered}"),
        (ann, f"{path}?until=2026-01-01T00:00:00Z&cursor={filtered}"),
        (ann, f"{path}?since=2026-01-01T00:00:01Z&cursor={filtered}"),
        (bob, f"{other}?cursor={plain}"),
        (ann, f"/tasks/{task}/history?cursor={plain}"),
        (ann, f"/projects/{ann.project}/tasks?cursor={plain}"),
    ):
        assert_problem(await asker.request("GET", asked), 400, "cursor_mismatch")
    for same in ("2026-01-01T00:00:00.000Z", "2026-01-01T03:00:00%2B03:00"):
        assert (await ann.request("GET", f"{path}?since={same}&cursor={filtered}")).status_code == 200


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("actor=ann", "invalid_parameter"),
        ("actor=", "invalid_parameter"),
        ("actor=%00", "invalid_parameter"),
        ("type=", "invalid_parameter"),
        ("type=TaskSung", "invalid_parameter"),
        ("type=taskcompleted", "invalid_parameter"),
        ("type=%00", "invalid_parameter"),
        ("type=" + "a" * 5_000, "invalid_parameter"),
        ("since=", "invalid_parameter"),
        ("since=yesterday", "invalid_parameter"),
        ("since=2026-12-01", "invalid_parameter"),
        ("since=2026-12-01T10:00:00", "invalid_parameter"),
        ("since=2026-02-30T10:00:00Z", "invalid_parameter"),
        ("since=2026-12-01T10:00:00+03:00", "invalid_parameter"),
        ("since=0001-01-01T00:00:00%2B14:00", "invalid_parameter"),
        ("since=1790000000", "invalid_parameter"),
        ("until=9999-12-31T23:59:59-12:00", "invalid_parameter"),
        ("until=%00", "invalid_parameter"),
        ("since=2026-01-01T00:00:00Z&since=2026-01-01T00:00:00Z", "repeated_parameter"),
        ("at=2026-01-01T00:00:00Z", "unknown_parameter"),
        ("limit=0", "invalid_parameter"),
        ("cursor=garbage", "bad_cursor"),
        ("min_position=-1", "invalid_parameter"),
    ],
)
async def test_a_wrong_parameter_is_refused(shared_user: ApiUser, query: str, code: str) -> None:
    problem = assert_problem(
        await shared_user.request("GET", f"/workspaces/{shared_user.workspace}/activity?{query}"), 400, code
    )
    assert "pointer" not in problem or problem["errors"][0]["pointer"] == f"?{query.partition('=')[0]}"


async def test_since_and_until_may_be_at_the_ends_of_the_calendar(shared_user: ApiUser) -> None:
    shared_user.fold()
    path = f"/workspaces/{shared_user.workspace}/activity"
    for query in ("since=0001-01-01T00:00:00Z", "until=9999-12-31T23:59:59Z"):
        assert await all_items(shared_user, f"{path}?{query}") == await all_items(shared_user, path)


async def test_an_unchanged_activity_is_not_sent_again(ann: ApiUser) -> None:
    path = await activity_path_with_ten_events(ann)
    ann.fold()
    first = await ann.request("GET", path)
    headers = {"If-None-Match": first.headers["etag"]}
    again = await ann.request("GET", path, headers=headers)
    assert (again.status_code, again.content) == (304, b"")
    await ann.create_task()
    ann.fold()
    assert (await ann.request("GET", path, headers=headers)).status_code == 200


async def test_an_activity_waits_for_a_position(ann: ApiUser) -> None:
    path = await activity_path_with_ten_events(ann)
    position = (await ann.post(f"/tasks/{await ann.create_task()}/complete"))["position"]
    asked = f"{path}?min_position={position}"
    assert_problem(await ann.request("GET", asked, headers={"Prefer": "wait=0"}), 503, "projection_behind")
    ann.fold()
    answer = await ann.request("GET", asked)
    assert answer.json()["items"][0]["position"] == position
    assert int(answer.headers["taskledger-position"]) >= position


async def test_an_activity_is_for_members(ann: ApiUser, bob: ApiUser) -> None:
    theirs = await activity_path_with_ten_events(bob)
    bob.fold()
    for path in (theirs, f"/workspaces/{new_id()}/activity", f"{theirs}?actor={bob.id}"):
        assert_problem(await ann.request("GET", path), 404, "not_found")
    assert_problem(await ann.request("GET", "/workspaces/home/activity"), 400, "invalid_id")
    assert_problem(await ann.client.get(theirs), 401, "unauthorized")


async def test_an_unknown_event_is_listed_by_its_type_only(administrator: ApiUser, isolated_settings: Settings) -> None:
    with psycopg.connect(isolated_settings.migration_url) as owner:
        owner.execute(
            """insert into log.events (originator_id, originator_version, topic, state, actor_id, workspace_id)
               values (%s, 1, 'TaskSung', '{"song": "secret"}', %s, %s)""",
            (new_id(), administrator.id, administrator.workspace),
        )
    newest = (await all_items(administrator, f"/workspaces/{administrator.workspace}/activity"))[0]
    assert (newest["type"], newest["changes"], newest["actor"]["name"]) == ("TaskSung", {}, "Root")


def _append_member_joined(settings: Settings, workspace: str, user: str) -> None:
    """As invitations may do one day."""
    stream, joined = member_stream_id(UUID(workspace), UUID(user)), MemberJoined(UUID(user), "member")
    with psycopg.connect(settings.migration_url) as owner:
        owner.execute(
            """insert into log.events (originator_id, originator_version, topic, state, actor_id, workspace_id)
               values (%s, 1, %s, %s, %s, %s)""",
            (stream, codec.stored_name_of(joined), codec.encode(joined), new_id(), workspace),
        )
