"""Planted defects in recurrence: each must turn the named law red."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo

import pytest
from dateutil import rrule

from domain import recurrence, recurrence_days
from domain.recurrence_rule import OrdinalWeekday, RecurrenceRule
from tests.domain import recurrence_laws
from tests.planted_defects import assert_check_fails

pytestmark = pytest.mark.slow

Patch = pytest.MonkeyPatch


def weekdays_with_and_without_an_ordinal_are_two_conditions(patch: Patch) -> None:
    def as_they_are(weekdays: tuple[OrdinalWeekday, ...], _: int) -> list[rrule.weekday]:
        return [rrule.weekday(day.weekday, day.ordinal) for day in weekdays]

    patch.setattr("domain.recurrence_days._as_union", as_they_are)


def periods_are_counted_from_now(patch: Patch) -> None:
    patch.setattr("domain.recurrence_days._first_of_period", lambda _, anchor, after: max(anchor, after))


def a_time_in_a_gap_moves_all_later_ones(patch: Patch) -> None:
    def shown(when: str, zone: tzinfo | None) -> datetime:
        return datetime.fromisoformat(when).astimezone(zone).replace(tzinfo=None)

    patch.setattr("domain.recurrence._clock_time", shown)


def the_time_in_utc_is_kept(patch: Patch) -> None:
    def moved(when: str, distance: timedelta, _: tzinfo | None) -> str:
        if recurrence.is_day(when):
            return (date.fromisoformat(when) + distance).isoformat()
        return (datetime.fromisoformat(when).astimezone(UTC) + distance).isoformat()

    patch.setattr("tests.domain.recurrence_laws.later", moved)


def an_overdue_instance_is_followed_by_the_next_of_its_due_date(patch: Patch) -> None:
    find = recurrence_days.days_after

    def after_anchor(rule: RecurrenceRule, anchor: date, _: date) -> Iterator[date]:
        return find(rule, anchor, anchor)

    patch.setattr("domain.recurrence.days_after", after_anchor)


def a_count_never_ends(patch: Patch) -> None:
    patch.setattr("domain.recurrence.with_count", lambda text, _: text)


@pytest.mark.parametrize(
    ("defect", "law"),
    [
        (
            weekdays_with_and_without_an_ordinal_are_two_conditions,
            recurrence_laws.the_days_of_a_rule_are_those_of_a_naive_reading,
        ),
        (periods_are_counted_from_now, recurrence_laws.an_overdue_instance_is_followed_by_the_first_after_now),
        (a_time_in_a_gap_moves_all_later_ones, recurrence_laws.a_daily_series_keeps_its_time_of_day_for_ten_years),
        (the_time_in_utc_is_kept, recurrence_laws.a_daily_series_keeps_its_time_of_day_for_ten_years),
        (
            an_overdue_instance_is_followed_by_the_next_of_its_due_date,
            recurrence_laws.an_overdue_instance_is_followed_by_the_first_after_now,
        ),
        (a_count_never_ends, recurrence_laws.a_series_completed_in_time_has_the_days_of_its_rule),
    ],
)
def test_the_law_notices(
    defect: Callable[[Patch], None], law: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    defect(monkeypatch)
    assert_check_fails(law)
