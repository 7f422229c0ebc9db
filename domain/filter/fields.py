"""The fields that a filter compares, and what each of them takes."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any, get_args
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from domain.filter.terms import (
    AssigneeIs,
    ColumnIs,
    Compared,
    Day,
    KeyIs,
    LabelIs,
    Moment,
    Near,
    Operator,
    PriorityIs,
    ProjectIs,
    StatusIs,
    TimeIs,
)
from domain.task import Priority, Status

_PROJECT_KEY = re.compile("[A-Za-z][A-Za-z0-9]{1,9}")
_KEY = re.compile(_PROJECT_KEY.pattern + "-[1-9][0-9]{0,8}")
_LONGEST_NAME = 100
_NEAR: tuple[str, ...] = get_args(Near)


class Comparison(Struct, frozen=True):
    """A field, an operator and a value, as they are written."""

    field: str
    operator: Operator
    value: str
    quoted: bool


class Field(Struct, frozen=True):
    """What comparing a field asks, and what it takes, in words.

    `asked` raises ValueError or OverflowError where the field takes no such value.
    """

    asked: Callable[[Comparison], Compared]
    expected: tuple[str, ...]


def fitting(asked: Compared) -> tuple[Operator, ...]:
    """The operators that make sense where that is asked."""
    match asked:
        case TimeIs(when="none"):
            return (":",)
        case TimeIs(when="now"):
            return ("<", "<=", ">", ">=")
        case PriorityIs() | TimeIs():
            return get_args(Operator)
        case _:
            return (":",)


def _status(written: Comparison) -> StatusIs:
    return StatusIs(msgspec.convert(written.value, Status))


def _priority(written: Comparison) -> PriorityIs:
    return PriorityIs(written.operator, msgspec.convert(written.value, Priority))


def _assignee(written: Comparison) -> AssigneeIs:
    user: Any = written.value
    return AssigneeIs(user if user in {"me", "none"} else msgspec.convert(user, UUID))


def _label(written: Comparison) -> LabelIs:
    return LabelIs(None if written.value == "none" and not written.quoted else _name(written.value))


def _project(written: Comparison) -> ProjectIs:
    is_key = _PROJECT_KEY.fullmatch(written.value)
    return ProjectIs(written.value.upper() if is_key else msgspec.convert(written.value, UUID))


def _column(written: Comparison) -> ColumnIs:
    return ColumnIs(_name(written.value))


def _key(written: Comparison) -> KeyIs:
    if not _KEY.fullmatch(written.value):
        raise ValueError(written.value)
    return KeyIs(written.value.upper())


def _name(value: str) -> str:
    if not 1 <= len(value) <= _LONGEST_NAME:
        raise ValueError(value)
    return value


def _due(written: Comparison) -> TimeIs:
    when: Any = written.value
    return TimeIs("due", written.operator, when) if when in {"now", "none"} else _time(written)


def _time(written: Comparison) -> TimeIs:
    time: Any = written.field
    when: Any = written.value
    if len(when) == len("YYYY-MM-DD"):
        when = Day(msgspec.convert(when, date))
    elif when not in _NEAR:
        when = Moment(msgspec.convert(when, Annotated[datetime, Meta(tz=True)]).astimezone(UTC))
    return TimeIs(time, written.operator, when)


_TIMES = ("a date such as 2026-12-01", "a quoted date-time with an offset", *_NEAR)
FIELDS: Mapping[str, Field] = {
    "status": Field(_status, get_args(Status)),
    "priority": Field(_priority, get_args(Priority)),
    "assignee": Field(_assignee, ("me", "none", "the id of a user")),
    "label": Field(_label, ("a name of 1 to 100 characters", "none")),
    "project": Field(_project, ("a key such as PROJ", "the id of a project")),
    "column": Field(_column, ("the id of a column",)),
    "key": Field(_key, ("a key such as PROJ-12",)),
    "due": Field(_due, (*_TIMES, "now", "none")),
    "created": Field(_time, _TIMES),
    "updated": Field(_time, _TIMES),
}
"""Each field that a filter may compare."""
