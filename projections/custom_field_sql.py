"""Comparisons of custom fields in SQL: each a condition on `task`, a row of the task list.

A name in a filter means every custom field of that name in the projects that are listed, each compared by its type.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date
from decimal import Decimal
from typing import Any, Final, TypeAlias
from uuid import UUID

import msgspec
from msgspec import Struct

from domain.custom_field import CustomField
from domain.errors import FilterValue
from domain.filter import CustomFieldIs, Day, HasCustomField, Operator
from domain.filter.values import parse_when
from domain.label import normalize_label
from projections.text_folding import fold_text
from projections.time_sql import SqlFragment, is_relative, relative_day

FieldsByName: TypeAlias = Mapping[str, Sequence[CustomField]]
"""The custom fields of the projects that are listed, by name, as names are compared."""
NO_FIELDS: Final[FieldsByName] = {}
_EQUAL_SQL: Final = "task.field_keys is not null and task.field_keys @> {0}::jsonb"
_HAS_SQL: Final = "task.field_keys is not null and task.field_keys ? {0}::text"
_NUMBER: Final = re.compile(r"-?[0-9]{1,16}(\.[0-9]{1,100})?")
_BOOLEANS: Final = {"true": True, "yes": True, "false": False, "no": False}
_EXPECTED_VALUES: Final = {
    "text": "a text",
    "number": "a number such as 3 or -0.5",
    "date": "a date such as 2026-12-01 or today+7d",
    "person": "me, or the name, the e-mail address or the id of a user",
    "checkbox": "true or false",
    "url": "an address",
}


class FieldReader(Struct, frozen=True):
    """What values of a filter are read by: the caller, the day it is in their zone, and users by name."""

    me: UUID
    today: date
    people: Mapping[str, Collection[UUID]]


def fields_by_name(fields: Iterable[CustomField]) -> FieldsByName:
    """The fields, grouped by name."""
    found: dict[str, list[CustomField]] = {}
    for field in fields:
        found.setdefault(normalize_label(field.name), []).append(field)
    return found


def fields_named(fields: FieldsByName, name: str) -> Sequence[CustomField]:
    """Those of a name in any spelling."""
    return fields.get(normalize_label(name), ())


def comparison_sql(comparison: CustomFieldIs, fields: FieldsByName, reader: FieldReader) -> SqlFragment:
    """The condition that the task has such a value; raises FilterValue if no field of that name can have it."""
    named = fields_named(fields, comparison.name)
    if comparison.value is None:
        return presence_sql(HasCustomField(comparison.name, absent=True), fields)
    found = [sql for field in named if (sql := _typed_sql(field, comparison.operator, comparison.value, reader))]
    if named and not found:
        raise _unfit(comparison, named)
    return _any_of(found)


def presence_sql(predicate: HasCustomField, fields: FieldsByName) -> SqlFragment:
    """The condition that the task has, or has not, a value that is shown."""
    sql, values = _any_of([_has_sql(field) for field in fields_named(fields, predicate.name)])
    return (f"not ({sql})" if predicate.absent else sql), values


def named_people(predicate: CustomFieldIs, fields: FieldsByName) -> Iterator[str]:
    """The names of users in a comparison: its value, if it is compared with persons and is no id."""
    value = predicate.value
    if value and value.lower() != "me" and _uuid(value) is None:
        yield from {value for field in fields_named(fields, predicate.name) if field.type == "person"}


def reads_calendar(predicate: CustomFieldIs) -> bool:
    """Whether the value may be a day relative to the present."""
    return predicate.value is not None and _relative(predicate.value)


def _typed_sql(field: CustomField, operator: Operator, value: str, reader: FieldReader) -> SqlFragment | None:
    """None if the field cannot be compared so."""
    if field.type == "number":
        return _number_sql(field, operator, value)
    if field.type == "date":
        return _date_sql(field, operator, value, reader.today)
    if operator != ":":
        return None
    if field.type == "person":
        return _any_of([_equal_sql(field, str(user)) for user in _users(value, reader)])
    stored = _stored_value(field, value)
    return None if stored is None else _equal_sql(field, stored)


def _stored_value(field: CustomField, value: str) -> Any:
    """The value as it is stored to compare with; None if there is none."""
    if field.type in {"choice", "choices"}:
        option = field.find_option(value)
        if option is None:
            return None
        return str(option.id) if field.type == "choice" else [str(option.id)]
    return _BOOLEANS.get(value.lower()) if field.type == "checkbox" else fold_text(value)


def _number_sql(field: CustomField, operator: Operator, value: str) -> SqlFragment | None:
    if not _NUMBER.fullmatch(value):
        return None
    number = f"{Decimal(value):f}"
    if operator == ":":
        return _EQUAL_SQL, (f'{{"{field.key}": {number}}}',)
    return f"{_HAS_SQL} and task.field_keys -> {{0}}::text {operator} {{1}}::jsonb", (field.key, number)


def _date_sql(field: CustomField, operator: Operator, value: str, today: date) -> SqlFragment | None:
    day = _parse_day(value, today)
    if day is None:
        return None
    if operator == ":":
        return _equal_sql(field, day.isoformat())
    sql = f'{_HAS_SQL} and (task.field_keys ->> {{0}}::text) collate "C" {operator} {{1}}::text'
    return sql, (field.key, day.isoformat())


def _parse_day(value: str, today: date) -> date | None:
    with suppress(ValueError, OverflowError):
        when = parse_when(value)
        if isinstance(when, Day):
            return when.day
        if _relative(value):
            return relative_day(when, today)
    return None


def _relative(value: str) -> bool:
    """Whether it is a day relative to the present."""
    with suppress(ValueError, OverflowError):
        when = parse_when(value)
        return is_relative(when) and getattr(when, "base", "") != "now"
    return False


def _users(value: str, reader: FieldReader) -> Collection[UUID]:
    if value.lower() == "me":
        return (reader.me,)
    user = _uuid(value)
    return reader.people.get(value, ()) if user is None else (user,)


def _uuid(value: str) -> UUID | None:
    with suppress(ValueError):
        return msgspec.convert(value, UUID)
    return None


def _has_sql(field: CustomField) -> SqlFragment:
    """Options that the field has no longer do not count."""
    if field.type not in {"choice", "choices"}:
        return _HAS_SQL, (field.key,)
    ids = [str(option.id) for option in field.options]
    # A text contains itself, as an item of a list does: `?|` reads both.
    return f"{_HAS_SQL} and task.field_keys -> {{0}}::text ?| {{1}}::text[]", (field.key, ids)


def _equal_sql(field: CustomField, value: object) -> SqlFragment:
    return _EQUAL_SQL, (msgspec.json.encode({field.key: value}).decode(),)


def _any_of(conditions: Sequence[SqlFragment]) -> SqlFragment:
    """The condition that one of them holds, with its placeholders counted on."""
    values: tuple[object, ...] = ()
    shifted = list[str]()
    for sql, own in conditions:
        shifted.append(f"({sql.format(*(f'{{{len(values) + place}}}' for place in range(len(own))))})")
        values += own
    return " or ".join(shifted).join("()") if shifted else "false", values


def _unfit(comparison: CustomFieldIs, fields: Sequence[CustomField]) -> FilterValue:
    """What the fields of that name can be compared with."""
    options = [option.name for field in fields for option in field.options]
    expected = list(dict.fromkeys([*(_EXPECTED_VALUES[one.type] for one in fields if not one.options), *options]))
    words = f"For {comparison.name}, write one of these{'' if _is_ordered(fields) else ' after a colon'}: "
    return FilterValue(f"{words}{', '.join(expected)}.", field=comparison.name, expected=expected)


def _is_ordered(fields: Sequence[CustomField]) -> bool:
    return any(field.type in {"number", "date"} for field in fields)
