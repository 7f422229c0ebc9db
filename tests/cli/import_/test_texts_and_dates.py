"""Titles, descriptions, labels and due dates of imported rows, in the forms that exports have."""

import zoneinfo
from typing import Any

import pytest

from cli.import_.windows_zones import IANA_BY_WINDOWS_NAME
from tests.cli.import_.planned_import import plan


def due_of(value: object, name: str = "due") -> str | None:
    return plan([{"title": "A", name: value}]).tasks["A"].create.due


@pytest.mark.parametrize(
    "zero",
    [
        *("0001-01-01", "0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "1970-01-01T01:00:00+01:00", "1970-01-01"),
        *("0000-00-00", "0000-00-00 00:00:00", 0, "0"),
        {"dateTime": "0001-01-01T00:00:00.0000000", "timeZone": "UTC"},
    ],
)
def test_a_zero_date_is_no_date_and_told(zero: object) -> None:
    assert due_of(zero) is None
    assert "1 x due is a zero date: no date was set" in plan([{"title": "A", "due": zero}]).report


@pytest.mark.parametrize("last", ["9999-12-31", "9999-12-31T23:59:59Z", " 9999-12-31 00:00:00"])
def test_the_last_day_of_the_calendar_is_no_date_and_told(last: str) -> None:
    assert due_of(last) is None
    report = plan([{"title": "A", "due": last}]).report
    assert "1 x due is the last day of the calendar, which means no date: no date was set" in report


@pytest.mark.parametrize(
    ("value", "due"),
    [
        ({"dateTime": "2026-12-01T00:00:00.0000000", "timeZone": "UTC"}, "2026-12-01"),
        ({"dateTime": "2026-12-01T17:30:00.0000000", "timeZone": "Europe/Berlin"}, "2026-12-01T17:30:00+01:00"),
        ({"dateTime": "2026-12-01T17:30:00.0000000", "timeZone": "UTC"}, "2026-12-01T17:30:00+00:00"),
        ({"dateTime": "2026-12-01T17:30:00", "timeZone": "Pacific Standard Time"}, "2026-12-01T17:30:00-08:00"),
        ({"dateTime": None, "timeZone": "UTC"}, None),
        ({"date": "2026-12-01", "timezone": None, "is_recurring": False}, "2026-12-01"),
        (
            {"date": "2026-12-01", "datetime": "2026-12-01T09:00:00", "timezone": "Europe/Moscow"},
            "2026-12-01T09:00:00+03:00",
        ),
        ("20261201T100000Z", "2026-12-01T10:00:00+00:00"),
        ("2026-12-01T10:00:00.1234567+0100", "2026-12-01T10:00:00.123456+01:00"),
        ("1796083200000", "2026-12-01T00:00:00+00:00"),
        (1796083200, "2026-12-01T00:00:00+00:00"),
        ("1970-01-01T10:00:00Z", "1970-01-01T10:00:00+00:00"),
    ],
)
def test_dates_are_read_in_the_forms_of_exports(value: object, due: str | None) -> None:
    assert due_of(value) == due


@pytest.mark.parametrize("name", ["dueDateTime", "due_on", "due_at", "dueDate", "target_date", "deadline"])
def test_due_dates_are_found_under_the_names_of_exports(name: str) -> None:
    assert due_of("2026-12-01", name) == "2026-12-01"


def test_the_time_zones_of_windows_have_names_that_exist() -> None:
    assert set(IANA_BY_WINDOWS_NAME.values()) <= zoneinfo.available_timezones()


def test_a_time_in_an_unknown_zone_keeps_its_date_and_says_so() -> None:
    value = {"dateTime": "2026-12-01T17:30:00.0000000", "timeZone": "Middle Earth Standard Time"}
    planned = plan([{"title": "A", "dueDateTime": value}])
    assert planned.tasks["A"].create.due == "2026-12-01"
    assert "is in the time zone 'Middle Earth Standard Time', which is unknown" in planned.report


@pytest.mark.parametrize(
    ("row", "description", "told"),
    [
        ({"body": {"content": "ring him", "contentType": "text"}}, "ring him", None),
        ({"body": {"content": "<p>Hi &amp; <b>bye</b></p><div>x</div>", "contentType": "html"}}, "Hi & bye\nx", "HTML"),
        ({"body": {"content": "", "contentType": "text"}}, "", None),
        ({"description": {"markdown": "*x*"}}, "*x*", None),
        ({"description_html": "<p>x</p>"}, "x", "HTML"),
        (
            {
                "description": {
                    "type": "doc",
                    "content": [
                        {
                            "type": "paragraph",
                            "content": [{"type": "text", "text": "one "}, {"type": "text", "text": "two"}],
                        },
                        {"type": "paragraph", "content": [{"type": "text", "text": "three"}]},
                    ],
                }
            },
            "one two\nthree",
            "a rich text",
        ),
        ({"description": "<p>x</p>"}, "<p>x</p>", None),
    ],
)
def test_a_body_may_be_an_object_or_html(row: dict[str, Any], description: str, told: str | None) -> None:
    planned = plan([{"title": "A", **row}])
    assert planned.tasks["A"].create.description == description
    assert (told or "") in planned.report
    assert bool(planned.remarks) == bool(told)


def test_comments_and_unknown_objects_are_no_description() -> None:
    planned = plan([{"title": "A", "notes": [{"content": "a comment"}], "description": {"id": 7}, "body": "text"}])
    assert planned.tasks["A"].create.description == "text"
    assert planned.ignored_fields == {"notes": 1, "description": 1}


@pytest.mark.parametrize("title", ["one\ntwo", "one\r\ntwo", "one\ttwo", "one \n\n two", "\none\ntwo\n"])
def test_a_line_end_in_a_title_becomes_a_space_and_is_told(title: str) -> None:
    planned = plan([{"title": title}])
    assert planned.titles == {"one two"}
    assert "1 x title has line ends: each became a space" in planned.report


def test_a_title_is_found_under_the_names_of_exports() -> None:
    rows = [{"summary": "A"}, {"subject": "B"}, {"content": "C", "description": "d"}, {"description": "E"}]
    planned = plan([{"title": None, "text": "D"}, *rows])
    assert planned.titles == {"A", "B", "C", "D", "E"}
    assert planned.tasks["C"].create.description == "d"
    assert "1 x description became the title, as there is no other" in planned.report


def test_labels_may_be_objects_nodes_or_categories() -> None:
    rows = [
        {"title": "A", "labels": [{"name": "x"}, {"title": "y"}, {"name": "", "color": "green"}]},
        {"title": "B", "labels": {"nodes": [{"name": "x"}]}},
        {"title": "C", "categories": ["Blue category"]},
        {"title": "D", "labels": ["0b1f2f0e-1111-4222-8333-944455556666"]},
    ]
    planned = plan(rows)
    assert [task.create.labels for task in planned.tasks.values()] == [
        ("x", "y", "green"),
        ("x",),
        ("Blue category",),
        (),
    ]
    assert "labels are ids of labels" in planned.report


ID = "0b1f2f0e-1111-4222-8333-944455556666"


@pytest.mark.parametrize("written", [ID, ID.upper(), f" {ID} ", ID.replace("-", ""), f"{{{ID}}}", f"urn:uuid:{ID}"])
def test_an_id_is_never_a_label_however_it_is_written(written: str) -> None:
    rows: list[dict[str, Any]] = [
        {"title": "A", "labels": [written, {"id": written}]},
        {"title": "B", "state": written},
        {"title": "C", "state": {"id": written}},
        {"title": "D", "status": {"name": written, "group": "started"}},
    ]
    for document in (
        rows,
        {written: {"tasks": rows}},
        {written: [{**row, "priority": 1} for row in rows]},
    ):
        planned = plan(document)
        assert {title: task.create.labels for title, task in planned.tasks.items()} == dict.fromkeys("ABCD", ())
        assert planned.tasks["D"].create.column == "doing"


def test_a_field_in_two_spellings_is_not_dropped_in_silence() -> None:
    assert plan([{"title": "A", "due_date": "2026-12-01", "dueDate": "2026-12-02"}]).ignored_fields == {"dueDate": 1}
