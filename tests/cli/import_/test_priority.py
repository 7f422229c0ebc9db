"""The scale of priorities: recognized from the whole file, told in the report, never lost in silence."""

from typing import Any

import pytest

from cli.import_.priority import parse_scale
from tests.cli.import_.planned_import import plan


def priorities(values: list[Any], scale: str | None = None, **fields: Any) -> list[str | None]:
    rows = [{"title": str(at), "priority": value, **fields} for at, value in enumerate(values)]
    planned = plan(rows, scale=parse_scale(scale) if scale else None)
    return [task.create.priority for task in planned.tasks.values()]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 1, 2, 3, 4], ["urgent", "high", "medium", "low", "low"]),
        ([2, 0], ["medium", "urgent"]),
        (["P0", "P1", "P3"], ["urgent", "high", "low"]),
        ([1, 2, 3, 4, 5], ["urgent", "high", "medium", "low", "low"]),
        (["1", 5.0], ["urgent", "low"]),
        (["p1", "p2"], ["urgent", "high"]),
        ([1, 5, 9, 0], ["urgent", "medium", "low", "none"]),
        (["High", "normal", "LOWEST", "Critical", "wichtig"], ["high", "medium", "low", "urgent", "high"]),
        ([{"name": "High"}, {"priority": "urgent", "id": "1"}, None], ["high", "urgent", "none"]),
    ],
)
def test_a_scale_is_recognized_from_the_whole_file(values: list[Any], expected: list[str]) -> None:
    assert priorities(values) == expected


@pytest.mark.parametrize(
    ("fields", "values", "expected"),
    [
        ({"percent_done": 0, "hex_color": ""}, [0, 1, 5], ["none", "low", "urgent"]),
        ({"content": "A", "project_id": "1"}, [4, 1], ["urgent", "none"]),
        ({"priorityLabel": None}, [0, 1, 4], ["none", "urgent", "low"]),
        ({"issue_type": "bug"}, [0, 0], ["urgent", "urgent"]),
    ],
)
def test_a_tool_that_counts_otherwise_is_known_by_its_fields(
    fields: dict[str, Any], values: list[int], expected: list[str]
) -> None:
    assert priorities(values, **fields) == expected


LINEAR_QUERY = {"data": {"issues": {"nodes": [{"title": "A", "priority": 0}, {"title": "B", "priority": 1}]}}}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (LINEAR_QUERY, ["none", "urgent"]),
        ([{"identifier": "ENG-1", "title": "A", "priority": 0}], ["none"]),
        ([{"title": "A", "priority": 4, "state": {"name": "Doing", "type": "started"}}], ["low"]),
        ([{"title": "A", "priority": 0, "url": "https://linear.app/acme/issue/ENG-1"}], ["none"]),
        ([{"content": "A", "priority": 4}, {"content": "B", "priority": 1}], ["urgent", "none"]),
        ([{"title": "A", "priority": 4, "due": {"date": "2026-12-01", "is_recurring": False}}], ["urgent"]),
        ([{"title": "A", "priority": 4, "section_id": "7"}], ["urgent"]),
        ([{"title": "A", "priority": 4, "is_completed": False, "project_id": "7"}], ["urgent"]),
        ([{"title": "A", "priority": 5, "done": False, "bucket_id": 1}], ["urgent"]),
        ([{"title": "A", "priority": 5, "due_date": "0001-01-01T00:00:00Z"}], ["urgent"]),
        ([{"title": "A", "priority": 1, "percent_done": 0}], ["low"]),
        ([{"title": "A", "priority": "3", "is_active": "1"}], ["high"]),
        ([{"title": "A", "priority": 5, "isAllDay": True}], ["high"]),
        ([{"title": "A", "priority": 9, "planId": "x"}], ["low"]),
        ([{"title": "A", "priority": 3, "star": 0, "folder": 1}], ["urgent"]),
    ],
)
def test_one_telling_member_is_enough_to_know_a_tool(rows: Any, expected: list[str]) -> None:
    assert [task.create.priority for task in plan(rows).tasks.values()] == expected


@pytest.mark.parametrize(
    "rows",
    [
        [{"title": "A", "priority": 5, "done": False}],
        [{"title": "A", "priority": 0, "done": False}, {"title": "B", "priority": 3, "done": True}],
        [{"title": "A", "priority": 0}, {"title": "B", "priority": 5}],
        [{"content": "A", "priority": 5}],
    ],
)
def test_a_scale_that_may_go_either_way_is_not_guessed(rows: list[dict[str, Any]]) -> None:
    planned = plan(rows)
    assert {task.create.priority for task in planned.tasks.values()} == {"none"}
    assert "may count up, as in Vikunja (5 is the most urgent), or down (1 is)" in planned.report
    assert "--priority-scale 5-1 or --priority-scale 1-5" in planned.report
    told = plan(rows, scale=parse_scale("5-1")).tasks["A"].create.priority
    assert told == ("urgent" if rows[0]["priority"] else "none")


def test_the_scale_and_each_value_are_told() -> None:
    report = plan([{"title": "A", "priority": 0}, {"title": "B", "priority": 3}]).report
    assert "0 is the most urgent (0 urgent, 1 high, 2 medium, 3 low, 4 low); --priority-scale changes it." in report
    assert "1 x priority 3 was read as low" in report


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ([70, 100], "Priorities from 70 to 100 are on no known scale: say it with --priority-scale."),
        ([-1, 0], "on no known scale"),
        (["enormous"], "priority 'enormous' is unknown: no priority was set"),
        ([2.5, 1], "priority 2.5 is unknown"),
        ([0, 0], "0 alone, which says nothing"),
    ],
)
def test_a_priority_is_never_lost_in_silence(values: list[Any], told: str) -> None:
    assert told in plan([{"title": str(at), "priority": value} for at, value in enumerate(values)]).report
    assert priorities(values)[0] == "none"


@pytest.mark.parametrize(
    ("scale", "values", "expected"),
    [
        ("0-4", [0, 0], ["urgent", "urgent"]),
        ("4-0", [4, 0], ["urgent", "low"]),
        ("5..1", [5, 4, 3, 2, 1], ["urgent", "high", "medium", "low", "low"]),
        ("1-3", [1, 2, 3, 4], ["high", "medium", "low", "none"]),
        ("100-0", [100, 60, 30, 0], ["urgent", "high", "medium", "low"]),
        ("0=none,1=low,2=urgent", [0, 1, 2], ["none", "low", "urgent"]),
    ],
)
def test_the_operator_overrides_the_scale(scale: str, values: list[int], expected: list[str]) -> None:
    assert priorities(values, scale) == expected


@pytest.mark.parametrize("scale", ["", "high", "1-", "1=enormous", "a-b", "1=high,1=low", "1=low,01=low"])
def test_a_scale_that_says_nothing_is_refused(scale: str) -> None:
    with pytest.raises((ValueError, KeyError)):
        parse_scale(scale)


def test_importance_is_a_priority_and_a_label_of_it_comes_first() -> None:
    assert plan([{"title": "A", "importance": "high"}]).tasks["A"].create.priority == "high"
    labelled = plan([{"title": "A", "priority": 2, "priorityLabel": "Urgent"}])
    assert labelled.tasks["A"].create.priority == "urgent"
    assert not labelled.ignored_fields
