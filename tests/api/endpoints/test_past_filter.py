"""Filters about the past over HTTP: in lists, boards, searches, saved filters and bulk changes; and their refusals."""

from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest

from infra.clock import now
from tests.api.problems import assert_problem
from tests.api_user import ApiUser

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def change(user: ApiUser, method: str, path: str, **body: Any) -> None:
    response = await user.request(method, path, json=body or None, headers={"If-Match": "*"})
    assert response.is_success, response.text


async def tasks_with_a_past(user: ApiUser) -> tuple[str, str, str]:
    """Milk was in progress, and was renamed; bread was reopened; oats are new."""
    milk, bread, oats = [await user.create_task(title) for title in ("Milk", "Bread", "Oats")]
    await change(user, "POST", f"/tasks/{milk}/move", column="doing")
    await change(user, "POST", f"/tasks/{milk}/move", column="todo")
    await change(user, "PATCH", f"/tasks/{milk}", title="Oat milk")
    await change(user, "POST", f"/tasks/{bread}/complete")
    await change(user, "POST", f"/tasks/{bread}/reopen")
    return milk, bread, oats


async def titles(user: ApiUser, path: str, filter_: str) -> list[str]:
    items = (await user.get(f"{path}{'&' if '?' in path else '?'}filter={quote(filter_)}"))["items"]
    return [item["title"] for item in items]


async def test_a_filter_about_the_past_finds_tasks_wherever_filters_do(ann: ApiUser) -> None:
    milk, *_ = await tasks_with_a_past(ann)
    saved = await ann.post("/filters", name="Once begun", filter="was(column:doing)")
    project = f"/projects/{ann.project}"
    for path in (f"{project}/tasks", "/tasks"):
        assert await titles(ann, path, "was(column:doing)") == ["Oat milk"], path
        assert await titles(ann, path, "reopened>=1") == ["Bread"], path
        assert await titles(ann, path, "changed:title by:Ann since:today") == ["Oat milk"], path
        assert await titles(ann, path, "-was(status:done) -changed:column") == ["Oats"], path
        assert await titles(ann, path, "stale>1h") == [], path
    assert [item["id"] for item in (await ann.get(f"/filters/{saved['id']}/tasks"))["items"]] == [milk]
    found = await ann.post("/tasks/search", filter="changed:column until:today")
    assert [item["id"] for item in found["items"]] == [milk]
    board = await ann.get(f"{project}/board?filter={quote('was(status:done)')}")
    assert [item["title"] for column in board["columns"] for item in column["items"]] == ["Bread"]
    assert (await ann.get(f"{project}/tasks?count=exact&filter={quote('changed:status')}"))["count"] == 1


async def test_a_bulk_change_takes_the_tasks_that_were_so(ann: ApiUser) -> None:
    await tasks_with_a_past(ann)
    ann.fold()
    result = await ann.post("/tasks/bulk", type="LabelTask", data={"label": "begun"}, filter="was(column:doing)")
    assert result["changed"] == 1
    assert await titles(ann, "/tasks", "label:begun") == ["Oat milk"]


async def test_at_asks_about_the_tasks_as_they_were(ann: ApiUser) -> None:
    milk, bread, _ = await tasks_with_a_past(ann)
    done_at = next(
        item["at"] for item in (await ann.get(f"/tasks/{bread}/history"))["items"] if item["type"] == "TaskCompleted"
    )
    project = f"/projects/{ann.project}/tasks"
    assert await titles(ann, project, f'status:done at:"{done_at}"') == ["Bread"]
    assert await titles(ann, project, f'(status:done at:"{done_at}") status:open') == ["Bread"]
    assert await titles(ann, project, f'milk at:"{done_at}"') == ["Oat milk"]
    created_at = (await ann.get(f"/tasks/{milk}"))["created_at"]
    assert await titles(ann, project, f'at:"{created_at}"') == ["Oat milk"]
    assert await titles(ann, project, f'oat at:"{created_at}"') == []
    assert sorted(await titles(ann, project, "status:open at:today")) == ["Bread", "Oat milk", "Oats"]
    assert await titles(ann, project, "status:open at:yesterday") == []


async def test_a_word_in_a_comment_counts_since_it_was_written(ann: ApiUser) -> None:
    task = await ann.create_task("Bread")
    before = (await ann.get(f"/tasks/{task}"))["updated_at"]
    await ann.post(f"/tasks/{task}/comments", text="The sourdough one")
    assert await titles(ann, "/tasks", f'sourdough at:"{before}"') == []
    assert await titles(ann, "/tasks", "sourdough at:today") == ["Bread"]


async def test_the_same_filter_has_another_answer_after_a_change(ann: ApiUser) -> None:
    task = await ann.create_task("Milk")
    assert await titles(ann, "/tasks", "changed:title") == []
    await change(ann, "PATCH", f"/tasks/{task}", title="Bread")
    assert await titles(ann, "/tasks", "changed:title") == ["Bread"]


async def test_a_filter_about_the_past_of_a_moment_knows_nothing_later(ann: ApiUser) -> None:
    task = await ann.create_task("Milk")
    before = (await ann.get(f"/tasks/{task}"))["created_at"]
    await change(ann, "PATCH", f"/tasks/{task}", title="Bread")
    assert await titles(ann, f"/tasks?as_of={quote(before)}", "changed:title") == []
    assert await titles(ann, f"/tasks?as_of={quote(before)}", "was(status:open)") == ["Milk"]


@pytest.mark.parametrize(
    ("filter_", "code", "offset"),
    [
        ("was(milk)", "filter_syntax", 4),
        ("was(was(status:open))", "filter_syntax", 4),
        ("milk was(status:open", "filter_syntax", 8),
        ("was(status:closed)", "filter_value", 11),
        ("was(colour:red)", "unknown_field", 4),
        ("milk by:me", "filter_syntax", 5),
        ("changed:title by:me by:me", "filter_syntax", 20),
        ("changed:title -by:me", "filter_syntax", 14),
        ("status:open since:today", "filter_syntax", 12),
        ("(status:open at:today) at:today", "filter_syntax", 23),
        ("changed:smell", "filter_value", 8),
        ("stale:3d", "filter_value", 5),
        ("stale>3", "filter_value", 6),
        ("reopened>often", "filter_value", 9),
        ("milk at:2999-01-01", "filter_value", 5),
        ("at>2026-01-01", "filter_value", 2),
    ],
)
async def test_a_filter_that_says_nothing_of_the_past_is_refused(
    shared_user: ApiUser, filter_: str, code: str, offset: int
) -> None:
    response = await shared_user.request("GET", f"/tasks?filter={quote(filter_)}")
    problem = assert_problem(response, 400, code)
    assert problem["params"]["offset"] == offset


async def test_a_time_within_the_present_minute_has_passed(ann: ApiUser) -> None:
    await ann.create_task("Milk")
    just_now = (now() - timedelta(milliseconds=1)).isoformat()
    assert await titles(ann, "/tasks", f'status:open at:"{just_now}"') == ["Milk"]
