"""What is left of a row: its fields, of which each is taken once; the rest is reported."""

from collections.abc import Iterable
from typing import Any

from cli.import_.parsing import Broken, Repeated
from cli.import_.rows import kind, plain, sub_tasks
from cli.import_.text import Malformed

NOTHING: tuple[object, ...] = (None, "", [], {})


class Left:
    """The fields of a row by their plain names; raises Malformed where the row is no object."""

    def __init__(self, value: object) -> None:
        if isinstance(value, Broken):
            raise Malformed(value.reason)
        if isinstance(value, Repeated):
            raise Malformed("a name stands twice: only one of the two values would be read")
        if not isinstance(value, dict):
            raise Malformed(f"{kind(value)}, not an object")
        self._fields: dict[str, tuple[str, object]] = {}
        for name, field in value.items():
            if not sub_tasks(name, field):  # those are rows of their own
                self._fields.setdefault(plain(name), (name, field))

    def take(self, names: Iterable[str], otherwise: Any = None) -> tuple[str, Any]:
        """The first of these fields that says anything, as it is named in the file; it is then no longer left."""
        wanted = list(names)
        for name in wanted:
            if name in self._fields and self._fields[name][1] is not None:
                return self._fields.pop(name)
        return wanted[0], otherwise

    def own_id(self) -> object:
        """The id that the row has in its file, if it has a simple one; it is reported as left all the same."""
        found = self._fields.get("id", ("id", None))[1]
        return found if isinstance(found, str | int | float) else None

    def names(self) -> tuple[str, ...]:
        """The fields that nobody took and that say something."""
        return tuple(name for name, value in self._fields.values() if value not in NOTHING)
