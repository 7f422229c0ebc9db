"""The past over HTTP: every question as of any position and time has the answer that it had then."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest

from infra.clock import now
from infra.settings import Settings
from tests.api.endpoints.test_trash import purge_all
from tests.api.problems import assert_problem
from tests.api_user import ApiUser

pytestmark = pytest.mark.asyncio(loop_scope="package")

Answers = dict[str, Any]


async def history(user: ApiUser) -> AsyncIterator[int]:
    """Change all that questions show; yields the position after each change."""

    async def send(method: str, path: str, **body: Any) -> int:
        headers = {} if path.endswith(("comments", "time", "filters", "shop", "watch")) else {"If-Match": "*"}
        response = await user.request(method, path, json=body or None, headers=headers)
        assert response.is_success, response.text
        return int(response.headers["taskledger-position"])

    milk, bread = await user.create_task("Oat milk", labels=["Shop"]), await user.create_task("Bread")
    yield await send("PATCH", f"/tasks/{milk}", title="Rye bread", due="2026-12-01", description="From the *baker*")
    yield await send("POST", f"/tasks/{bread}/comments", text="The sourdough one")
    yield await send("POST", f"/tasks/{milk}/move", column="doing")
    yield await send("PATCH", f"/projects/{user.project}", name="Pantry")
    yield await send("PUT", f"/projects/{user.project}/fields", fields=[{"name": "Size", "type": "text"}])
    yield await send("PATCH", f"/tasks/{bread}", fields={"Size": "large"})
    yield await send("POST", f"/tasks/{bread}/parent", parent_id=milk)
    yield await send("POST", f"/tasks/{bread}/complete")
    columns = [{"id": "todo", "name": "To do"}, {"id": "done", "name": "Done"}]
    yield await send("PUT", f"/projects/{user.project}/columns", columns=columns, keep=True)
    yield await send("POST", f"/tasks/{milk}/move", column="done")
    yield await send("POST", f"/tasks/{milk}/assign", user_id=user.id)
    yield await send("DELETE", f"/tasks/{bread}")
    yield await send("POST", f"/tasks/{bread}/restore")
    yield await send("PUT", f"/workspaces/{user.workspace}/labels/shop", colour="#00ff00")
    yield await attach(user, milk)
    yield await send("POST", f"/tasks/{milk}/time", minutes=5, on="2026-11-30")
    yield await send("DELETE", f"/tasks/{bread}/watch")
    yield await send("POST", "/filters", name="Bakery", filter="bread")
    yield await send("POST", f"/tasks/{milk}/archive")
    yield await send("POST", f"/projects/{user.project}/archive")


async def attach(user: ApiUser, task: str) -> int:
    headers = {"Content-Disposition": 'attachment; filename="list.txt"', "Content-Type": "text/plain"}
    response = await user.request("POST", f"/tasks/{task}/attachments", content=b"oats", headers=headers)
    assert response.is_success, response.text
    return int(response.headers["taskledger-position"])


def questions(user: ApiUser) -> list[str]:
    """One address of each kind that can be asked about the past."""
    project = f"/projects/{user.project}"
    return [
        *(f"/tasks?filter={quote(text)}" for text in ("bread", "oat or baker", "sourdough", "label:shop")),
        *(
            f"{project}/tasks?filter={quote(text)}"
            for text in ("bread", "column:doing", "is:archived", "due<2027-01-01")
        ),
        project,
        f"/workspaces/{user.workspace}/projects?archived=true",
        f"/workspaces/{user.workspace}/projects/KIT",
        f"{project}/tasks?sort=-title&count=exact",
        f"{project}/tasks?sort=-updated&limit=1",
        f"{project}/board?filter=bread&limit=1",
        *(f"/tasks/KIT-{number}" for number in (1, 2)),
        "/tasks/KIT-1/children",
        "/tasks/KIT-2/comments",
        *(f"/tasks/KIT-1/{part}" for part in ("attachments", "time")),
        "/tasks/KIT-2/watchers",
        f"/workspaces/{user.workspace}/labels",
        "/filters",
    ]


async def answers(user: ApiUser, moment: str = "") -> Answers:
    """The answers to all questions, with their tags: about the present, or about a moment."""
    found: Answers = {}
    for path in questions(user):
        response = await user.request("GET", path + (f"{'&' if '?' in path else '?'}{moment}" if moment else ""))
        body = response.json()
        found[path] = without_moments(body) if response.is_success else body["code"]
    return found


def without_moments(body: Any) -> Any:
    """An answer whose links say nothing of a moment."""
    if isinstance(body, dict):
        return {name: without_moments(value) for name, value in body.items()}
    if isinstance(body, list):
        return [without_moments(value) for value in body]
    return body.split("&as_of=")[0].split("&at_position=")[0] if isinstance(body, str) else body


async def test_every_answer_about_the_past_is_the_one_that_was_given_then(ann: ApiUser) -> None:
    given = list[tuple[int, Answers]]()
    async for position in history(ann):
        ann.fold()
        given.append((position, await answers(ann)))
    times = {item["position"]: item["at"] for item in await all_activity(ann)}
    assert len({str(one) for _, one in given}) == len(given)
    assert all(len({str(one[path]) for _, one in given}) > 1 for path in questions(ann))
    for turn, (position, expected) in enumerate(given[::2]):
        at = max(time for listed, time in times.items() if listed <= position)
        moment = f"as_of={quote(at)}" if turn % 2 else f"at_position={position}"
        compare(await answers(ann, moment), expected)


def compare(found: Answers, expected: Answers) -> None:
    for path, body in expected.items():
        assert found[path] == body, path


async def all_activity(user: ApiUser) -> Sequence[dict[str, Any]]:
    return list((await user.get(f"/workspaces/{user.workspace}/activity?limit=200"))["items"])


async def test_the_present_is_the_last_moment_of_the_past(ann: ApiUser) -> None:
    task = await ann.create_task("Milk")
    ahead = quote((now() + timedelta(seconds=3)).isoformat())
    for moment in (quote(now().isoformat()), ahead):
        ann.fold()
        shown = await ann.get(f"/tasks/{task}?as_of={moment}")
        assert shown["title"] == "Milk"


async def test_a_moment_is_named_in_the_answer_and_in_its_links(ann: ApiUser) -> None:
    for title in ("Milk", "Bread", "Salt"):
        await ann.create_task(title)
    ann.fold()
    at = now()
    path = f"/projects/{ann.project}/tasks?limit=1&as_of={quote(at.isoformat())}"
    response = await ann.request("GET", path)
    assert parsedate_to_datetime(response.headers["memento-datetime"]) == at.replace(microsecond=0)
    assert f"as_of={quote(at.isoformat(), safe='')}" in response.headers["link"]
    board = await ann.get(f"/projects/{ann.project}/board?limit=1&as_of={quote(at.isoformat())}")
    following = next(column["next"] for column in board["columns"] if column["next"])
    await ann.create_task("Flour")
    rest = await ann.get(following.removeprefix("/api/v1"))
    assert [item["title"] for item in rest["items"]] == ["Bread"]


async def test_one_time_is_the_same_in_every_zone(ann: ApiUser) -> None:
    task = await ann.create_task("Milk")
    created = datetime.fromisoformat((await ann.get(f"/tasks/{task}"))["created_at"])
    response = await ann.request("PATCH", f"/tasks/{task}", json={"title": "Bread"}, headers={"If-Match": "*"})
    assert response.is_success
    for zone in ("Pacific/Kiritimati", "Asia/Kathmandu", "America/St_Johns", "UTC"):
        at = created.astimezone(ZoneInfo(zone)).isoformat()
        assert (await ann.get(f"/tasks/{task}?as_of={quote(at)}"))["title"] == "Milk"


async def test_before_the_first_event_there_is_nothing(ann: ApiUser) -> None:
    task = await ann.create_task("Milk")
    ann.fold()
    for moment in ("as_of=0001-01-01T00:00:00Z", "at_position=0"):
        assert_problem(await ann.request("GET", f"/tasks/{task}?{moment}"), 404, "not_found")
        assert (await ann.get(f"/projects/{ann.project}/tasks?{moment}"))["items"] == []
        assert (await ann.get(f"/workspaces/{ann.workspace}/projects?{moment}"))["items"] == []


@pytest.mark.parametrize(
    ("moment", "status", "code"),
    [
        ("as_of=2026-01-01T00:00:00Z&at_position=1", 400, "two_moments"),
        ("as_of=2026-01-01", 400, "invalid_parameter"),
        ("as_of=2026-01-01T00:00:00", 400, "invalid_parameter"),
        ("as_of=", 400, "invalid_parameter"),
        ("at_position=-1", 400, "invalid_parameter"),
        ("at_position=9223372036854775807", 422, "in_the_future"),
        ("as_of=2999-01-01T00:00:00Z", 422, "in_the_future"),
        ("as_of=9999-12-31T23:59:59.999999Z", 422, "in_the_future"),
    ],
)
async def test_other_moments_are_refused(shared_user: ApiUser, moment: str, status: int, code: str) -> None:
    for path in ("/tasks", f"/projects/{shared_user.project}", f"/projects/{shared_user.project}/board"):
        assert_problem(await shared_user.request("GET", f"{path}?{moment}"), status, code)


async def test_what_was_purged_is_in_no_answer_about_the_past(ann: ApiUser, settings: Settings) -> None:
    kept, task = await ann.create_task("Bread"), await ann.create_task("Milk")
    edited = await ann.request("PATCH", f"/tasks/{task}", json={"title": "Oats"}, headers={"If-Match": "*"})
    moment = f"at_position={edited.headers['taskledger-position']}"
    project = f"/projects/{ann.project}"
    before = await ann.get(f"{project}/tasks?{moment}")
    assert [item["id"] for item in before["items"]] == [kept, task]
    assert (await ann.get(f"{project}?{moment}"))["counts"] == {"todo": {"open": 2}}
    assert (await ann.request("DELETE", f"/tasks/{task}", headers={"If-Match": "*"})).is_success
    await purge_all(ann, settings)
    assert_problem(await ann.request("GET", f"/tasks/{task}?{moment}"), 410, "purged")
    assert [item["id"] for item in (await ann.get(f"{project}/tasks?{moment}"))["items"]] == [kept]
    assert (await ann.get(f"/tasks?filter=oats&{moment}"))["items"] == []
    assert (await ann.get(f"{project}?{moment}"))["counts"] == {"todo": {"open": 1}}


async def test_a_search_in_a_body_takes_a_moment_too(ann: ApiUser) -> None:
    task = await ann.post(f"/projects/{ann.project}/tasks", title="Milk")
    ann.fold()
    found = await ann.post("/tasks/search", filter="milk", at_position=task["position"])
    assert [item["id"] for item in found["items"]] == [task["id"]]
    earlier = await ann.post("/tasks/search", filter="milk", at_position=task["position"] - 1)
    assert earlier["items"] == []


async def test_today_s_rights_decide_about_the_past(ann: ApiUser, bob: ApiUser) -> None:
    await ann.request("PUT", f"/workspaces/{ann.workspace}/members/{bob.id}", json={"role": "member"})
    task = await ann.post(f"/projects/{ann.project}/tasks", title="Milk")
    path = f"/tasks/{task['id']}?at_position={task['position']}"
    assert (await bob.get(path))["title"] == "Milk"
    await ann.request("DELETE", f"/workspaces/{ann.workspace}/members/{bob.id}")
    assert_problem(await bob.request("GET", path), 404, "not_found")
