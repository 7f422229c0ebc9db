"""The fields of a row, each read once; fields that stay unread are reported."""

from collections.abc import Collection, Sequence
from typing import Any

from cli.import_.field_names import (
    FALLBACK_TITLE_FIELDS,
    TITLE_FIELDS,
    may_have_sub_tasks,
    normalize_name,
    normalize_names,
)
from cli.import_.parsing import DuplicateNames, InvalidValue
from cli.import_.rows import describe_json_type, sub_tasks_in
from cli.import_.shortening import quote
from cli.import_.text_validation import MalformedRow

_PLAIN_TYPES = frozenset({str, int, float, bool, type(None)})
EMPTY_VALUES: tuple[object, ...] = (None, "", [], {})


class RowFields:
    """The fields of a row by normalized name; raises MalformedRow if the row is not an object."""

    def __init__(self, value: object) -> None:
        if isinstance(value, InvalidValue):
            raise MalformedRow(value.reason, kind=value.kind)
        if not isinstance(value, dict):
            raise MalformedRow(f"{describe_json_type(value)}, not an object")
        self._fields: dict[str, tuple[str, object]] = {}
        self._other_spellings: list[tuple[str, object]] = []
        names = tuple(value)
        if not may_have_sub_tasks(names):
            _require_valid(value, value.values())
            self._fields = dict(zip(normalize_names(names), value.items(), strict=True))
            if len(self._fields) == len(names):
                return
            self._fields = {}
        own = {name: inner for name, inner in value.items() if not sub_tasks_in(name, inner)}  # those are other rows
        _require_valid(value, own.values())
        for name, inner in own.items():
            first = self._fields.setdefault(normalize_name(name), (name, inner))
            if first[0] != name:
                self._other_spellings.append((name, inner))

    def pop_title(self) -> tuple[str, Any]:
        """Removes the title: the first text under a name of one, else the first text of a task without a title."""
        for name in (*TITLE_FIELDS, *FALLBACK_TITLE_FIELDS):
            found = self._fields.get(name, ("", None))
            if isinstance(found[1], str):
                return self._fields.pop(name)
        return self.pop_first(TITLE_FIELDS)

    def has_any(self, names: frozenset[str]) -> bool:
        """Whether any of these fields is there."""
        return not self._fields.keys().isdisjoint(names)

    def pop_first(self, names: Sequence[str], default: Any = None) -> tuple[str, Any]:
        """Removes the first of these fields that is not null; returns its name in the file and its value."""
        if not self._fields.keys().isdisjoint(names):
            for name in names:
                if name in self._fields and self._fields[name][1] is not None:
                    return self._fields.pop(name)
        return names[0], default

    def pop_all(self, names: Collection[str]) -> list[tuple[str, Any]]:
        """Removes all of these fields that are not null, in the order of the names."""
        if self._fields.keys().isdisjoint(names):
            return []
        found = [self._fields.pop(name) for name in names if name in self._fields]
        return [(name, value) for name, value in found if value is not None]

    def put_back(self, name: str, value: object) -> None:
        """Return a field that was of no use: it stays unread."""
        self._fields[normalize_name(name)] = name, value

    def own_id(self) -> object:
        """The row's own id, if it is text or a number; the field still counts as unread."""
        value = self._fields.get("id", ("id", None))[1]
        return value if isinstance(value, str | int | float) else None

    def unread_names(self) -> tuple[str, ...]:
        """The names of fields that were not read and are not empty."""
        fields = (*self._fields.values(), *self._other_spellings)
        return tuple(name for name, value in fields if value not in EMPTY_VALUES)


def _require_valid(row: dict[str, object], values: Collection[object]) -> None:
    """Raise MalformedRow if a name is repeated in the row, or a value in it is no JSON; iterative, as rows may nest."""
    if isinstance(row, DuplicateNames):
        raise MalformedRow(f"the name {quote(row.repeated)} occurs twice", kind="a name occurs twice")
    if _PLAIN_TYPES.issuperset(map(type, values)):
        return
    pending = [value for value in values if type(value) not in _PLAIN_TYPES]
    while pending:
        value = pending.pop()
        if isinstance(value, InvalidValue):
            raise MalformedRow(value.reason, kind=value.kind)
        if isinstance(value, DuplicateNames):
            raise MalformedRow(f"the name {quote(value.repeated)} occurs twice", kind="a name occurs twice")
        if isinstance(value, dict):
            pending += value.values()
        elif isinstance(value, list):
            pending += value
