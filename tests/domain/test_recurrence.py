"""Recurrence: when the next instance is due, and when a series is over."""

from datetime import UTC, date, datetime, tzinfo
from itertools import islice
from zoneinfo import ZoneInfo

import pytest

from domain.recurrence import Recurrence, RecurrenceStart, later, local_day, next_instance, occurs_after
from domain.recurrence_days import days_after
from domain.recurrence_rule import parse_rule

BERLIN, NEW_YORK, AUCKLAND = map(ZoneInfo, ("Europe/Berlin", "America/New_York", "Pacific/Auckland"))
IN_TIME = datetime(2020, 1, 1, tzinfo=UTC)


def next_due(
    rule: str,
    due: str,
    zone: tzinfo | None = None,
    now: datetime = IN_TIME,
    counted_from: RecurrenceStart = "due",
) -> str | None:
    following = next_instance(Recurrence(rule, counted_from), due, zone, now)
    return None if following is None else later(due, following.distance, zone)


@pytest.mark.parametrize(
    ("rule", "due", "expected"),
    [
        ("FREQ=DAILY", "2026-12-31", "2027-01-01"),
        ("FREQ=WEEKLY;BYDAY=MO", "2026-12-02", "2026-12-07"),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH", "2026-12-07", "2026-12-10"),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH", "2026-12-10", "2026-12-21"),
        ("FREQ=WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=2", "2026-12-01", "2026-12-02"),
        ("FREQ=MONTHLY", "2026-01-31", "2026-03-31"),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", "2026-01-31", "2026-02-28"),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", "2028-01-31", "2028-02-29"),
        ("FREQ=MONTHLY;BYDAY=1MO,-1FR", "2026-12-07", "2026-12-25"),
        ("FREQ=MONTHLY;BYDAY=MO,1TU", "2026-12-28", "2027-01-04"),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "2026-12-31", "2027-01-29"),
        ("FREQ=YEARLY", "2024-02-29", "2028-02-29"),
        ("FREQ=YEARLY", "2096-02-29", "2104-02-29"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1", "2024-02-29", "2025-02-28"),
        ("FREQ=YEARLY;BYDAY=20MO", "2026-05-18", "2027-05-17"),
        ("FREQ=YEARLY;BYMONTH=11;BYDAY=4TH", "2026-11-26", "2027-11-25"),
        ("FREQ=YEARLY;BYMONTH=1,7", "2026-01-15", "2026-07-15"),
    ],
)
def test_an_instance_completed_in_time_is_followed_by_the_next_of_the_rule(rule: str, due: str, expected: str) -> None:
    assert next_due(rule, due) == expected


def test_the_last_day_on_which_an_instance_is_in_time_is_that_of_its_zone() -> None:
    late_evening = datetime(2026, 12, 7, 23, 30, tzinfo=UTC)
    assert next_due("FREQ=DAILY", "2026-12-07", None, late_evening) == "2026-12-08"
    assert next_due("FREQ=DAILY", "2026-12-07", BERLIN, late_evening) == "2026-12-09"


def test_an_overdue_instance_is_followed_by_the_first_after_now_once() -> None:
    now = datetime(2026, 12, 30, 12, tzinfo=UTC)
    assert next_due("FREQ=DAILY;INTERVAL=2", "2026-12-07", None, now) == "2026-12-31"
    assert next_due("FREQ=WEEKLY", "2026-12-09", None, now) == "2027-01-06"
    assert next_due("FREQ=DAILY", "2026-12-07T11:59:00+00:00", None, now) == "2026-12-31T11:59:00+00:00"
    assert next_due("FREQ=DAILY", "2026-12-07T12:01:00+00:00", None, now) == "2026-12-30T12:01:00+00:00"
    assert next_due("FREQ=DAILY", "2026-12-07T22:00:00+00:00", AUCKLAND, now) == "2026-12-31T11:00:00+13:00"


def test_counted_from_the_completion_it_is_the_first_after_that_day() -> None:
    now = datetime(2026, 12, 30, 23, 30, tzinfo=UTC)
    assert next_due("FREQ=DAILY;INTERVAL=3", "2026-12-07", None, now, "completion") == "2027-01-02"
    assert next_due("FREQ=DAILY;INTERVAL=3", "2026-12-07", BERLIN, now, "completion") == "2027-01-03"
    assert next_due("FREQ=DAILY;INTERVAL=3", "2027-02-07", None, now, "completion") == "2027-01-02"
    timed = "2026-12-07T09:00:00+01:00"
    assert next_due("FREQ=MONTHLY", timed, BERLIN, now, "completion") == "2027-01-31T09:00:00+01:00"
    assert next_due("FREQ=WEEKLY;BYDAY=MO", timed, BERLIN, now, "completion") == "2027-01-04T09:00:00+01:00"


def test_the_clock_time_is_kept_over_the_changes_of_the_clocks() -> None:
    assert next_due("FREQ=DAILY", "2026-03-28T09:00:00+01:00", BERLIN) == "2026-03-29T09:00:00+02:00"
    assert next_due("FREQ=DAILY", "2026-10-24T07:00:00+00:00", BERLIN) == "2026-10-25T09:00:00+01:00"
    assert next_due("FREQ=WEEKLY", "2026-03-02T09:00:00-05:00", NEW_YORK) == "2026-03-09T09:00:00-04:00"


def test_a_clock_time_that_is_skipped_comes_after_the_gap_once() -> None:
    in_gap = next_due("FREQ=DAILY", "2026-03-28T02:30:00+01:00", BERLIN)
    assert in_gap == "2026-03-29T02:30:00+01:00"
    assert datetime.fromisoformat(in_gap).astimezone(BERLIN).hour == 3
    assert next_due("FREQ=DAILY", in_gap, BERLIN) == "2026-03-30T02:30:00+02:00"


def test_a_clock_time_that_comes_twice_is_the_first() -> None:
    assert next_due("FREQ=DAILY", "2026-10-24T02:30:00+02:00", BERLIN) == "2026-10-25T02:30:00+02:00"
    assert next_due("FREQ=DAILY", "2026-10-25T02:30:00+01:00", BERLIN) == "2026-10-26T02:30:00+01:00"


def test_without_a_zone_days_are_those_of_the_offset() -> None:
    assert next_due("FREQ=WEEKLY;BYDAY=MO", "2026-12-07T01:00:00+09:00") == "2026-12-14T01:00:00+09:00"
    assert local_day("2026-12-07T01:00:00+09:00", None) == date(2026, 12, 7)


def test_count_is_the_number_of_instances_left() -> None:
    following = next_instance(Recurrence("FREQ=DAILY;COUNT=2"), "2026-12-07", None, IN_TIME)
    assert following is not None
    assert following.recurrence == Recurrence("FREQ=DAILY;COUNT=1")
    assert next_due("FREQ=DAILY;COUNT=1", "2026-12-08") is None


@pytest.mark.parametrize(
    ("rule", "due", "zone", "is_over"),
    [
        ("FREQ=DAILY;UNTIL=20261208", "2026-12-07", None, False),
        ("FREQ=DAILY;UNTIL=20261207", "2026-12-07", None, True),
        ("FREQ=DAILY;UNTIL=20261208", "2026-12-07T23:30:00+01:00", BERLIN, False),
        ("FREQ=DAILY;UNTIL=20261208", "2026-12-07T23:30:00+00:00", BERLIN, True),
        ("FREQ=DAILY;UNTIL=20261208T080000Z", "2026-12-07T09:00:00+01:00", BERLIN, False),
        ("FREQ=DAILY;UNTIL=20261208T075959Z", "2026-12-07T09:00:00+01:00", BERLIN, True),
        ("FREQ=DAILY;UNTIL=20261207T233000Z", "2026-12-07", BERLIN, False),
        ("FREQ=DAILY;UNTIL=20261207T233000Z", "2026-12-07", None, True),
    ],
)
def test_no_instance_is_due_after_until(rule: str, due: str, zone: tzinfo | None, is_over: bool) -> None:  # noqa: FBT001 - a table
    assert (next_due(rule, due, zone) is None) == is_over


@pytest.mark.parametrize(
    ("rule", "due"),
    [
        ("FREQ=DAILY;INTERVAL=7;BYDAY=TU", "2026-12-07"),
        ("FREQ=MONTHLY;BYMONTHDAY=1;BYDAY=2MO", "2026-12-07"),
        ("FREQ=MONTHLY;INTERVAL=12;BYMONTH=3", "2026-12-07"),
        ("FREQ=YEARLY;INTERVAL=2;BYMONTH=2;BYMONTHDAY=29", "2027-01-01"),
        ("FREQ=DAILY", "9999-12-31"),
        ("FREQ=WEEKLY;BYDAY=SU", "9999-12-27"),
    ],
)
def test_a_rule_that_never_leads_to_a_day_has_no_next(rule: str, due: str) -> None:
    assert not occurs_after(Recurrence(rule), due, None)
    assert next_due(rule, due) is None


def test_the_ends_of_the_calendar_are_no_error() -> None:
    last, first = "9999-12-31T23:30:00+00:00", "0001-01-01T00:30:00+00:00"
    assert next_due("FREQ=DAILY", last, AUCKLAND) is None
    assert next_due("FREQ=DAILY", last, NEW_YORK) is None
    now = datetime(2026, 12, 7, 12, tzinfo=UTC)
    assert next_due("FREQ=DAILY", first, NEW_YORK, now) == "2026-12-08T00:30:00-05:00"


def test_a_due_date_of_long_ago_is_no_long_way() -> None:
    """The rule is searched from the period in which the present is."""
    now = datetime(2026, 12, 7, 12, tzinfo=UTC)
    assert next_due("FREQ=DAILY", "0001-01-01", None, now) == "2026-12-08"
    assert next_due("FREQ=WEEKLY;INTERVAL=3", "0001-01-01", None, now) == "2026-12-28"
    assert list(islice(days_after(parse_rule("FREQ=YEARLY"), date(9990, 5, 1), date(9998, 1, 1)), 3)) == [
        date(9998, 5, 1),
        date(9999, 5, 1),
    ]
