"""The past over HTTP: every question as of any position and time has the answer that it had then."""

from collections.abc import AsyncIterator, Sequence
from typing import Any
from urllib.parse import quote

import pytest

from tests.api_user import ApiUser

pytestmark = pytest.mark.asyncio(loop_scope="package")

Answers = dict[str, tuple[int, Any]]


async def history(user: ApiUser) -> AsyncIterator[int]:
    """Change all that questions show; yields the position after each change."""

    async def send(method: str, path: str, **body: Any) -> int:
        headers = {} if path.endswith("comments") else {"If-Match": "*"}
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
    yield await send("POST", f"/tasks/{milk}/archive")
    yield await send("POST", f"/projects/{user.project}/archive")


def questions(user: ApiUser) -> list[str]:
    """One address of each kind that can be asked about the past."""
    project = f"/projects/{user.project}"
    searched = [f"{path}?filter={quote(text)}" for path in ("/tasks", f"{project}/tasks") for text in FILTERS]
    return [
        *searched,
        project,
        f"/workspaces/{user.workspace}/projects?archived=true",
        f"/workspaces/{user.workspace}/projects/KIT",
        f"{project}/tasks?sort=-title&count=exact",
        f"{project}/tasks?sort=-updated&limit=1",
        f"{project}/board",
        f"{project}/board?filter=bread&limit=1",
        *(f"/tasks/KIT-{number}{rest}" for number in (1, 2) for rest in ("", "/children", "/comments")),
    ]


FILTERS = (
    "bread",
    "oat or baker",
    "column:doing",
    "is:archived",
    "status:done",
    "due<2027-01-01",
    "sourdough",
    "label:shop",
)


async def answers(user: ApiUser, moment: str = "") -> Answers:
    """The answers to all questions, with their tags: about the present, or about a moment."""
    found: Answers = {}
    for path in questions(user):
        response = await user.request("GET", path + (f"{'&' if '?' in path else '?'}{moment}" if moment else ""))
        body = response.json()
        if response.is_success:
            found[path] = (response.headers["etag"], without_moments(body))
        else:
            found[path] = (response.status_code, body["code"])
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
    for position, expected in given:
        compare(await answers(ann, f"at_position={position}"), expected)
        compare(await answers(ann, f"as_of={quote(times[position])}"), expected)


def compare(found: Answers, expected: Answers) -> None:
    for path, (_, body) in expected.items():
        assert found[path][1] == body, path


async def all_activity(user: ApiUser) -> Sequence[dict[str, Any]]:
    return list((await user.get(f"/workspaces/{user.workspace}/activity?limit=200"))["items"])
