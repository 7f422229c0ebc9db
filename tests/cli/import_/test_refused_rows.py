"""What is no JSON refuses its row and no other; the report names each kind of refusal once."""

import pytest

from infra.errors import OperatorError
from tests.cli.import_.planned_import import plan


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ('{"title": "A", "priority": NaN}', "NaN is not a JSON value"),
        ('{"title": "A", "mood": {"scale": [1, -Infinity]}}', "-Infinity is not a JSON value"),
        ('{"title": "A", "weight": 1e999}', "1e999 is too large a number"),
        (f'{{"title": "A", "weight": {"9" * 5_000}}}', "a number of 5,000 digits is too large"),
        (f'{{"title": "A", "mood": [{{"x": -{"9" * 5_000}}}]}}', "a number of 5,001 digits is too large"),
        ('{"title": "A", "title": "B"}', "the name 'title' occurs twice"),
        ('{"title": "A", "mood": [{"deep": {"x": 1, "x": 1}}]}', "the name 'x' occurs twice"),
    ],
)
def test_what_is_no_json_anywhere_in_a_row_refuses_it(row: str, reason: str) -> None:
    for text, location in ((f'[{row}, {{"title": "C"}}]', "[0]"), (f'{row}\n{{"title": "C"}}', "line 1")):
        planned = plan(text)
        assert planned.titles == {"C"}
        assert [(one.location, one.reason) for one in planned.refused] == [(location, reason)]


def test_a_bad_sub_task_is_refused_and_its_parent_is_not() -> None:
    planned = plan('[{"title": "A", "subtasks": [{"title": "B", "x": NaN}, {"title": "C"}]}]')
    assert planned.titles == {"A", "C"}
    assert [one.location for one in planned.refused] == ["[0].subtasks[0]"]


def test_a_bad_task_of_a_project_is_refused_and_its_neighbours_are_not() -> None:
    planned = plan('[{"title": "P", "items": [{"title": "A", "x": NaN}, {"title": "B", "y": {"z": 1}}]}]')
    assert planned.titles == {"B"}
    assert [one.location for one in planned.refused] == ["[0].items[0]"]


@pytest.mark.parametrize(
    ("text", "location"),
    [
        ('itle": "A"}\n{"title": "B"}\n{"title": "C"}\n', "line 1"),
        ('{"title": "B"}\n{"title": \n{"title": "C"}', "line 2"),
        ('{"title": "B"}\n{"title": "C"}\n{"tit', "line 3"),
        ('\udcbe"}\n{"title": "B"}\n{"title": "C"}', "line 1"),
    ],
)
def test_a_torn_line_costs_that_row_only(text: str, location: str) -> None:
    planned = plan(text)
    assert planned.titles == {"B", "C"}
    assert [one.location for one in planned.refused] == [location]


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("Title,Status,Due\nA,open,\n", "looks like CSV"),
        ("BEGIN:VCALENDAR\nEND:VCALENDAR\n", "is an iCalendar file"),
        ("<rss><item/></rss>", "is XML"),
        ('[\n{"title": "A"}\n{"title": "B"}\n]', "is not JSON"),
        ("buy milk\ncall Bob\n", "is not JSON, but plain text"),
    ],
)
def test_a_file_of_another_format_is_named(text: str, advice: str) -> None:
    with pytest.raises(OperatorError, match=advice):
        plan(text)


def test_refusals_of_one_kind_are_one_line() -> None:
    rows = [{"title": ""}] * 8 + [{"title": "A", "due": f"day {at}"} for at in range(3)] + [{"title": "B", "labels": 7}]
    report = plan(rows).report
    assert "       8 x title: blank: [0], [1], [2], [3], [4] and 3 more (--all lists them)" in report
    assert "       3 x due is not YYYY-MM-DD or a date-time with an offset: [8], [9], [10]" in report
    assert "  [11]: labels: a number, not a list of labels" in report
    assert len(report.splitlines()) == 5


def test_all_lists_each_refusal_with_its_value() -> None:
    report = plan([{"title": ""}] * 8 + [{"title": "A", "due": "day 8"}], lists_all=True).report
    assert [f"  [{at}]: title: blank" for at in range(8)] == report.splitlines()[2:10]
    assert "  [8]: due: 'day 8' is not YYYY-MM-DD" in report
