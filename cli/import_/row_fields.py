"""The fields of a row, each read once; fields that stay unread are reported."""

from collections.abc import Iterable
from typing import Any

from cli.import_.parsing import DuplicateNames, InvalidValue
from cli.import_.rows import describe_json_type, normalize_name, sub_tasks_in
from cli.import_.text_validation import MalformedRow

EMPTY_VALUES: tuple[object, ...] = (None, "", [], {})


class RowFields:
    """The fields of a row by normalized name; raises MalformedRow if the row is not an object."""

    def __init__(self, value: object) -> None:
        if isinstance(value, InvalidValue):
            raise MalformedRow(value.reason)
        if isinstance(value, DuplicateNames):
            raise MalformedRow("a name occurs twice: only one of the two values would be read")
        if not isinstance(value, dict):
            raise MalformedRow(f"{describe_json_type(value)}, not an object")
        self._fields: dict[str, tuple[str, object]] = {}
        for name, field in value.items():
            if not sub_tasks_in(name, field):  # those are rows of their own
                self._fields.setdefault(normalize_name(name), (name, field))

    def pop_first(self, names: Iterable[str], default: Any = None) -> tuple[str, Any]:
        """Removes the first of these fields that is not null; returns its name in the file and its value."""
        candidates = list(names)
        for name in candidates:
            if name in self._fields and self._fields[name][1] is not None:
                return self._fields.pop(name)
        return candidates[0], default

    def own_id(self) -> object:
        """The row's own id, if it is text or a number; the field still counts as unread."""
        value = self._fields.get("id", ("id", None))[1]
        return value if isinstance(value, str | int | float) else None

    def unread_names(self) -> tuple[str, ...]:
        """The names of fields that were not read and are not empty."""
        return tuple(name for name, value in self._fields.values() if value not in EMPTY_VALUES)
