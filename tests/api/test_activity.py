"""The activity of a workspace: all that happened in it, newest first, and the parts that one can ask for."""

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
from tests.api.problems import refused
from tests.visitor import Visitor

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def lively(ann: Visitor) -> str:
    """The path of the activity of a workspace in which ten things happened, with a task that tells five of them."""
    task = await ann.task("Milk")
    edit = {"title": "Bread", "due": "2026-12-01", "expected_version": 1}
    assert (await ann.ask("PATCH", f"/tasks/{task}", json=edit)).status_code == 200
    await ann.post(f"/tasks/{task}/complete")
    await ann.post(f"/tasks/{await ann.task('Tea')}/complete")
    return f"/workspaces/{ann.workspace}/activity"


async def told(ann: Visitor, path: str) -> list[dict[str, Any]]:
    """All that it shows."""
    items: list[dict[str, Any]] = (await ann.get(path))["items"]
    return items


async def test_an_activity_is_all_that_happened_newest_first_without_reservations(ann: Visitor) -> None:
    items = await told(ann, await lively(ann))
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


async def test_an_item_is_the_same_as_in_the_history_of_its_task(ann: Visitor) -> None:
    items = await told(ann, await lively(ann))
    task = items[-4]["stream"]
    assert [item for item in items if item["stream"] == task] == await told(ann, f"/tasks/{task}/history")


async def test_an_activity_of_one_actor_is_what_that_one_did(ann: Visitor, bob: Visitor, settings: Settings) -> None:
    path = await lively(ann)
    _join(settings, ann.workspace, bob.id)
    theirs = (await bob.post(f"/projects/{ann.project}/tasks", title="Beer"))["id"]
    everything = await told(ann, path)
    assert await told(bob, path) == everything
    (created,) = await told(ann, f"{path}?actor={bob.id}")
    assert (created["stream"], created["actor"]["name"]) == (theirs, "Bob")
    assert await told(ann, f"{path}?actor={ann.id}") == [one for one in everything if one["actor"]["id"] == ann.id]
    assert await told(ann, f"{path}?actor={new_id()}") == []


async def test_an_activity_of_one_type_is_the_events_of_that_name(ann: Visitor) -> None:
    path = await lively(ann)
    done = [one for one in await told(ann, path) if one["type"] == "TaskCompleted"]
    assert await told(ann, f"{path}?type=TaskCompleted") == done
    assert await told(ann, f"{path}?type=TaskCompleted&actor={ann.id}&since=2026-01-01T00:00:00Z") == done
    assert await told(ann, f"{path}?type=TaskTrashed") == []


async def test_since_is_included_and_until_is_not(ann: Visitor) -> None:
    path = await lively(ann)
    everything = await told(ann, path)
    at = everything[4]["at"]
    later = [one for one in everything if one["at"] >= at]
    assert 0 < len(later) < len(everything)
    assert await told(ann, f"{path}?since={at}") == later
    assert await told(ann, f"{path}?until={at}") == everything[len(later) :]
    assert await told(ann, f"{path}?since={at}&until={at}") == []
    elsewhere = datetime.fromisoformat(at) + timedelta(microseconds=1)
    assert await told(ann, f"{path}?until={quote(elsewhere.isoformat())}") == [
        one for one in everything if one["at"] <= at
    ]


@pytest.mark.parametrize("limit", [1, 2, 8, 9, 10, 200])
@pytest.mark.parametrize("filter_", ["", "&since=2026-01-01T00:00:00Z"])
async def test_an_activity_in_pages_is_the_activity(ann: Visitor, limit: int, filter_: str) -> None:
    await lively(ann)
    path: str | None = f"/workspaces/{ann.workspace}/activity?limit={limit}{filter_}"
    ann.fold()
    shown = list[int]()
    while path:
        page = await ann.ask("GET", path)
        assert 0 < len(page.json()["items"]) <= limit
        shown += [item["position"] for item in page.json()["items"]]
        path = page.links["next"]["url"].removeprefix("/api/v1") if "next" in page.links else None
        assert (path is None) == (page.json()["next_cursor"] is None)
    assert len(shown) == 9
    assert shown == [item["position"] for item in await told(ann, f"/workspaces/{ann.workspace}/activity")]


async def test_what_happens_between_two_pages_is_on_neither(ann: Visitor) -> None:
    path = await lively(ann)
    everything = await told(ann, path)
    first = await ann.get(f"{path}?limit=2")
    await ann.task("Late")
    second = await ann.get(f"{path}?limit=200&cursor={first['next_cursor']}")
    assert first["items"] + second["items"] == everything


async def test_a_cursor_is_of_one_list_under_one_filter(ann: Visitor, bob: Visitor) -> None:
    path, other = await lively(ann), await lively(bob)
    task = (await told(ann, path))[0]["stream"]
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
        refused(await asker.ask("GET", asked), 400, "cursor_mismatch")
    for same in ("2026-01-01T00:00:00.000Z", "2026-01-01T03:00:00%2B03:00"):
        assert (await ann.ask("GET", f"{path}?since={same}&cursor={filtered}")).status_code == 200


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
async def test_a_wrong_parameter_is_refused(house: Visitor, query: str, code: str) -> None:
    problem = refused(await house.ask("GET", f"/workspaces/{house.workspace}/activity?{query}"), 400, code)
    assert "pointer" not in problem or problem["errors"][0]["pointer"] == f"?{query.partition('=')[0]}"


async def test_the_calendar_has_no_end_for_who_asks(house: Visitor) -> None:
    house.fold()
    path = f"/workspaces/{house.workspace}/activity"
    for query in ("since=0001-01-01T00:00:00Z", "until=9999-12-31T23:59:59Z"):
        assert await told(house, f"{path}?{query}") == await told(house, path)


async def test_an_unchanged_activity_is_not_sent_again(ann: Visitor) -> None:
    path = await lively(ann)
    ann.fold()
    first = await ann.ask("GET", path)
    headers = {"If-None-Match": first.headers["etag"]}
    again = await ann.ask("GET", path, headers=headers)
    assert (again.status_code, again.content) == (304, b"")
    await ann.task()
    ann.fold()
    assert (await ann.ask("GET", path, headers=headers)).status_code == 200


async def test_an_activity_waits_for_a_position(ann: Visitor) -> None:
    path = await lively(ann)
    position = (await ann.post(f"/tasks/{await ann.task()}/complete"))["position"]
    asked = f"{path}?min_position={position}"
    refused(await ann.ask("GET", asked, headers={"Prefer": "wait=0"}), 503, "projection_behind")
    ann.fold()
    answer = await ann.ask("GET", asked)
    assert answer.json()["items"][0]["position"] == position
    assert int(answer.headers["taskledger-position"]) >= position


async def test_an_activity_is_for_members(ann: Visitor, bob: Visitor) -> None:
    theirs = await lively(bob)
    bob.fold()
    for path in (theirs, f"/workspaces/{new_id()}/activity", f"{theirs}?actor={bob.id}"):
        refused(await ann.ask("GET", path), 404, "not_found")
    refused(await ann.ask("GET", "/workspaces/home/activity"), 400, "invalid_id")
    refused(await ann.client.get(theirs), 401, "unauthorized")


async def test_an_event_that_this_code_does_not_know_is_shown_by_its_name_alone(root: Visitor, own: Settings) -> None:
    with psycopg.connect(own.migration_url) as owner:
        owner.execute(
            """insert into log.events (originator_id, originator_version, topic, state, actor_id, workspace_id)
               values (%s, 1, 'TaskSung', '{"song": "secret"}', %s, %s)""",
            (new_id(), root.id, root.workspace),
        )
    newest = (await told(root, f"/workspaces/{root.workspace}/activity"))[0]
    assert (newest["type"], newest["changes"], newest["actor"]["name"]) == ("TaskSung", {}, "Root")


def _join(settings: Settings, workspace: str, user: str) -> None:
    """As an invitation will do one day."""
    stream, joined = member_stream_id(UUID(workspace), UUID(user)), MemberJoined(UUID(user), "member")
    with psycopg.connect(settings.migration_url) as owner:
        owner.execute(
            """insert into log.events (originator_id, originator_version, topic, state, actor_id, workspace_id)
               values (%s, 1, %s, %s, %s, %s)""",
            (stream, codec.stored_name_of(joined), codec.encode(joined), new_id(), workspace),
        )
