"""The fields that a filter can compare, and the values that each accepts."""

import re
from collections.abc import Mapping
from typing import Any, get_args
from uuid import UUID

import msgspec

from domain.filter.comparison import Comparison, FilterField
from domain.filter.past_fields import PAST_FIELDS
from domain.filter.terms import (
    AssigneeIs,
    ColumnIs,
    CreatedByIs,
    CustomFieldIs,
    DurationIs,
    FieldPredicate,
    Has,
    HasCustomField,
    Is,
    LabelIs,
    Operator,
    OptionalPart,
    ParentIs,
    PriorityIs,
    ProjectIs,
    RelativeTime,
    ReopenedIs,
    StaleIs,
    StatusIs,
    TaskKeyIs,
    TaskState,
    TimeIs,
)
from domain.filter.tokens import CUSTOM_FIELD_PREFIX, custom_field_name, read_name
from domain.filter.values import EXPECTED_TIMES, check_name, parse_person, parse_when
from domain.task import Priority, TaskStatus

_PROJECT_KEY_PATTERN = re.compile("[A-Za-z][A-Za-z0-9]{1,9}")
_TASK_KEY_PATTERN = re.compile(_PROJECT_KEY_PATTERN.pattern + "-[1-9][0-9]{0,8}")
_DURATION_PATTERN = re.compile(r"(?P<count>[0-9]{1,7}(\.[0-9]{1,2})?)(?P<unit>[mh]?)")
_MINUTES_BY_UNIT = {"": 1, "m": 1, "h": 60}


def allowed_operators(predicate: FieldPredicate) -> tuple[Operator, ...]:
    """The operators that a predicate allows."""
    match predicate:
        case TimeIs(when="none") | DurationIs(minutes=None) | CustomFieldIs(value=None):
            return (":",)
        case TimeIs(when="now" | RelativeTime(base="now")):
            return ("<", "<=", ">", ">=")
        case StaleIs():
            return ("<", "<=", ">", ">=")
        case PriorityIs() | TimeIs() | DurationIs() | CustomFieldIs() | ReopenedIs():
            return get_args(Operator)
        case _:
            return (":",)


def _parse_status(comparison: Comparison) -> StatusIs:
    return StatusIs(msgspec.convert(comparison.word, TaskStatus))


def _parse_priority(comparison: Comparison) -> PriorityIs:
    return PriorityIs(comparison.operator, msgspec.convert(comparison.word, Priority))


def _parse_assignee(comparison: Comparison) -> AssigneeIs:
    user = comparison.word
    return AssigneeIs(user if user in {"me", "none"} else parse_person(comparison.value))


def _parse_creator(comparison: Comparison) -> CreatedByIs:
    user = comparison.word
    return CreatedByIs(user if user == "me" else parse_person(comparison.value))


def _parse_label(comparison: Comparison) -> LabelIs:
    return LabelIs(None if comparison.word == "none" and not comparison.quoted else check_name(comparison.value))


def _parse_project(comparison: Comparison) -> ProjectIs:
    is_key = _PROJECT_KEY_PATTERN.fullmatch(comparison.value)
    return ProjectIs(comparison.value.upper() if is_key else msgspec.convert(comparison.value, UUID))


def _parse_column(comparison: Comparison) -> ColumnIs:
    return ColumnIs(check_name(comparison.value))


def _parse_key(comparison: Comparison) -> TaskKeyIs:
    if not _TASK_KEY_PATTERN.fullmatch(comparison.value):
        raise ValueError(comparison.value)
    return TaskKeyIs(comparison.value.upper())


def _parse_parent(comparison: Comparison) -> ParentIs:
    return ParentIs(msgspec.convert(comparison.value, UUID))


def _parse_custom_field(comparison: Comparison) -> CustomFieldIs:
    """The value stays as it is written: what it means depends on the type of the field."""
    name = check_name(custom_field_name(comparison.name) or "")
    is_none = comparison.word == "none" and not comparison.quoted
    return CustomFieldIs(name, comparison.operator, None if is_none else comparison.value)


def _parse_presence(comparison: Comparison) -> Has | HasCustomField:
    name = None if comparison.quoted else custom_field_name(comparison.value)
    if name is not None:
        return HasCustomField(check_name(name), absent=comparison.field == "no")
    return Has(msgspec.convert(comparison.word, OptionalPart), absent=comparison.field == "no")


def _parse_state(comparison: Comparison) -> Is:
    return Is(msgspec.convert(comparison.word, TaskState))


def _parse_duration(comparison: Comparison) -> DurationIs:
    """Minutes or hours: `90`, `90m` or `1.5h`."""
    duration_field: Any = comparison.field
    if comparison.word == "none":
        return DurationIs(duration_field, comparison.operator, None)
    found = _DURATION_PATTERN.fullmatch(comparison.word)
    if found is None:
        raise ValueError(comparison.value)
    minutes = round(float(found["count"]) * _MINUTES_BY_UNIT[found["unit"]])
    return DurationIs(duration_field, comparison.operator, minutes)


def _parse_optional_time(comparison: Comparison) -> TimeIs:
    time_field: Any = comparison.field
    when = comparison.word
    return TimeIs(time_field, comparison.operator, when) if when in {"now", "none"} else _parse_time(comparison)


def _parse_time(comparison: Comparison) -> TimeIs:
    time_field: Any = comparison.field
    return TimeIs(time_field, comparison.operator, parse_when(comparison.value))


_EXPECTED_DURATIONS = ("minutes such as 90", "hours such as 1.5h", "none")
_CUSTOM_FIELD_EXAMPLE = f"{CUSTOM_FIELD_PREFIX}Name"
_EXPECTED_PARTS = (*get_args(OptionalPart), _CUSTOM_FIELD_EXAMPLE)
FILTER_FIELDS: Mapping[str, FilterField] = {
    "status": FilterField(_parse_status, get_args(TaskStatus)),
    "priority": FilterField(_parse_priority, get_args(Priority)),
    "assignee": FilterField(_parse_assignee, ("me", "none", "the name, the e-mail address or the id of a user")),
    "created_by": FilterField(_parse_creator, ("me", "the name, the e-mail address or the id of a user")),
    "label": FilterField(_parse_label, ("a name of 1 to 100 characters", "none")),
    "project": FilterField(_parse_project, ("a key such as PROJ", "the id of a project")),
    "column": FilterField(_parse_column, ("the id of a column",)),
    "key": FilterField(_parse_key, ("a key such as PROJ-12",)),
    "parent": FilterField(_parse_parent, ("the id of a task",)),
    "due": FilterField(_parse_optional_time, (*EXPECTED_TIMES, "now", "none")),
    "start": FilterField(_parse_optional_time, (*EXPECTED_TIMES, "now", "none")),
    "estimate": FilterField(_parse_duration, _EXPECTED_DURATIONS),
    "spent": FilterField(_parse_duration, _EXPECTED_DURATIONS),
    "created": FilterField(_parse_time, EXPECTED_TIMES),
    "updated": FilterField(_parse_time, EXPECTED_TIMES),
    "has": FilterField(_parse_presence, _EXPECTED_PARTS, read_name),
    "no": FilterField(_parse_presence, _EXPECTED_PARTS, read_name),
    "is": FilterField(_parse_state, get_args(TaskState)),
    **PAST_FIELDS,
}
"""Each field that a filter can compare."""
_CUSTOM_FIELD = FilterField(_parse_custom_field, ("a value of the type of the field", "none"))
FIELD_NAMES = (*FILTER_FIELDS, _CUSTOM_FIELD_EXAMPLE)
"""Their names, and an example of that of a custom field."""


def find_filter_field(name: str) -> FilterField | None:
    """The field of that name, in any case, or a custom one."""
    return _CUSTOM_FIELD if custom_field_name(name) else FILTER_FIELDS.get(name.lower())
