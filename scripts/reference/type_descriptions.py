"""Describes the types and defaults of fields in words."""

import typing
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin
from uuid import UUID

import msgspec
from msgspec import Meta, Struct, UnsetType
from msgspec.structs import FieldInfo

from domain.event import Change

_WORDS_BY_TYPE: Final[dict[object, str]] = {
    str: "text",
    int: "integer",
    float: "number",
    bool: "`true` or `false`",
    UUID: "UUID",
    datetime: "time",
    type(None): "`null`",
}


def describe_type(annotation: Any) -> str:
    """A field's type in words; raises KeyError for a type without a description."""
    if isinstance(annotation, type) and issubclass(annotation, Struct):
        return f"`{{{', '.join(annotation.__struct_encode_fields__)}}}`"
    describe = _DESCRIBERS.get(get_origin(annotation))
    return describe(annotation) if describe else _WORDS_BY_TYPE[annotation]


def describe_default(field: FieldInfo) -> str:
    """The default of a field in words; empty for a required field."""
    if field.required:
        return ""
    if field.default is msgspec.UNSET:
        return "unchanged"
    default = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    return f"`{default}`" if default and isinstance(default, str) else f"`{_to_json(default)}`"


def join_alternatives(alternatives: Sequence[str]) -> str:
    """`a`, `b` or `c`."""
    return " or ".join([", ".join(alternatives[:-1]), alternatives[-1]]) if len(alternatives) > 1 else alternatives[0]


def _describe_annotated(annotation: Any) -> str:
    description = describe_type(annotation.__origin__)
    for meta in (one for one in annotation.__metadata__ if isinstance(one, Meta)):
        if meta.description:
            return meta.description.rstrip(".")
        unit = " characters" if annotation.__origin__ is str else ""
        if meta.max_length:
            minimum = f"{meta.min_length} to " if meta.min_length else "at most "
            description += f", {minimum}{meta.max_length}{unit}"
    return description


def _describe_change(annotation: Any) -> str:
    return f"changed: {describe_type(get_args(annotation)[0])}"


def _describe_list(annotation: Any) -> str:
    return f"list of {describe_type(get_args(annotation)[0])}"


def _describe_object(annotation: Any) -> str:
    return f"object of {describe_type(get_args(annotation)[1])}"


def _describe_literal(annotation: Any) -> str:
    return join_alternatives([f"`{value}`" for value in get_args(annotation)])


def _describe_union(annotation: Any) -> str:
    return ", or ".join(describe_type(part) for part in get_args(annotation) if part is not UnsetType)


def _to_json(value: object) -> str:
    return msgspec.json.encode(value).decode()


_DESCRIBERS: Final = {
    typing.Annotated: _describe_annotated,
    Change: _describe_change,
    Union: _describe_union,
    UnionType: _describe_union,
    Literal: _describe_literal,
    tuple: _describe_list,
    dict: _describe_object,
    Mapping: _describe_object,
}
