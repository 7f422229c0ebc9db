"""Comparisons of times in SQL: days, instants, and times relative to the present, in the reader's time zone."""

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final, Literal, TypeAlias

from domain.filter import Day, Instant, Operator, RelativeTime, TimeIs
from domain.filter.terms import RelativeDay, TimeField, TimeUnit
from projections.task_list import NO_DUE_AT

SqlFragment: TypeAlias = tuple[str, tuple[object, ...]]
"""SQL with the placeholders `{0}`, `{1}` and so on, and their values."""
_When: TypeAlias = Day | Instant | RelativeTime | RelativeDay | Literal["now"]
_TIME_COLUMNS: Final[dict[TimeField, str]] = {
    "due": "task.due_at",
    "start": "task.start_at",
    "created": "task.created_at",
    "updated": "task.updated_at",
}
_DATED_FIELDS: Final = ("due", "start")
"""Those that may be whole days."""
_EPOCH_HOUR_SQL: Final = "floor(extract(epoch from {}::timestamptz) / 3600)::bigint"
_DAY_OFFSETS: Final[dict[str, int]] = {"yesterday": -1, "today": 0, "tomorrow": 1}
_MIN_AT: Final = datetime.min.replace(tzinfo=UTC)
_HOUR: Final = timedelta(hours=1)
_DAYS_BY_UNIT: Final[dict[TimeUnit, int]] = {"d": 1, "w": 7}
_MONTHS_BY_UNIT: Final[dict[TimeUnit, int]] = {"m": 1, "y": 12}
_MONTHS_PER_YEAR: Final = 12


def time_sql(comparison: TimeIs, now: datetime, zone: tzinfo) -> SqlFragment:
    """The condition that a time of the task compares so; `now` is in UTC.

    A day on which a task starts or is due is that day wherever the reader is: it is compared with the days, and the
    clock, of their zone.
    """
    if comparison.when == "none":
        return f"{_TIME_COLUMNS[comparison.field]} = {{0}}", (NO_DUE_AT,)
    bounds = _time_bounds(comparison.operator, *time_range(comparison.when, now, zone))
    if comparison.field in _DATED_FIELDS:
        return _dated_sql(comparison.field, bounds, zone)
    column = _TIME_COLUMNS[comparison.field]
    sql, values = between_sql(column, bounds)
    if comparison.field == "updated":  # the index is on the hour
        signs = [sign for sign, bound in zip((">=", "<="), bounds, strict=True) if bound]
        hours = [f"task.updated_hour {sign} {_EPOCH_HOUR_SQL}".format(f"{{{at}}}") for at, sign in enumerate(signs)]
        sql = " and ".join((sql, *hours))
    return sql, values


def is_relative(when: object) -> bool:
    """Whether it is another time as time passes."""
    return isinstance(when, RelativeTime) or when == "now" or when in _DAY_OFFSETS


def _dated_sql(field: TimeField, bounds: tuple[datetime | None, datetime | None], zone: tzinfo) -> SqlFragment:
    column, is_whole_day = _TIME_COLUMNS[field], f"length(task.{field}) = 10"
    since, until = bounds[0], bounds[1] or NO_DUE_AT
    day_since, day_until = since and _wall_clock(since, zone), _wall_clock(until, zone)
    if (since, until) == (day_since, day_until):
        return between_sql(column, (since, until))
    # The first condition is one that the index can find.
    wide, wide_values = between_sql(column, (since and min(since, day_since or since), max(until, day_until)))
    days, day_values = between_sql(column, (day_since, day_until), len(wide_values))
    instants, values = between_sql(column, (since, until), len(wide_values) + len(day_values))
    sql = f"{wide} and case when {is_whole_day} then {days} else {instants} end"
    return sql, (*wide_values, *day_values, *values)


def between_sql(column: str, bounds: tuple[datetime | None, datetime | None], first: int = 0) -> SqlFragment:
    """The column is not before the first bound, and before the second; placeholders begin with number `first`."""
    found = [(sign, bound) for sign, bound in zip((">=", "<"), bounds, strict=True) if bound]
    pieces = [f"{column} {sign} {{{place}}}" for place, (sign, _) in enumerate(found, first)]
    return " and ".join(pieces), tuple(bound for _, bound in found)


def _time_bounds(operator: Operator, start: datetime, end: datetime) -> tuple[datetime | None, datetime | None]:
    """The times that compare so with the range from `start` to before `end`: their own bounds; None: unbounded."""
    match operator:
        case ":":
            return start, end
        case "<" | "<=":
            return None, start if operator == "<" else end
        case ">" | ">=":
            return end if operator == ">" else start, None


def time_range(when: _When, now: datetime, zone: tzinfo) -> tuple[datetime, datetime]:
    """The start, and the end, which is not included; in UTC."""
    match when:
        case Instant(at):
            return at, _later(at, timedelta.resolution)
        case "now":
            return now, now + timedelta.resolution
        case RelativeTime("now", count, unit):
            at = _shifted_instant(now, count, unit, zone)
            return at, _later(at, timedelta.resolution)
    day = when.day if isinstance(when, Day) else relative_day(when, now.astimezone(zone).date())
    return _midnight(day, zone), _midnight(day + timedelta(days=1), zone) if day < date.max else NO_DUE_AT


def relative_day(when: RelativeTime | RelativeDay, today: date) -> date:
    """The day that is meant today; not for times relative to `now`."""
    base, count, unit = (when.base, when.count, when.unit) if isinstance(when, RelativeTime) else (when, 0, "d")
    if base in _DAY_OFFSETS:
        return (
            _shifted_day(today, _DAY_OFFSETS[base], "d")
            if not count
            else _shifted_day(today + timedelta(days=_DAY_OFFSETS[base]), count, unit)
        )
    day = _shifted_day(_period_boundary(base, today), count, unit)
    return _end_of_month(day) if base == "end-of-month" and unit in _MONTHS_BY_UNIT else day


def _period_boundary(boundary: str, today: date) -> date:
    match boundary:
        case "start-of-week":
            return today - timedelta(days=today.weekday())
        case "end-of-week":
            return today + timedelta(days=6 - today.weekday())
        case "start-of-month":
            return today.replace(day=1)
        case "end-of-month":
            return _end_of_month(today)
        case "start-of-year":
            return today.replace(month=1, day=1)
        case _:
            return today.replace(month=12, day=31)


def _shifted_day(day: date, count: int, unit: TimeUnit) -> date:
    """So many units later; in a shorter month, its last day; no further than the calendar goes."""
    try:
        if unit in _DAYS_BY_UNIT:
            return day + timedelta(days=count * _DAYS_BY_UNIT[unit])
        months = day.year * _MONTHS_PER_YEAR + day.month - 1 + count * _MONTHS_BY_UNIT[unit]
        first = date(months // _MONTHS_PER_YEAR, months % _MONTHS_PER_YEAR + 1, 1)
        return first.replace(day=min(day.day, _end_of_month(first).day))
    except (ValueError, OverflowError):
        return date.max if count > 0 else date.min


def _shifted_instant(now: datetime, count: int, unit: TimeUnit, zone: tzinfo) -> datetime:
    """So many units later; by days, at the same time by the clock of the zone."""
    if unit == "h":
        return now + count * _HOUR
    local = now.astimezone(zone)
    return _to_utc(datetime.combine(_shifted_day(local.date(), count, unit), local.time(), zone))


def _end_of_month(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])


def _midnight(day: date, zone: tzinfo) -> datetime:
    return _to_utc(datetime.combine(day, time.min, zone))


def _to_utc(local: datetime) -> datetime:
    try:
        return local.astimezone(UTC)
    except OverflowError:
        return _MIN_AT if local.year == 1 else NO_DUE_AT


def _later(at: datetime, length: timedelta) -> datetime:
    return at + length if at <= NO_DUE_AT - length else NO_DUE_AT


def _wall_clock(at: datetime, zone: tzinfo) -> datetime:
    """What the clock of the zone shows, as if it were in UTC, as the last instants of due days are stored."""
    if at == NO_DUE_AT:
        return at
    try:
        return at.astimezone(zone).replace(tzinfo=UTC)
    except OverflowError:
        return at
