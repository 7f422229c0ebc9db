"""The diff of two states of a document: the fields that differ, each with its old and new value."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

from msgspec import Struct

Kind: TypeAlias = Literal["project", "task", "comment"]
"""The kinds of documents that are compared."""
DiffChange: TypeAlias = Literal["added", "removed", "changed"]
Document: TypeAlias = Mapping[str, Any]


class FieldChange(Struct, frozen=True):
    """A field with its values before and after, and the positions of the events that changed it in between."""

    field: str
    old: Any
    new: Any
    events: Sequence[int] = ()


def compare(
    before: Document | None, after: Document | None, positions: Mapping[str, Sequence[int]]
) -> list[FieldChange]:
    """The fields that differ; all of them where one of the states is None, with the value None there.

    A field that only one of the states has is None in the other. `positions` are those at which each field changed.
    """
    is_whole = before is None or after is None
    old, new = before or {}, after or {}
    return [
        FieldChange(name, old.get(name), new.get(name), positions.get(name, ()))
        for name in dict.fromkeys((*old, *new))
        if is_whole or old.get(name) != new.get(name)
    ]


def apply(state: Document | None, changes: Sequence[FieldChange]) -> Document:
    """The state after these changes: the second of the two that were compared, if this is the first."""
    return {**(state or {}), **{change.field: change.new for change in changes}}


def flatten(document: Document, maps: Sequence[str]) -> Document:
    """The document with the members of its `maps` as fields of their own: `fields.Size` for `Size` in `fields`."""
    plain = {name: value for name, value in document.items() if name not in maps}
    return plain | {f"{name}.{key}": value for name in maps for key, value in document[name].items()}
