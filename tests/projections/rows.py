"""Rows of read models: a test gives the fields that it is about, the others get valid defaults."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin
from uuid import UUID

from msgspec import Struct, convert
from msgspec.structs import fields

from tests.examples import fixed_uuid7
from tests.given import OCCURRED_AT

R = TypeVar("R", bound=Struct)
_DEFAULTS: dict[Any, Any] = {UUID: fixed_uuid7(1), datetime: OCCURRED_AT, str: "", int: 1, float: 0.0, bool: False}


def build_row(row_type: type[R], /, **values: Any) -> R:
    """Build a row; raises TypeError for an unknown field, and ValidationError for a value of another type."""
    if unknown := values.keys() - set(row_type.__struct_fields__):
        raise TypeError(f"{row_type.__name__} has no fields {sorted(unknown)}")
    return convert({**_defaults(row_type), **values}, row_type)


@cache
def _defaults(row_type: type[Struct]) -> Mapping[str, Any]:
    """The valid defaults of required fields; reading the annotations takes a millisecond."""
    return {field.name: _default_of(field.type) for field in fields(row_type) if field.required}


def _default_of(kind: Any) -> Any:
    """None where it may be None, the first of several literals, an empty container."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return arguments[0]
    if origin in {Union, UnionType}:
        return None if NoneType in arguments else _default_of(arguments[0])
    return (origin or kind)() if kind not in _DEFAULTS else _DEFAULTS[kind]
