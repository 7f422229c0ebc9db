"""Recurring tasks over HTTP: the next instance in the answer, once, in a batch or a dry run; skipped, and ended."""

from typing import Any

import pytest

from commands import project
from domain.column import NEW_BOARD_COLUMNS
from tests.api.problems import assert_problem
from tests.api_user import ApiUser

pytestmark = pytest.mark.asyncio(loop_scope="package")


@pytest.fixture(autouse=True)
def _boards_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Undo what the other API tests do to new boards: a new board has a done column."""
    monkeypatch.setattr(project, "NEW_BOARD_COLUMNS", NEW_BOARD_COLUMNS)


WEEKLY = {"rule": "FREQ=WEEKLY;BYDAY=MO", "from": "due"}


async def create_recurring(ann: ApiUser, **fields: Any) -> str:
    return await ann.create_task("Water", due="2030-12-02", recurrence={"rule": WEEKLY["rule"]}, **fields)


async def test_completing_a_task_answers_its_next_instance(ann: ApiUser) -> None:
    task = await create_recurring(
        ann, labels=["plants"], start="2030-11-30", checklist=[{"text": "Ferns", "done": True}]
    )
    done = await ann.post(f"/tasks/{task}/complete")
    assert done["next"].keys() == {"id", "key"}
    shown = await ann.get(f"/tasks/{done['next']['id']}")
    assert (shown["key"], shown["title"], shown["status"]) == (done["next"]["key"], "Water", "open")
    assert (shown["start"], shown["due"], shown["labels"]) == ("2030-12-07", "2030-12-09", ["plants"])
    assert [(item["text"], item["done"]) for item in shown["checklist"]] == [("Ferns", False)]
    assert shown["recurrence"] == WEEKLY
    assert (await ann.get(f"/tasks/{task}"))["recurrence"] is None
    completed = (await ann.get(f"/tasks/{task}/history"))["items"][1]
    assert (completed["type"], completed["changes"]["recurrence"]) == ("TaskCompleted", [WEEKLY, None])


async def test_moving_to_the_done_column_creates_the_next_too(ann: ApiUser) -> None:
    task = await create_recurring(ann)
    moved = await ann.post(f"/tasks/{task}/move", column="done", expected_version=1)
    assert (await ann.get(f"/tasks/{moved['next']['key']}"))["due"] == "2030-12-09"


async def test_a_request_that_is_sent_again_has_the_same_next(ann: ApiUser) -> None:
    task, key = await create_recurring(ann), {"Idempotency-Key": "water"}
    tried = await ann.request("POST", f"/tasks/{task}/complete?dry_run=true", json={})
    first = await ann.request("POST", f"/tasks/{task}/complete", json={}, headers=key)
    again = await ann.request("POST", f"/tasks/{task}/complete", json={}, headers=key)
    later = await ann.request("POST", f"/tasks/{task}/complete", json={})
    assert again.headers["idempotent-replayed"] == "true"
    assert first.json()["next"] == again.json()["next"] == later.json()["next"]
    assert [one["type"] for one in tried.json()["events"]][-1] == "TaskCreated"
    assert len((await ann.get(f"/projects/{ann.project}/tasks"))["items"]) == 2


async def test_a_batch_has_the_next_in_its_results(ann: ApiUser) -> None:
    tasks = [await create_recurring(ann) for _ in range(2)]
    commands = [{"type": "CompleteTask", "id": task, "data": {}} for task in tasks]
    atomic = await ann.post("/commands", commands=commands[:1])
    independent = await ann.post("/commands", mode="independent", commands=commands[1:])
    for answer in (atomic, independent):
        assert (await ann.get(f"/tasks/{answer['results'][0]['next']['id']}"))["recurrence"] == WEEKLY


async def test_a_task_is_skipped_and_its_series_ended(ann: ApiUser) -> None:
    task = await create_recurring(ann)
    skipped = await ann.post(f"/tasks/{task}/skip")
    assert skipped["version"] == 2
    assert (await ann.get(f"/tasks/{task}"))["due"] == "2030-12-09"
    latest, *_ = (await ann.get(f"/tasks/{task}/history"))["items"]
    assert (latest["type"], latest["changes"]["due"]) == ("OccurrenceSkipped", ["2030-12-02", "2030-12-09"])
    ended = await ann.request("PATCH", f"/tasks/{task}", json={"recurrence": None, "expected_version": 2})
    assert ended.status_code == 200
    assert_problem(await ann.request("POST", f"/tasks/{task}/skip", json={}), 422, "task_does_not_recur")
    assert "next" not in await ann.post(f"/tasks/{task}/complete")


@pytest.mark.parametrize(
    ("recurrence", "code"),
    [
        ({"rule": "FREQ=HOURLY"}, "invalid_recurrence_rule"),
        ({"rule": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"}, "recurrence_never_occurs"),
    ],
)
async def test_another_rule_is_refused_in_its_place(ann: ApiUser, recurrence: dict[str, str], code: str) -> None:
    task = await ann.create_task("Water", due="2030-12-02")
    edit = {"recurrence": recurrence, "expected_version": 1}
    problem = assert_problem(await ann.request("PATCH", f"/tasks/{task}", json=edit), 422, code)
    assert [error["pointer"] for error in problem["errors"]] == ["#/recurrence/rule"]


async def test_a_recurrence_without_a_due_date_is_refused(ann: ApiUser) -> None:
    body = {"title": "Water", "recurrence": WEEKLY}
    answer = await ann.request("POST", f"/projects/{ann.project}/tasks", json=body)
    assert_problem(answer, 422, "recurrence_needs_due")
    task = await create_recurring(ann)
    edit = {"due": None, "expected_version": 1}
    assert_problem(await ann.request("PATCH", f"/tasks/{task}", json=edit), 422, "recurrence_needs_due")


@pytest.mark.parametrize(
    "recurrence",
    [{}, {"rule": None}, {"rule": "FREQ=DAILY", "from": "now"}, {"rule": "FREQ=DAILY", "until": 1}, "daily"],
)
async def test_a_recurrence_of_another_form_is_invalid(ann: ApiUser, recurrence: object) -> None:
    body = {"title": "Water", "due": "2030-12-02", "recurrence": recurrence}
    assert_problem(await ann.request("POST", f"/projects/{ann.project}/tasks", json=body), 400, "invalid_body")
