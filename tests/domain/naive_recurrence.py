"""A naive reading of recurrence rules, without dateutil: every day is looked at by itself."""

import calendar
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import groupby

from domain.recurrence_rule import WEEKDAYS, OrdinalWeekday, RecurrenceRule


def naive_days(rule: RecurrenceRule, anchor: date, end: date) -> list[date]:
    """The days of a rule, counted from the anchor: those after it up to the end."""
    first = _first_of_year(anchor)
    days = (first + timedelta(days=number) for number in range((end - first).days + 400))
    found = list[date]()
    for period, in_period in groupby(days, lambda day: _period(rule, day)):
        if (period - _period(rule, anchor)) % rule.interval == 0:
            found += _at_positions(rule, [day for day in in_period if _matches(rule, anchor, day)])
    return [day for day in found if anchor < day <= end]


def text_of(rule: RecurrenceRule) -> str:
    """The rule as a client writes it."""
    weekdays = [f"{day.ordinal or ''}{WEEKDAYS[day.weekday]}" for day in rule.weekdays]
    lists = {"BYMONTH": rule.months, "BYMONTHDAY": rule.month_days, "BYDAY": weekdays, "BYSETPOS": rule.positions}
    until = rule.until and rule.until.strftime("%Y%m%d")
    parts = {"FREQ": rule.frequency, "INTERVAL": rule.interval, "COUNT": rule.count, "UNTIL": until}
    parts |= {name: ",".join(map(str, values)) for name, values in lists.items()}
    return ";".join(f"{name}={value}" for name, value in parts.items() if value)


def _first_of_year(day: date) -> date:
    """A Monday before the year, so that its weeks are whole."""
    first = date(day.year, 1, 1)
    return first - timedelta(days=first.weekday())


def _period(rule: RecurrenceRule, day: date) -> int:
    return {
        "DAILY": day.toordinal(),
        "WEEKLY": (day.toordinal() - 1) // 7,
        "MONTHLY": day.year * 12 + day.month,
        "YEARLY": day.year,
    }[rule.frequency]


def _at_positions(rule: RecurrenceRule, days: list[date]) -> Iterator[date]:
    for number, day in enumerate(days):
        if not rule.positions or number + 1 in rule.positions or number - len(days) in rule.positions:
            yield day


def _matches(rule: RecurrenceRule, anchor: date, day: date) -> bool:
    length = calendar.monthrange(day.year, day.month)[1]
    if rule.months and day.month not in rule.months:
        return False
    if rule.month_days and not {day.day, day.day - length - 1} & {*rule.month_days}:
        return False
    if rule.weekdays:
        return any(_is_weekday(rule, one, day) for one in rule.weekdays)
    if rule.month_days or rule.frequency == "DAILY":
        return True
    if rule.frequency == "WEEKLY":
        return day.weekday() == anchor.weekday()
    return day.day == anchor.day and (rule.frequency == "MONTHLY" or bool(rule.months) or day.month == anchor.month)


def _is_weekday(rule: RecurrenceRule, wanted: OrdinalWeekday, day: date) -> bool:
    if wanted.weekday != day.weekday() or wanted.ordinal is None:
        return wanted.weekday == day.weekday()
    if rule.frequency == "MONTHLY" or rule.months:
        place, length = day.day, calendar.monthrange(day.year, day.month)[1]
    else:
        place, length = day.timetuple().tm_yday, 366 if calendar.isleap(day.year) else 365
    return wanted.ordinal in {(place - 1) // 7 + 1, -((length - place) // 7 + 1)}
