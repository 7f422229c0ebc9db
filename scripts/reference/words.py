"""Words for types: what a field holds, as a person says it."""

import typing
from collections.abc import Sequence
from datetime import datetime
from types import UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin
from uuid import UUID

import msgspec
from msgspec import Meta, Struct, UnsetType
from msgspec.structs import FieldInfo

from domain.event import Change

_PLAIN: Final[dict[object, str]] = {
    str: "text",
    int: "integer",
    bool: "`true` or `false`",
    UUID: "UUID",
    datetime: "time",
    type(None): "`null`",
}


def of_type(annotation: Any) -> str:
    """A field's type; raises KeyError for one that has no words yet."""
    if isinstance(annotation, type) and issubclass(annotation, Struct):
        return f"`{{{', '.join(annotation.__struct_fields__)}}}`"
    said = _COMPOSED.get(get_origin(annotation))
    return said(annotation) if said else _PLAIN[annotation]


def of_default(field: FieldInfo) -> str:
    """What is taken where the field is left out; nothing for one that must be there."""
    if field.required:
        return ""
    if field.default is msgspec.UNSET:
        return "stays as it is"
    return f"`{field.default}`" if field.default and isinstance(field.default, str) else f"`{_json(field.default)}`"


def any_of(words: Sequence[str]) -> str:
    """`a`, `b` or `c`."""
    return " or ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]


def _bounded(annotation: Any) -> str:
    said = of_type(annotation.__origin__)
    for meta in (one for one in annotation.__metadata__ if isinstance(one, Meta)):
        if meta.description:
            return meta.description.rstrip(".")
        unit = " characters" if annotation.__origin__ is str else ""
        if meta.max_length:
            least = f"{meta.min_length} to " if meta.min_length else "at most "
            said += f", {least}{meta.max_length}{unit}"
    return said


def _changed(annotation: Any) -> str:
    return f"changed: {of_type(get_args(annotation)[0])}"


def _list(annotation: Any) -> str:
    return f"list of {of_type(get_args(annotation)[0])}"


def _values(annotation: Any) -> str:
    return any_of([f"`{value}`" for value in get_args(annotation)])


def _union(annotation: Any) -> str:
    return ", or ".join(of_type(part) for part in get_args(annotation) if part is not UnsetType)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


_COMPOSED: Final = {
    typing.Annotated: _bounded,
    Change: _changed,
    Union: _union,
    UnionType: _union,
    Literal: _values,
    tuple: _list,
}
