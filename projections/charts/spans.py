"""The spans of time of a chart: hours, days, weeks or months by the clock of a time zone."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final, Literal

Bucket = Literal["hour", "day", "week", "month"]
MAX_SPANS: Final = 400
_DAYS_PER_MONTH: Final = 32
"""More than any month has."""


def edges(start: datetime, end: datetime, bucket: Bucket, zone: tzinfo) -> Sequence[datetime] | None:
    """The start, then the end of each span, in UTC; the first and the last span may be parts. None: there are too many.

    The start is before the end.
    """
    found = [start]
    following = _FOLLOWING[bucket]
    while (edge := following(found[-1], zone)) < end:
        found.append(edge)
        if len(found) > MAX_SPANS:
            return None
    return [*found, end]


def _next_hour(at: datetime, _: tzinfo) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


def _next_day(at: datetime, zone: tzinfo) -> datetime:
    return _midnight(at.astimezone(zone).date() + timedelta(days=1), zone)


def _next_week(at: datetime, zone: tzinfo) -> datetime:
    day = at.astimezone(zone).date()
    return _midnight(day + timedelta(days=7 - day.weekday()), zone)


def _next_month(at: datetime, zone: tzinfo) -> datetime:
    first = at.astimezone(zone).date().replace(day=1)
    return _midnight((first + timedelta(days=_DAYS_PER_MONTH)).replace(day=1), zone)


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time.min, zone).astimezone(UTC)


_FOLLOWING: Final[dict[Bucket, Callable[[datetime, tzinfo], datetime]]] = {
    "hour": _next_hour,
    "day": _next_day,
    "week": _next_week,
    "month": _next_month,
}
