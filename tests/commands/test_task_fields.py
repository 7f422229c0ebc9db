"""The fields of a task that hold one value: their events, what is stored, and no start after the due date."""

from typing import Any

import pytest

from commands.task import CreateTask, EditTask
from commands.task_fields import field_events
from domain.errors import StartAfterDue
from domain.event import Change, Event
from domain.task import DueDateSet, EstimateSet, StartDateSet, TaskColoured, TaskCreated, TaskDescribed, TaskZoneSet
from tests.examples import CREATED, OTHER_TASK, PROJECT, project, task, workspace
from tests.given import Given, given


def given_task(*later: Event) -> Given:
    return given(workspace(), project(), task(*later))


def edit(**fields: Any) -> EditTask:
    return EditTask(expected_version=1, **fields)


def test_each_field_has_the_event_that_changes_it_alone() -> None:
    names = {"title", "description", "priority", "due", "start", "zone", "estimate", "colour", "recurrence"}
    assert field_events().keys() == names
    assert field_events()["estimate"] is EstimateSet


@pytest.mark.parametrize(
    ("field", "sent", "event"),
    [
        ("start", "2026-12-01", StartDateSet(Change(None, "2026-12-01"))),
        ("start", "2026-12-01t08:00:00z", StartDateSet(Change(None, "2026-12-01T08:00:00+00:00"))),
        ("zone", "Asia/Tokyo", TaskZoneSet(Change(None, "Asia/Tokyo"))),
        ("estimate", 90, EstimateSet(Change(None, 90))),
        ("estimate", 0, EstimateSet(Change(None, 0))),
        ("colour", "#CC3300", TaskColoured(Change(None, "#cc3300"))),
    ],
)
def test_a_field_is_set(field: str, sent: object, event: Event) -> None:
    given_task().when(edit(**{field: sent})).then(event)
    fields: dict[str, Any] = {field: sent}
    given_task(event).when(EditTask(expected_version=2, **fields)).then_nothing()


def test_null_gives_a_field_the_value_of_a_new_task() -> None:
    given_task(EstimateSet(Change(None, 90)), TaskDescribed(Change("", "Red"))).when(
        EditTask(expected_version=3, estimate=None, description=None)
    ).then(TaskDescribed(Change("Red", "")), EstimateSet(Change(90, None)))


def test_a_task_is_created_with_them() -> None:
    create = CreateTask(
        project_id=PROJECT, title="Paint", start="2026-12-01", due="2026-12-01", zone="Asia/Tokyo", estimate=90
    )
    (*_, (_, created)) = given_task().when(create, on=OTHER_TASK).decision().new_events
    assert isinstance(created, TaskCreated)
    assert (created.start, created.due, created.zone, created.estimate) == (
        "2026-12-01",
        "2026-12-01",
        "Asia/Tokyo",
        90,
    )


@pytest.mark.parametrize(
    ("start", "due", "zone", "is_refused"),
    [
        ("2026-12-01", "2026-12-01", None, False),
        ("2026-12-02", "2026-12-01", None, True),
        ("2026-12-01T10:00:00+01:00", "2026-12-01T09:00:00Z", None, False),
        ("2026-12-01T10:00:01+01:00", "2026-12-01T09:00:00Z", None, True),
        ("2026-12-01T23:30:00Z", "2026-12-01", None, False),
        ("2026-12-01T23:30:00Z", "2026-12-01", "Asia/Tokyo", True),
        ("2026-12-01T23:30:00Z", "2026-12-01", "America/New_York", False),
        ("2026-12-02", "2026-12-01T23:30:00Z", "Asia/Tokyo", False),
        ("2026-12-02", "2026-12-01T23:30:00Z", None, True),
    ],
)
def test_a_start_is_not_after_the_due_date(start: str, due: str, zone: str | None, is_refused: bool) -> None:  # noqa: FBT001 - a table
    dated: list[Event] = [DueDateSet(Change(None, due))]
    outcome = given_task(*dated).when(EditTask(expected_version=2, start=start, zone=zone))
    create = CreateTask(project_id=PROJECT, title="Paint", start=start, due=due, zone=zone)
    if is_refused:
        outcome.then_refused(StartAfterDue)
        given_task().when(create, on=OTHER_TASK).then_refused(StartAfterDue)
    else:
        assert outcome.decision().new_events
        assert given_task().when(create, on=OTHER_TASK).decision().new_events


def test_another_field_of_a_task_with_such_dates_can_be_changed() -> None:
    """They may come from an import, or from a time before the rule."""
    later = [StartDateSet(Change(None, "2026-12-02")), DueDateSet(Change(None, "2026-12-01"))]
    given_task(*later).when(EditTask(expected_version=3, estimate=5)).then(EstimateSet(Change(None, 5)))


def test_the_example_has_none_of_them() -> None:
    assert (CREATED.start, CREATED.zone, CREATED.estimate) == (None, None, None)
