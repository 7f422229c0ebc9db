"""The rule of a recurrence: the parts of an RRULE (RFC 5545, section 3.3.10) that repeat whole days."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, Final, Literal, get_args

from msgspec import Struct

from domain.errors import InvalidRecurrenceRule, RecurrenceNeverOccurs

Frequency = Literal["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]

MAX_INTERVAL, MAX_COUNT = 999, 9_999
MAX_QUOTED_CHARACTERS = 30
"""The most characters of an unknown part that an error repeats."""
WEEKDAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_MONTH_DAYS: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
MAX_WEEKS: Final = {"MONTHLY": 5, "YEARLY": 53}
"""The highest ordinal of a weekday."""
_MAX_SET_DAYS: Final = {"DAILY": 1, "MONTHLY": 31, "YEARLY": 366}


class OrdinalWeekday(Struct, frozen=True):
    """A weekday, 0 for Monday: every one, or the one of that ordinal in the month or year; -1 is the last."""

    weekday: int
    ordinal: int | None = None


class RecurrenceRule(Struct, frozen=True):
    """A rule, part by part; an empty part does not restrict the days."""

    frequency: Frequency
    interval: int = 1
    count: int | None = None
    until: date | datetime | None = None
    """The last day, or the last moment in UTC."""
    months: tuple[int, ...] = ()
    month_days: tuple[int, ...] = ()
    weekdays: tuple[OrdinalWeekday, ...] = ()
    positions: tuple[int, ...] = ()


@lru_cache(maxsize=1_000)
def parse_rule(text: str) -> RecurrenceRule:
    """The rule in any letter case; raises InvalidRecurrenceRule, which names the part, or RecurrenceNeverOccurs."""
    parts = _split(text.upper())
    if "FREQ" not in parts:
        raise InvalidRecurrenceRule("FREQ is missing: it is one of DAILY, WEEKLY, MONTHLY and YEARLY.", part="FREQ")
    rule = RecurrenceRule(**{_READERS[name][0]: _READERS[name][1](name, value) for name, value in parts.items()})
    _require_parts_that_agree(rule)
    _require_possible_days(rule)
    return rule


def with_count(text: str, count: int) -> str:
    """The text of a rule that has a count, with another one."""
    return re.sub("COUNT=[0-9]+", f"COUNT={count}", text)


def _split(text: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for part in text.split(";"):
        name, _, value = part.partition("=")
        if name not in _READERS:
            name = name[:MAX_QUOTED_CHARACTERS]
            raise InvalidRecurrenceRule(f'"{name}" is not known here, only {", ".join(_READERS)}.', part=name)
        if name in parts:
            raise _invalid(name, "is there twice")
        parts[name] = value
    return parts


def _read_frequency(name: str, value: str) -> str:
    if value not in get_args(Frequency):
        raise _invalid(name, "is one of DAILY, WEEKLY, MONTHLY and YEARLY")
    return value


def _number_reader(most: int) -> Callable[[str, str], int]:
    def read(name: str, value: str) -> int:
        if not re.fullmatch("[0-9]{1,6}", value) or not 1 <= int(value) <= most:
            raise _invalid(name, f"is a number from 1 to {most}")
        return int(value)

    return read


def _list_reader(most: int, *, may_be_negative: bool) -> Callable[[str, str], tuple[int, ...]]:
    pattern = "[+-]?[0-9]{1,3}" if may_be_negative else "[0-9]{1,2}"
    words = f"has numbers from 1 to {most}" + (f" or -1 to -{most}" if may_be_negative else "")

    def read(name: str, value: str) -> tuple[int, ...]:
        items = value.split(",")
        if not all(re.fullmatch(pattern, item) and 1 <= abs(int(item)) <= most for item in items):
            raise _invalid(name, f"{words}, with commas between them")
        return tuple(dict.fromkeys(map(int, items)))

    return read


def _read_weekdays(name: str, value: str) -> tuple[OrdinalWeekday, ...]:
    found = [re.fullmatch(f"([+-]?[0-9]{{1,2}})?({'|'.join(WEEKDAYS)})", item) for item in value.split(",")]
    if not all(found):
        raise _invalid(name, "has weekdays such as MO, 2TU or -1FR, with commas between them")
    days = (OrdinalWeekday(WEEKDAYS.index(one[2]), int(one[1]) if one[1] else None) for one in found if one)
    return tuple(dict.fromkeys(days))


def _read_until(name: str, value: str) -> date | datetime:
    try:
        if re.fullmatch("[0-9]{8}", value):
            return datetime.strptime(value, "%Y%m%d").date()  # noqa: DTZ007 - a day
        if re.fullmatch("[0-9]{8}T[0-9]{6}Z", value):
            return datetime.strptime(value, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise _invalid(name, "is a day in the calendar, or a time of such a day") from error
    raise _invalid(name, "is a day such as 20261231, or a time in UTC such as 20261231T120000Z")


_READERS: Final[Mapping[str, tuple[str, Callable[[str, str], Any]]]] = {
    "FREQ": ("frequency", _read_frequency),
    "INTERVAL": ("interval", _number_reader(MAX_INTERVAL)),
    "COUNT": ("count", _number_reader(MAX_COUNT)),
    "UNTIL": ("until", _read_until),
    "BYMONTH": ("months", _list_reader(12, may_be_negative=False)),
    "BYMONTHDAY": ("month_days", _list_reader(31, may_be_negative=True)),
    "BYDAY": ("weekdays", _read_weekdays),
    "BYSETPOS": ("positions", _list_reader(366, may_be_negative=True)),
}
"""Of each part its field, and the function that reads its value."""


def _require_parts_that_agree(rule: RecurrenceRule) -> None:
    """Raise InvalidRecurrenceRule for what RFC 5545 excludes."""
    if rule.count is not None and rule.until is not None:
        raise _invalid("UNTIL", "cannot stand beside COUNT")
    if rule.month_days and rule.frequency == "WEEKLY":
        raise _invalid("BYMONTHDAY", "cannot stand beside FREQ=WEEKLY")
    if rule.positions and not (rule.months or rule.month_days or rule.weekdays):
        raise _invalid("BYSETPOS", "needs BYDAY, BYMONTHDAY or BYMONTH beside it")
    ordinals = [abs(day.ordinal) for day in rule.weekdays if day.ordinal is not None]
    if ordinals and rule.frequency not in MAX_WEEKS:
        raise _invalid("BYDAY", f"cannot have weekdays with a number beside FREQ={rule.frequency}")
    most = MAX_WEEKS["MONTHLY" if rule.months else rule.frequency] if ordinals else 0
    if not all(1 <= ordinal <= most for ordinal in ordinals):
        raise _invalid("BYDAY", f"counts weekdays from 1 to {most} or -1 to -{most} here")


def _require_possible_days(rule: RecurrenceRule) -> None:
    """Raise RecurrenceNeverOccurs for days that no month has, and for positions that no set of days has."""
    longest = max(_MONTH_DAYS[month - 1] for month in rule.months or range(1, 13))
    if rule.month_days and min(map(abs, rule.month_days)) > longest:
        raise RecurrenceNeverOccurs("None of these months has such a day.", part="BYMONTHDAY")
    most = _MAX_SET_DAYS.get(rule.frequency) or max(len(rule.weekdays), 1)
    if rule.positions and min(map(abs, rule.positions)) > most:
        raise RecurrenceNeverOccurs(f"There is no such position among at most {most} days.", part="BYSETPOS")


def _invalid(part: str, words: str) -> InvalidRecurrenceRule:
    return InvalidRecurrenceRule(f"{part} {words}.", part=part)
