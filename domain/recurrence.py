"""A recurrence: the rule by which a task comes again, and when its next instance is due."""

from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Literal

from msgspec import Struct, field
from msgspec.structs import replace

from domain.recurrence_days import days_after
from domain.recurrence_rule import RecurrenceRule, parse_rule, with_count

RecurrenceStart = Literal["due", "completion"]
"""From where a rule is counted: the due date, or the day of completion."""


class Recurrence(Struct, frozen=True):
    """A rule, counted from the due date or from the day of completion; its COUNT includes the present instance."""

    rule: str
    counted_from: RecurrenceStart = field(default="due", name="from")


class NextInstance(Struct, frozen=True):
    """The instance after the present one: how many days later it is due, and what remains of the recurrence."""

    distance: timedelta
    recurrence: Recurrence


def next_instance(recurrence: Recurrence, due: str, zone: tzinfo | None, now: datetime) -> NextInstance | None:
    """The instance after the one due then, in a zone, that is completed or skipped now; None at the end of the series.

    If the due date has not passed, it is the next of the rule; otherwise the first after now or, where the due date is
    a day, after today. Counted from the completion, it is the first after today.
    """
    rule = parse_rule(recurrence.rule)
    distance = None if rule.count == 1 else _distance_to_next(recurrence, rule, due, zone, now)
    if distance is None or _is_after_end(rule, later(due, distance, zone), zone):
        return None
    if rule.count is not None:
        recurrence = replace(recurrence, rule=with_count(recurrence.rule, rule.count - 1))
    return NextInstance(distance, recurrence)


def occurs_after(recurrence: Recurrence, due: str, zone: tzinfo | None) -> bool:
    """Whether the rule has a day after the due date, apart from COUNT and UNTIL."""
    day = local_day(due, zone)
    return next(days_after(parse_rule(recurrence.rule), day, day), None) is not None


def later(when: str, distance: timedelta, zone: tzinfo | None) -> str:
    """The day, or the date-time, that many days later, at the same time by the clocks of the zone, as stored.

    A time that the clocks skip is written with the offset before the gap; one that they show twice is the first of the
    two: as RFC 5545, section 3.3.5, has it, and PEP 495 for a `fold` of 0. Without a zone the offset stays as written.
    """
    if is_day(when):
        return (date.fromisoformat(when) + distance).isoformat()
    return (_clock_time(when, zone) + distance).replace(tzinfo=zone or _offset(when)).isoformat()


def local_day(when: str, zone: tzinfo | None) -> date:
    """The day, or that of a date-time: in the zone, or in the offset that it is written with."""
    return date.fromisoformat(when) if is_day(when) else _clock_time(when, zone).date()


def is_day(when: str) -> bool:
    """Whether it is a day, and not a date-time."""
    return len(when) == len("YYYY-MM-DD")


def _distance_to_next(
    recurrence: Recurrence, rule: RecurrenceRule, due: str, zone: tzinfo | None, now: datetime
) -> timedelta | None:
    due_day, today = local_day(due, zone), now.astimezone(zone or _offset(due)).date()
    if recurrence.counted_from == "completion":
        days = days_after(rule, today, today)
    elif is_day(due):
        days = days_after(rule, due_day, max(due_day, today))
    else:
        candidates = days_after(rule, due_day, max(due_day, today - timedelta(days=1)))
        days = (day for day in candidates if datetime.fromisoformat(later(due, day - due_day, zone)) > now)
    day = next(days, None)
    return None if day is None else day - due_day


def _is_after_end(rule: RecurrenceRule, due: str, zone: tzinfo | None) -> bool:
    """Whether the due date is after UNTIL; if one of them is a day, the days count."""
    if rule.until is None:
        return False
    if not isinstance(rule.until, datetime):
        return local_day(due, zone) > rule.until
    if is_day(due):
        return date.fromisoformat(due) > rule.until.astimezone(zone or UTC).date()
    return datetime.fromisoformat(due) > rule.until


def _clock_time(when: str, zone: tzinfo | None) -> datetime:
    """What the clocks of the zone show at that moment; a time that they skip, if it is written as `later` does.

    At the ends of the calendar, where a zone may have no such moment, it is what is written.
    """
    moment = datetime.fromisoformat(when)
    as_written = moment.replace(tzinfo=None)
    try:
        if zone is None or as_written.replace(tzinfo=zone).astimezone(UTC) == moment.astimezone(UTC):
            return as_written
        return moment.astimezone(zone).replace(tzinfo=None, fold=0)
    except OverflowError:
        return as_written


def _offset(when: str) -> tzinfo:
    """The offset that a date-time is written with; UTC for a day."""
    return datetime.fromisoformat(when).tzinfo or UTC
