"""Values of which more than one field of a filter has some: times and people."""

import re
from datetime import UTC, date
from typing import Any, get_args
from uuid import UUID

import msgspec

from domain.filter.terms import Day, Instant, PeriodBoundary, Person, RelativeDay, RelativeTime
from domain.timestamp import parse_timestamp

_MAX_NAME_CHARACTERS = 100
_MAX_PERSON_CHARACTERS = 254
"""That of an e-mail address."""
_RELATIVE_DAYS: tuple[str, ...] = get_args(RelativeDay)
_PERIOD_BOUNDARIES: tuple[str, ...] = get_args(PeriodBoundary)
_RELATIVE_TIME_PATTERN = re.compile(
    rf"(?P<base>{'|'.join((*_RELATIVE_DAYS, *_PERIOD_BOUNDARIES, 'now'))}|)"
    "(?P<sign>[+-])(?P<count>[0-9]{1,4})(?P<unit>[hdwmy])"
)
EXPECTED_TIMES = (
    "a date such as 2026-12-01",
    "a quoted date-time with an offset",
    *_RELATIVE_DAYS,
    *_PERIOD_BOUNDARIES,
    "one of these with an offset such as today+7d, start-of-month-1m or -2w",
)
"""What `parse_when` reads."""


def check_name(value: str) -> str:
    """The name, if it is not too long; raises ValueError."""
    if not 1 <= len(value) <= _MAX_NAME_CHARACTERS:
        raise ValueError(value)
    return value


def parse_person(value: str) -> UUID | Person:
    """A user's id, or else a name or an e-mail address."""
    try:
        return msgspec.convert(value, UUID)
    except ValueError:
        if not value.strip() or len(value) > _MAX_PERSON_CHARACTERS:
            raise
        return Person(value)


def parse_when(value: str) -> Any:
    """A day, an instant, or a time that is relative to the present."""
    word: Any = value.lower()
    if word in _RELATIVE_DAYS:
        return word
    if word in _PERIOD_BOUNDARIES:
        return RelativeTime(word)
    if relative := _RELATIVE_TIME_PATTERN.fullmatch(word):
        return _parse_relative(**relative.groupdict())
    if len(value) == len("YYYY-MM-DD"):
        return Day(msgspec.convert(value, date))
    return Instant(parse_timestamp(value).astimezone(UTC))


def _parse_relative(base: Any, sign: str, count: str, unit: Any) -> Any:
    if unit == "h" and base != "now":
        raise ValueError(unit)
    base, offset = base or "today", int(sign + count)
    if offset or base == "now":
        return RelativeTime(base, offset, unit)
    return base if base in _RELATIVE_DAYS else RelativeTime(base)
