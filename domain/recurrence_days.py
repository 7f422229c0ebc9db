"""The days of a recurrence rule, as dateutil finds them."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Final, Literal

from dateutil import rrule

from domain.recurrence_rule import MAX_WEEKS, Frequency, OrdinalWeekday, RecurrenceRule

_FREQUENCIES: Final[Mapping[Frequency, Literal[0, 1, 2, 3]]] = {
    "YEARLY": rrule.YEARLY,
    "MONTHLY": rrule.MONTHLY,
    "WEEKLY": rrule.WEEKLY,
    "DAILY": rrule.DAILY,
}
_DAYS_PER_WEEK: Final = 7
_MIN_SEARCHED_YEARS: Final = 100
_CYCLE_YEARS, _CYCLE_DAYS = 400, 146_097
"""After which the Gregorian calendar has the same leap years and weekdays again."""


def days_after(rule: RecurrenceRule, anchor: date, after: date) -> Iterator[date]:
    """The days of a rule counted from the anchor, which is no later than `after`: those after it, in order.

    dateutil begins with the period in which `after` lies, from its first day, so that every set of days is whole. For a
    rule without days it would search to the year 9999. So it searches the last years before that, in which the calendar
    is the same: at least 100 of them, and at most 500.
    """
    if _misses_weekdays(rule, anchor):
        return
    start = _first_of_period(rule, anchor, after)
    shift = timedelta(days=(date.max.year - _MIN_SEARCHED_YEARS - start.year) // _CYCLE_YEARS * _CYCLE_DAYS)
    try:
        for found in _complete(rule, anchor, datetime.combine(start + shift, time.min)):
            if found.date() > after + shift:
                yield found.date() - shift
    except (OverflowError, ValueError):  # the end of the calendar
        return


def _misses_weekdays(rule: RecurrenceRule, anchor: date) -> bool:
    """Whether its days are whole weeks apart and on none of its weekdays: dateutil would be slow to find none."""
    return (
        rule.frequency == "DAILY"
        and rule.interval % _DAYS_PER_WEEK == 0
        and bool(rule.weekdays)
        and OrdinalWeekday(anchor.weekday()) not in rule.weekdays
    )


def _first_of_period(rule: RecurrenceRule, anchor: date, after: date) -> date:
    """The first day of the last period of the rule, counted from that of the anchor, that begins by `after`."""
    if rule.frequency in {"DAILY", "WEEKLY"}:
        length = rule.interval * (1 if rule.frequency == "DAILY" else _DAYS_PER_WEEK)
        first = anchor if rule.frequency == "DAILY" else anchor - timedelta(days=anchor.weekday())
        return first + timedelta(days=(after - first).days // length * length)
    if rule.frequency == "MONTHLY":
        first_month, month = (day.year * 12 + day.month - 1 for day in (anchor, after))
        month -= (month - first_month) % rule.interval
        return date(month // 12, month % 12 + 1, 1)
    return date(after.year - (after.year - anchor.year) % rule.interval, 1, 1)


def _complete(rule: RecurrenceRule, anchor: date, start: datetime) -> rrule.rrule:
    """The rule as dateutil takes it; what it leaves open comes from the anchor (RFC 5545, section 3.3.10)."""
    weekdays, month_days, months = rule.weekdays, rule.month_days, rule.months
    if not (weekdays or month_days):
        if rule.frequency == "WEEKLY":
            weekdays = (OrdinalWeekday(anchor.weekday()),)
        elif rule.frequency != "DAILY":
            month_days = (anchor.day,)
            months = months or ((anchor.month,) if rule.frequency == "YEARLY" else ())
    return rrule.rrule(
        _FREQUENCIES[rule.frequency],
        start,
        rule.interval,
        bymonth=months or None,
        bymonthday=month_days or None,
        byweekday=_as_union(weekdays, MAX_WEEKS.get("MONTHLY" if months else rule.frequency, 0)) or None,
        bysetpos=rule.positions or None,
    )


def _as_union(weekdays: Sequence[OrdinalWeekday], most: int) -> list[rrule.weekday]:
    """The weekdays, all with an ordinal if one has: dateutil takes those with and those without for two conditions."""
    has_ordinals = any(day.ordinal is not None for day in weekdays)
    ordinals = range(1, most + 1) if has_ordinals else (None,)
    return [
        rrule.weekday(day.weekday, ordinal)
        for day in weekdays
        for ordinal in (ordinals if day.ordinal is None else (day.ordinal,))
    ]
