"""Diff over HTTP: what differs between two moments, who changed it, and how that is said."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import pytest

from domain import diff
from domain.diff import FieldChange
from infra.clock import now
from infra.settings import Settings
from tests.api.endpoints.test_trash import purge_all
from tests.api.problems import assert_problem
from tests.api_user import ApiUser

pytestmark = pytest.mark.asyncio(loop_scope="package")

Items = list[dict[str, Any]]


async def position(user: ApiUser) -> int:
    """The last position of the log."""
    return int(
        (await user.request("GET", f"/tasks/{await user.create_task('Marker')}/history")).headers["taskledger-position"]
    )


async def edit(user: ApiUser, task: str, **fields: Any) -> int:
    """Edit a task; returns the position after it."""
    return await send(user, "PATCH", f"/tasks/{task}", **fields)


async def send(user: ApiUser, method: str, path: str, **body: Any) -> int:
    headers = {} if path.endswith("comments") else {"If-Match": "*"}
    response = await user.request(method, path, json=body or None, headers=headers)
    assert response.is_success, response.text
    return int(response.headers["taskledger-position"])


async def all_items(user: ApiUser, query: str, **headers: str) -> Items:
    """The items of all pages."""
    user.fold()
    items, more = Items(), ""
    while True:
        response = await user.request("GET", f"/diff?{query}{more}", headers=headers)
        assert response.status_code == 200, response.text
        page = response.json()
        items += page["items"]
        if page["next_cursor"] is None:
            break
        more = f"&cursor={page['next_cursor']}"
    return items


async def test_a_changed_task_has_its_fields_with_the_events_responsible(ann: ApiUser) -> None:
    milk = await ann.create_task("Milk", due="2026-03-01")
    start = await edit(ann, milk, labels=["Shop"])
    first = await edit(ann, milk, due="2026-03-02")
    second = await edit(ann, milk, due="2026-03-03")
    (item,) = await all_items(ann, f"scope=task&id=kit-1&from_position={start}")
    assert (item["kind"], item["id"], item["key"], item["title"], item["change"]) == (
        *("task", milk, "KIT-1", "Milk", "changed"),
    )
    fields = {one["field"]: one for one in item["fields"]}
    assert fields.keys() == {"due", "version", "updated_at"}
    assert fields["due"] == {"field": "due", "old": "2026-03-01", "new": "2026-03-03", "events": [first, second]}
    history = (await ann.get(f"/tasks/{milk}/history"))["items"][:2]
    members = ("position", "version", "type", "at", "actor", "command_id", "stream")
    assert item["events"] == [{name: one[name] for name in members} for one in reversed(history)]
    assert item["sentences"] == ["KIT-1 “Milk”: due date moved from 1 March to 3 March by Ann."]


async def test_sentences_are_in_the_language_of_the_reader(ann: ApiUser) -> None:
    milk = await ann.create_task("Milk")
    start = await edit(ann, milk, priority="low")
    await send(ann, "POST", f"/tasks/{milk}/move", column="doing")
    await send(ann, "POST", f"/tasks/{milk}/assign", user_id=ann.id)
    ann.fold()
    path = f"/diff?scope=task&id={milk}&from_position={start}"
    for accepted, language, expected in (
        ("ru-RU,ru;q=0.9,en;q=0.8", "ru", "KIT-1 «Milk»: перенесена из колонки «To do» в колонку «In progress» (Ann)."),
        ("en", "en", "KIT-1 “Milk”: moved from “To do” to “In progress” by Ann."),
        ("fr", "en", "KIT-1 “Milk”: assigned to Ann by Ann."),
    ):
        response = await ann.request("GET", path, headers={"Accept-Language": accepted})
        assert response.headers["content-language"] == language
        assert "accept-language" in response.headers["vary"]
        assert expected in response.json()["items"][0]["sentences"]


async def test_a_diff_of_the_answers_then_is_the_difference_of_the_answers(ann: ApiUser) -> None:
    """Tasks of a project, as the list shows them; by position and by time."""
    milk, bread = await ann.create_task("Milk", labels=["Shop"]), await ann.create_task("Bread")
    await send(ann, "PUT", f"/projects/{ann.project}/fields", fields=[{"name": "Size", "type": "text"}])
    moments = [await edit(ann, bread, fields={"Size": "large"})]
    moments.append(await send(ann, "DELETE", f"/tasks/{bread}"))
    await send(ann, "POST", f"/tasks/{milk}/comments", text="Which one?")
    await ann.create_task("Salt")
    moments.append(await edit(ann, milk, title="Oats", estimate=30, fields={"Size": "small"}))
    moments.append(await send(ann, "POST", f"/tasks/{bread}/restore"))
    ann.fold()
    times = {item["position"]: item["at"] for item in (await ann.get(f"/workspaces/{ann.workspace}/activity"))["items"]}
    for first, start in enumerate(moments):
        for end in moments[first:]:
            states = [await tasks_at(ann, f"at_position={moment}") for moment in (start, end)]
            query = f"scope=project&id={ann.project}&from_position={start}&to_position={end}"
            assert applied(states[0], await all_items(ann, query)) == states[1]
            query = f"scope=project&id={ann.project}&from={quote(times[start])}&to={quote(times[end])}"
            assert applied(states[0], await all_items(ann, query)) == states[1]


async def tasks_at(user: ApiUser, moment: str) -> dict[str, diff.Document]:
    """The tasks of a project that are not in the trash, by id, with custom fields as fields."""
    page = await user.get(f"/projects/{user.project}/tasks?{moment}")
    return {item["id"]: without_nulls(diff.flatten(item, ["fields"])) for item in page["items"]}


def without_nulls(state: Mapping[str, Any]) -> diff.Document:
    return {name: value for name, value in state.items() if value is not None}


def applied(states: Mapping[str, diff.Document], items: Items) -> dict[str, diff.Document]:
    """The tasks after what a diff says."""
    after = dict(states)
    for item in items:
        if item["kind"] == "task":
            changes = [FieldChange(one["field"], one["old"], one["new"]) for one in item["fields"]]
            after[item["id"]] = without_nulls(diff.apply(states.get(item["id"]), changes))
    return {key: state for key, state in after.items() if state}


async def test_a_project_is_compared_with_its_tasks_and_their_comments(ann: ApiUser) -> None:
    milk = await ann.create_task("Milk")
    start = await edit(ann, milk, title="Oats")
    await send(ann, "PATCH", f"/projects/{ann.project}", name="Pantry")
    await send(ann, "POST", f"/tasks/{milk}/comments", text="Which one?")
    await send(ann, "DELETE", f"/tasks/{milk}")
    await ann.create_task("Bread")
    items = await all_items(ann, f"scope=project&id=KIT&from_position={start}")
    assert [(item["kind"], item["change"]) for item in items] == [
        *(("project", "changed"), ("task", "removed"), ("task", "added"), ("comment", "added")),
    ]
    assert [item["sentences"] for item in items] == [
        ["Project KIT “Pantry”: name changed from “Kitchen” to “Pantry” by Ann."],
        ["KIT-1 “Oats”: deleted by Ann."],
        ["KIT-2 “Bread”: added by Ann."],
        ["Comment on KIT-1 “Oats”: added by Ann."],
    ]
    of_workspace = await all_items(ann, f"scope=workspace&id={ann.workspace}&from_position={start}")
    assert of_workspace == items


async def test_a_task_that_is_deleted_and_restored_is_not_removed(ann: ApiUser) -> None:
    milk = await ann.create_task("Milk")
    start = await edit(ann, milk, title="Oats")
    gone = await send(ann, "DELETE", f"/tasks/{milk}")
    await send(ann, "POST", f"/tasks/{milk}/restore")
    query = f"scope=project&id=KIT&from_position={start}"
    (removed,) = await all_items(ann, f"{query}&to_position={gone}")
    (restored,) = await all_items(ann, f"scope=project&id=KIT&from_position={gone}")
    (both,) = await all_items(ann, query)
    assert [removed["change"], restored["change"], both["change"]] == ["removed", "added", "changed"]
    assert restored["sentences"] == ["KIT-1 “Oats”: restored by Ann."]
    assert both["sentences"] == ["KIT-1 “Oats”: changed and changed back by Ann."]
    assert {field["field"] for field in both["fields"]} == {"version", "updated_at"}


async def test_a_task_that_moves_leaves_one_project_and_arrives_in_another(ann: ApiUser) -> None:
    pantry = (await ann.post(f"/workspaces/{ann.workspace}/projects", name="Pantry", key="PAN"))["id"]
    milk = await ann.create_task("Milk")
    start = await edit(ann, milk, title="Oats")
    await send(ann, "POST", f"/tasks/{milk}/move", project_id=pantry)
    (left,) = [
        one for one in await all_items(ann, f"scope=project&id=KIT&from_position={start}") if one["kind"] == "task"
    ]
    (arrived,) = await all_items(ann, f"scope=project&id={pantry}&from_position={start}")
    (moved,) = await all_items(ann, f"scope=workspace&id={ann.workspace}&from_position={start}")
    assert left["sentences"] == ["KIT-1 “Oats”: moved to another project by Ann."]
    assert arrived["sentences"] == ["PAN-1 “Oats”: moved here by Ann."]
    assert "PAN-1 “Oats”: moved from project “Kitchen” to project “Pantry” by Ann." in moved["sentences"]


async def test_a_moment_and_itself_do_not_differ(ann: ApiUser) -> None:
    milk = await ann.create_task("Milk")
    at, last = quote(now().isoformat()), await edit(ann, milk, title="Oats")
    for scope, name in (("task", milk), ("project", "KIT"), ("workspace", ann.workspace)):
        for moments in (f"from={at}&to={at}", f"from_position={last}&to_position={last}", f"from_position={last}"):
            assert await all_items(ann, f"scope={scope}&id={name}&{moments}") == []


async def test_pages_keep_the_second_moment_of_the_first(ann: ApiUser) -> None:
    start = await edit(ann, await ann.create_task("Milk"), title="Oats")
    for number in range(5):
        await ann.create_task(f"Bread {number}")
    query = f"scope=project&id=KIT&from_position={start}"
    ann.fold()
    answer = await ann.request("GET", f"/diff?{query}&limit=2")
    page, titles = answer.json(), list[str]()
    assert 'rel="next"' in answer.headers["link"]
    while True:
        titles += [item["title"] for item in page["items"]]
        await ann.create_task("Salt")
        if page["next_cursor"] is None:
            break
        page = await ann.get(f"/diff?{query}&limit=2&cursor={page['next_cursor']}")
    assert titles == [f"Bread {number}" for number in range(5)]


async def test_a_time_stands_for_the_same_as_the_position_recorded_last(ann: ApiUser) -> None:
    milk = await ann.create_task("Milk")
    start = await edit(ann, milk, title="Oats")
    at = quote(now().isoformat())
    await edit(ann, milk, priority="high")
    expected = await all_items(ann, f"scope=task&id={milk}&from_position={start}")
    end = await position(ann)
    for moments in (f"from={at}", f"from={at}&to_position={end}", f"from={at.replace('%2B00%3A00', 'Z')}"):
        assert await all_items(ann, f"scope=task&id={milk}&{moments}") == expected


async def test_what_was_purged_is_in_no_diff(ann: ApiUser, settings: Settings) -> None:
    start = await edit(ann, await ann.create_task("Bread"), title="Rye")
    milk = await ann.create_task("Milk")
    end = await send(ann, "POST", f"/tasks/{milk}/comments", text="Secret")
    await send(ann, "DELETE", f"/tasks/{milk}")
    query = f"scope=workspace&id={ann.workspace}&from_position={start}"
    assert [item["kind"] for item in await all_items(ann, f"{query}&to_position={end}")] == ["task", "comment"]
    await purge_all(ann, settings)
    assert await all_items(ann, f"{query}&to_position={end}") == await all_items(ann, query) == []
    answer = await ann.request("GET", f"/diff?scope=task&id={milk}&from_position={start}")
    assert_problem(answer, 410, "purged")


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("", 400, "invalid_parameter"),
        ("scope=project&from_position=1", 400, "invalid_parameter"),
        ("id=KIT&from_position=1", 400, "invalid_parameter"),
        ("scope=column&id=KIT&from_position=1", 400, "invalid_parameter"),
        ("scope=project&id=KIT&from=2026-01-01", 400, "invalid_parameter"),
        ("scope=project&id=KIT&from_position=2&to_position=1", 400, "invalid_parameter"),
        ("scope=project&id=KIT&from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", 400, "invalid_parameter"),
        ("scope=project&id=KIT&from=2026-01-02T00:00:00Z&from_position=1", 400, "two_moments"),
        ("scope=project&id=KIT&from_position=1&to=2026-01-02T00:00:00Z&to_position=1", 400, "two_moments"),
        ("scope=project&id=KIT&from_position=1&to_position=9223372036854775807", 422, "in_the_future"),
        ("scope=project&id=KIT&from=2999-01-01T00:00:00Z", 422, "in_the_future"),
        ("scope=project&id=!&from_position=1", 400, "invalid_id"),
        ("scope=workspace&id=KIT&from_position=1", 400, "invalid_id"),
        ("scope=project&id=KIT&from_position=1&cursor=x", 400, "bad_cursor"),
        ("scope=project&id=ABC&from_position=1", 404, "not_found"),
        ("scope=task&id=KIT-999&from_position=1", 404, "not_found"),
    ],
)
async def test_other_requests_are_refused(shared_user: ApiUser, query: str, status: int, code: str) -> None:
    shared_user.fold()
    query = query.replace("scope=project&id=KIT&", f"scope=project&id={shared_user.project}&")
    assert_problem(await shared_user.request("GET", f"/diff?{query}"), status, code)


async def test_a_cursor_belongs_to_its_diff(ann: ApiUser) -> None:
    for title in ("Milk", "Bread", "Salt"):
        await ann.create_task(title)
    ann.fold()
    page = await ann.get("/diff?scope=project&id=KIT&from_position=0&limit=1")
    assert page["from"] == {"position": 0, "at": None}
    answer = await ann.request("GET", f"/diff?scope=project&id=KIT&from_position=1&cursor={page['next_cursor']}")
    assert_problem(answer, 400, "cursor_mismatch")


async def test_today_s_rights_decide(ann: ApiUser, bob: ApiUser) -> None:
    milk = await ann.create_task("Milk")
    end = await edit(ann, milk, title="Oats")
    queries = [f"scope=task&id={milk}", f"scope=project&id={ann.project}", f"scope=workspace&id={ann.workspace}"]

    async def statuses() -> set[int]:
        found = [await bob.request("GET", f"/diff?{one}&from_position=0&to_position={end}") for one in queries]
        return {answer.status_code for answer in found}

    ann.fold()
    assert await statuses() == {404}
    await ann.request("PUT", f"/workspaces/{ann.workspace}/members/{bob.id}", json={"role": "viewer"})
    assert await statuses() == {200}
    await ann.request("DELETE", f"/workspaces/{ann.workspace}/members/{bob.id}")
    assert await statuses() == {404}


async def test_a_stranger_is_answered_as_if_nothing_was_there(ann: ApiUser, bob: ApiUser) -> None:
    """The id of another's workspace, project or task is as good as no id; another's key leads to nothing."""
    milk = await ann.create_task("Milk")
    absent = "01890000-0000-7000-8000-000000000000"
    for scope, name in (("task", milk), ("project", ann.project), ("workspace", ann.workspace)):
        answers = [await bob.request("GET", f"/diff?scope={scope}&id={one}&from_position=0") for one in (name, absent)]
        problems = [assert_problem(answer, 404, "not_found") for answer in answers]
        assert problems[0]["detail"] == problems[1]["detail"]
    mine = await all_items(bob, "scope=project&id=KIT&from_position=0")
    assert [item["id"] for item in mine] == [bob.project]
    other = await bob.request("GET", f"/diff?scope=project&id={bob.project}&from_position=0&cursor=")
    assert other.status_code == 400


async def test_the_name_of_a_user_in_a_text_is_not_told(ann: ApiUser, bob: ApiUser) -> None:
    """Only a field of people has names: a text that is a stranger's id stays a text."""
    await send(ann, "PUT", f"/projects/{ann.project}/fields", fields=[{"name": "Note", "type": "text"}])
    milk = await ann.create_task("Milk")
    start = await edit(ann, milk, title="Oats")
    await edit(ann, milk, fields={"Note": bob.id})
    (item,) = await all_items(ann, f"scope=task&id={milk}&from_position={start}")
    assert item["sentences"] == [f"KIT-1 “Oats”: “Note” set to “{bob.id}” by Ann."]
