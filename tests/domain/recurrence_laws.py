"""The laws of recurrence: each is a check that fails if its law does not hold."""

from datetime import UTC, date, datetime, time, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

import msgspec
from dateutil import tz
from hypothesis import strategies as st

from domain.errors import RecurrenceNeverOccurs
from domain.recurrence import Recurrence, is_day, later, next_instance
from domain.recurrence_days import days_after
from domain.recurrence_rule import MAX_WEEKS, Frequency, OrdinalWeekday, RecurrenceRule, parse_rule
from tests.domain.naive_recurrence import naive_days, text_of
from tests.law import law

T = TypeVar("T")

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe")
TEN_YEARS = timedelta(days=3653)
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@st.composite
def rules(draw: st.DrawFn) -> RecurrenceRule:
    """Any rule that RFC 5545 allows; most of them have few parts."""
    frequency: Frequency = draw(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]))
    months = draw(_rarely(st.lists(st.integers(1, 12), min_size=1, max_size=3, unique=True)))
    month_days = draw(_rarely(_signed(31))) if frequency != "WEEKLY" else []
    most = MAX_WEEKS.get("MONTHLY" if months else frequency, 0) if frequency in MAX_WEEKS else 0
    ordinals = st.none() | st.integers(-most, most).filter(bool) if most else st.none()
    weekdays = draw(_rarely(st.lists(st.builds(OrdinalWeekday, st.integers(0, 6), ordinals), max_size=3, unique=True)))
    positions = draw(_rarely(_signed(4))) if months or month_days or weekdays else []
    interval = draw(st.sampled_from([1, 1, 1, 2, 3, 7, 12, 14]))
    return RecurrenceRule(
        frequency,
        interval,
        months=tuple(months),
        month_days=tuple(month_days),
        weekdays=tuple(weekdays),
        positions=tuple(positions),
    )


def _rarely(lists: st.SearchStrategy[list[T]]) -> st.SearchStrategy[list[T]]:
    return st.one_of(st.just([]), st.just([]), lists)


def _signed(most: int) -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(-most, most).filter(bool), min_size=1, max_size=3, unique=True)


_days = st.dates(date(2023, 1, 1), date(2033, 12, 31)) | st.sampled_from([date(2024, 2, 29), date(2027, 1, 31)])
_moments = st.datetimes(datetime(2023, 1, 1), datetime(2033, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - bounds
_clock_times = st.sampled_from([time(0, 15), time(1, 45), time(2), time(2, 30), time(9), time(23, 30)])
_ends = st.one_of(st.none(), st.integers(1, 8), _days)


@law(rules(), _days, examples=150)
def the_days_of_a_rule_are_those_of_a_naive_reading(rule: RecurrenceRule, anchor: date) -> None:
    end = anchor + TEN_YEARS
    expected = naive_days(rule, anchor, end)
    try:
        parsed = parse_rule(text_of(rule))
    except RecurrenceNeverOccurs:
        assert expected == []
        return
    assert parsed == rule
    found = list[date]()
    for day in days_after(parsed, anchor, anchor):
        if day > end:
            break
        found.append(day)
    assert found == expected


@law(rules(), _days, _ends, examples=80)
def a_series_completed_in_time_has_the_days_of_its_rule(
    rule: RecurrenceRule, anchor: date, end: date | int | None
) -> None:
    """Until its COUNT is used up, or its UNTIL is past."""
    until = end if isinstance(end, date) else None
    count = end if isinstance(end, int) else None
    last, most = anchor + TEN_YEARS, 12 if count is None else count - 1
    expected = naive_days(rule, anchor, min(until or last, last))[:most]
    try:
        text = text_of(msgspec.structs.replace(rule, count=count, until=until))
        found = _series(Recurrence(text), anchor.isoformat(), None, 12)
    except RecurrenceNeverOccurs:
        found = []
    assert [due for due in found if due <= last.isoformat()] == [day.isoformat() for day in expected]


@law(rules(), _days, _clock_times, _moments, st.sampled_from(ZONES), examples=80)
def an_overdue_instance_is_followed_by_the_first_after_now(
    rule: RecurrenceRule, anchor: date, clock_time: time, now: datetime, zone: str
) -> None:
    due = _expected_moment(anchor, clock_time, zone)
    days = naive_days(rule, anchor, max(anchor, now.date()) + TEN_YEARS)
    moments = [_expected_moment(day, clock_time, zone) for day in days]
    today = now.astimezone(tz.gettz(zone)).date()
    try:
        timed = next_instance(Recurrence(text_of(rule)), due.isoformat(), ZoneInfo(zone), now)
        whole = next_instance(Recurrence(text_of(rule)), anchor.isoformat(), ZoneInfo(zone), now)
    except RecurrenceNeverOccurs:
        assert days == []
        return
    expected = next((moment for moment in moments if moment > max(due, now)), None)
    if expected is not None:
        assert timed is not None
        assert datetime.fromisoformat(later(due.isoformat(), timed.distance, ZoneInfo(zone))) == expected
    expected_day = next((day for day in days if day > max(anchor, today)), None)
    if expected_day is not None:
        assert whole is not None
        assert anchor + whole.distance == expected_day


@law(st.sampled_from(ZONES), st.sampled_from([time(1, 45), time(2, 30), time(9)]), examples=9)
def a_daily_series_keeps_its_time_of_day_for_ten_years(zone: str, clock_time: time) -> None:
    """As dateutil's own time zones have it; a time that the clocks skip is as long after the gap as it is in it."""
    first = date(2026, 1, 1)
    due = _expected_moment(first, clock_time, zone).astimezone(ZoneInfo(zone)).isoformat()
    expected = [_expected_moment(first + timedelta(days=days), clock_time, zone) for days in range(1, TEN_YEARS.days)]
    found = _series(Recurrence("FREQ=DAILY"), due, ZoneInfo(zone), len(expected))
    assert [datetime.fromisoformat(each).astimezone(UTC) for each in found] == expected


def _expected_moment(day: date, clock_time: time, zone: str) -> datetime:
    return tz.resolve_imaginary(datetime.combine(day, clock_time, tz.gettz(zone))).astimezone(UTC)


def _series(recurrence: Recurrence, due: str, zone: ZoneInfo | None, most: int) -> list[str]:
    """The due dates after the first one, at most so many, if each instance is completed in time."""
    found = list[str]()
    while len(found) < most and (following := next_instance(recurrence, due, zone, _LONG_AGO)):
        due, recurrence = later(due, following.distance, zone), following.recurrence
        found.append(due)
    assert all(is_day(due) == is_day(each) for each in found)
    return found
