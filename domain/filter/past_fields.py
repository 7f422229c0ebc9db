"""The fields of a filter that are about the past of tasks, and the values that each accepts."""

import re
from collections.abc import Mapping
from typing import Any, get_args

import msgspec

from domain.filter.comparison import Comparison, FilterField
from domain.filter.terms import (
    At,
    By,
    ChangeableField,
    Changed,
    CustomFieldChanged,
    ReopenedIs,
    Since,
    StaleIs,
    Until,
)
from domain.filter.tokens import CUSTOM_FIELD_PREFIX, custom_field_name, read_name
from domain.filter.values import EXPECTED_TIMES, check_name, parse_person, parse_when

_AGE_PATTERN = re.compile("(?P<count>[0-9]{1,4})(?P<unit>[hdwmy])")
_COUNT_PATTERN = re.compile("[0-9]{1,4}")


def _parse_changed(comparison: Comparison) -> Changed | CustomFieldChanged:
    name = None if comparison.quoted else custom_field_name(comparison.value)
    if name is not None:
        return CustomFieldChanged(check_name(name))
    return Changed(msgspec.convert(comparison.word, ChangeableField))


def _parse_reopened(comparison: Comparison) -> ReopenedIs:
    if not _COUNT_PATTERN.fullmatch(comparison.value):
        raise ValueError(comparison.value)
    return ReopenedIs(comparison.operator, int(comparison.value))


def _parse_stale(comparison: Comparison) -> StaleIs:
    age = _AGE_PATTERN.fullmatch(comparison.word)
    if age is None:
        raise ValueError(comparison.value)
    unit: Any = age["unit"]
    return StaleIs(comparison.operator, int(age["count"]), unit)


def _parse_by(comparison: Comparison) -> By:
    user = comparison.word
    return By(user if user == "me" else parse_person(comparison.value))


PAST_FIELDS: Mapping[str, FilterField] = {
    "changed": FilterField(_parse_changed, (*get_args(ChangeableField), f"{CUSTOM_FIELD_PREFIX}Name"), read_name),
    "reopened": FilterField(_parse_reopened, ("a number of times such as 2",)),
    "stale": FilterField(_parse_stale, ("an age such as 14d, 2w or 36h",)),
    "by": FilterField(_parse_by, ("me", "the name, the e-mail address or the id of a user")),
    "since": FilterField(lambda comparison: Since(parse_when(comparison.value)), EXPECTED_TIMES),
    "until": FilterField(lambda comparison: Until(parse_when(comparison.value)), EXPECTED_TIMES),
    "at": FilterField(lambda comparison: At(parse_when(comparison.value)), EXPECTED_TIMES),
}
"""Each of them."""
