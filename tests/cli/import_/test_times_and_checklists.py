"""Start, estimate and checklist of imported rows, in the forms that exports have; what is not understood is told."""

from typing import Any

import pytest

from cli.import_.checklist import read_checklist
from cli.import_.row_fields import RowFields
from commands.checklist import MAX_CHECKLIST_ITEMS
from tests.cli.import_.planned_import import PlannedImport, plan


def planned(**row: Any) -> PlannedImport:
    return plan([{"title": "A", **row}])


@pytest.mark.parametrize(
    ("row", "start"),
    [
        ({"start": "2026-12-01"}, "2026-12-01"),
        ({"start_date": "2026-12-01T10:00:00Z"}, "2026-12-01T10:00:00+00:00"),
        ({"startDateTime": {"dateTime": "2026-12-01T00:00:00.0000000", "timeZone": "UTC"}}, "2026-12-01"),
        ({"start_on": "2026-12-01", "due_on": "2026-12-01"}, "2026-12-01"),
        ({"start_date": "0001-01-01T00:00:00Z"}, None),
        ({"start": ""}, None),
    ],
)
def test_a_start_is_carried_over(row: dict[str, Any], start: str | None) -> None:
    found = planned(**row)
    assert found.tasks["A"].create.start == start
    assert not found.ignored_fields


@pytest.mark.parametrize("value", ["soon", 7, [1], {"a": 1}, "2026-02-30"])
def test_a_start_that_is_no_date_is_told_and_refuses_nothing(value: object) -> None:
    found = planned(start=value)
    assert found.tasks["A"].create.start is None
    assert found.ignored_fields == {"start": 1}


def test_a_start_after_the_due_date_is_told_and_refuses_nothing() -> None:
    found = planned(start="2026-12-02", due="2026-12-01")
    assert (found.tasks["A"].create.start, found.tasks["A"].create.due) == (None, "2026-12-01")
    assert "1 x start is after the due date: left out" in found.report


@pytest.mark.parametrize(
    ("row", "minutes"),
    [
        ({"estimate": 90}, 90),
        ({"estimate": 0}, 0),
        ({"estimate": "1h 30m"}, 90),
        ({"estimate": "1.5 hours"}, 90),
        ({"estimate": "90 Min"}, 90),
        ({"duration": "PT1H30M"}, 90),
        ({"duration": {"amount": 45, "unit": "minute"}}, 45),
        ({"estimated_hours": 1.5}, 90),
        ({"estimated_minutes": 30}, 30),
        ({"timeoriginalestimate": 5_400}, 90),
        ({"original_estimate": "2h"}, 120),
    ],
)
def test_an_estimate_is_carried_over_in_minutes(row: dict[str, Any], minutes: int) -> None:
    found = planned(**row)
    assert found.tasks["A"].create.estimate == minutes
    assert not found.ignored_fields


@pytest.mark.parametrize(
    "row",
    [
        {"estimate": "3 days"},
        {"estimate": "1w 2h"},
        {"estimate": "XL"},
        {"estimate": "90"},
        {"estimate": "P1D"},
        {"estimate": "PT"},
        {"estimate": -5},
        {"estimate": True},
        {"estimate": 10_000_001},
        {"time_estimate": 3_600},
        {"duration": {"amount": 1, "unit": "day"}},
        {"duration": 30},
    ],
)
def test_an_estimate_of_an_unknown_unit_is_told(row: dict[str, Any]) -> None:
    found = planned(**row)
    assert found.tasks["A"].create.estimate is None
    assert found.ignored_fields == dict.fromkeys(row, 1)


def test_points_are_no_minutes() -> None:
    found = planned(estimate=3, identifier="ENG-1")
    assert found.tasks["A"].create.estimate is None
    assert found.ignored_fields["estimate"] == 1


def test_a_plain_number_and_a_part_of_a_minute_are_told() -> None:
    assert "1 x estimate is a number: read as minutes" in planned(estimate=5).report
    assert "1 x estimate_hours was rounded to minutes" in planned(estimate_hours=0.333).report


def items(**row: Any) -> list[tuple[str, bool]]:
    return [(item.text, item.done) for item in planned(**row).tasks["A"].create.checklist]


TRELLO = {"name": "Parts", "checkItems": [{"state": "incomplete", "name": "One"}, {"state": "complete", "name": "Two"}]}
CLICKUP = {"name": "Parts", "items": [{"name": "One", "resolved": False}, {"name": "Two", "resolved": True}]}


@pytest.mark.parametrize(
    "row",
    [
        {"checklist": [{"text": "One"}, {"text": "Two", "done": True}]},
        {"checklist": {"items": ["One", {"title": "Two", "completed": True}]}},
        {"checklistItems": [{"displayName": "One", "isChecked": False}, {"displayName": "Two", "isChecked": True}]},
        {"checklists": [TRELLO]},
        {"checklists": [CLICKUP]},
        {
            "checklists": [
                {"items": [{"name": "One", "checked": False}]},
                {"items": [{"name": "Two", "checked": "yes"}]},
            ]
        },
    ],
)
def test_a_checklist_is_carried_over(row: dict[str, Any]) -> None:
    assert items(**row) == [("One", False), ("Two", True)]
    assert not planned(**row).ignored_fields


@pytest.mark.parametrize("value", [7, " ", [7], [""], {"total": 3}, [[[[[["deep"]]]]]]])
def test_what_has_no_items_is_told_to_be_left_out(value: object) -> None:
    found = planned(checklist=value)
    assert found.tasks["A"].create.checklist == ()
    assert found.ignored_fields == {"checklist": 1}


def test_items_that_cannot_be_are_left_out_one_by_one() -> None:
    found = planned(checklist=["First", "a\nb", {"id": 7}, "a\x00b", "x" * 501])
    assert [item.text for item in found.tasks["A"].create.checklist] == ["First", "a b", "x" * 500]
    for told in ("items without a text", "items with invalid characters", "items were cut at 500 characters"):
        assert told in found.report
    many = planned(checklist=[str(at) for at in range(MAX_CHECKLIST_ITEMS + 1)])
    assert len(many.tasks["A"].create.checklist) == MAX_CHECKLIST_ITEMS
    assert "after the first 200" in many.report


def test_names_of_checklists_are_told_to_be_left_out() -> None:
    assert "1 x checklists became one checklist, without the names of the lists" in planned(checklists=[TRELLO]).report
    assert "names of the lists" not in planned(checklist=[{"name": "One"}]).report


def test_a_contradicting_item_is_unchecked() -> None:
    row_fields = RowFields({"checklist": [{"text": "One", "status": "done", "done": False}]})
    assert [item.done for item in read_checklist(row_fields, lambda _: None)] == [False]
