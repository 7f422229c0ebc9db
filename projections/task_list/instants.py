"""When a task is due and starts, as instants that can be compared."""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final

NO_DUE_AT: Final = datetime.max.replace(tzinfo=UTC)
"""The `due_at` of a task without a due date, and the `start_at` of one without a start."""
_MAX_DUE_AT: Final = NO_DUE_AT - timedelta.resolution


@lru_cache(maxsize=10_000)
def due_at(due: str | None) -> datetime:
    """The last microsecond of a day, in UTC; the instant of a date-time; `NO_DUE_AT` for None and for invalid text."""
    return _instant(due, time.max)


@lru_cache(maxsize=10_000)
def start_at(start: str | None) -> datetime:
    """As `due_at`, but the first microsecond of a day."""
    return _instant(start, time.min)


def _instant(when: str | None, time_of_day: time) -> datetime:
    try:
        if when and len(when) == len("YYYY-MM-DD"):
            return min(_MAX_DUE_AT, datetime.combine(date.fromisoformat(when), time_of_day, UTC))
        return min(_MAX_DUE_AT, datetime.fromisoformat(when).astimezone(UTC)) if when else NO_DUE_AT
    except (ValueError, OverflowError):
        return NO_DUE_AT
