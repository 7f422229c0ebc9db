"""Values in terms: times, the units of relative ones, and people."""

from datetime import date, datetime
from typing import Literal, TypeAlias

from msgspec import Struct

RelativeDay = Literal["yesterday", "today", "tomorrow"]
PeriodBoundary = Literal[
    "start-of-week", "end-of-week", "start-of-month", "end-of-month", "start-of-year", "end-of-year"
]
"""The first or the last day of the present week, which begins on Monday, month or year."""
TimeUnit = Literal["h", "d", "w", "m", "y"]
"""Hours, days, weeks, months, years."""


class Day(Struct, frozen=True):
    """A whole day."""

    day: date


class Instant(Struct, frozen=True):
    """An instant, in UTC."""

    at: datetime


class RelativeTime(Struct, frozen=True):
    """A number of units after a day, or after `now`; before it, if the count is negative. Only `now` allows hours."""

    base: RelativeDay | PeriodBoundary | Literal["now"]
    count: int = 0
    unit: TimeUnit = "d"


class Person(Struct, frozen=True):
    """The members of the caller's workspaces with that name, or that e-mail address, in any case."""

    name: str


When: TypeAlias = Day | Instant | RelativeTime | RelativeDay
