"""Timestamps: date-times with an offset as clients write them (RFC 3339), and the words for those that are invalid."""

import re
from datetime import UTC, datetime, timedelta, timezone

DATE_PATTERN = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
TIME_AND_OFFSET_PATTERN = r"[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
_TIMESTAMP = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,6})\d*)?)?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII
)
_BEYOND_CALENDAR = "must be within the years 0001 to 9999 in UTC"
_MAX_HOUR, _MAX_MINUTE, _LEAP_SECOND = 23, 59, 60


def parse_timestamp(text: str) -> datetime:
    """The moment, to the microsecond, in the offset that it is written with; further digits are cut off.

    A leap second is the moment after it, as clocks have no 60; RFC 3339, section 5.7, allows one at the end of a month
    in UTC. Raises ValueError, which says what a timestamp must be.
    """
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        raise ValueError("must be a time with an offset, such as 2026-12-01T10:00:00Z")
    year, month, day, hour, minute, second = (int(match[group] or 0) for group in range(1, 7))
    if hour > _MAX_HOUR or minute > _MAX_MINUTE or second > _LEAP_SECOND:
        raise ValueError("must have a time of day from 00:00:00 to 23:59:59")
    offset, microsecond = _offset(match), int((match[7] or "").ljust(6, "0"))
    try:
        moment = datetime(year, month, day, hour, minute, min(second, _LEAP_SECOND - 1), microsecond, offset)
    except ValueError as error:
        raise ValueError("must be a day in the calendar") from error
    return _after_leap_second(moment) if second == _LEAP_SECOND else _within_calendar(moment)


def _offset(match: re.Match[str]) -> timezone:
    if match[8] is None:
        return UTC
    hours, minutes = int(match[9]), int(match[10])
    if hours > _MAX_HOUR or minutes > _MAX_MINUTE:
        raise ValueError("must have an offset from -23:59 to +23:59")
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if match[8] == "-" else offset) if offset else UTC


def _after_leap_second(moment: datetime) -> datetime:
    """The moment one second later; raises ValueError unless a month ends then in UTC."""
    try:
        after = _within_calendar(moment) + timedelta(seconds=1)
    except OverflowError as error:
        raise ValueError(_BEYOND_CALENDAR) from error
    in_utc = after.astimezone(UTC)
    if (in_utc.day, in_utc.hour, in_utc.minute, in_utc.second) != (1, 0, 0, 0):
        raise ValueError("can have a second of 60 only at the end of a month in UTC, where leap seconds are")
    return after


def _within_calendar(moment: datetime) -> datetime:
    try:
        moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(_BEYOND_CALENDAR) from error
    return moment
