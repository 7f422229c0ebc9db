"""The past of one task: what it was after some events, and which event last set each of its fields."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from uuid import UUID

from msgspec import Struct

from domain.custom_field import TaskFieldSet
from domain.event import RecordedEvent
from projections.task_list import SingleTaskRow, StoredTaskRow, TaskRow, fold

CUSTOM_FIELD_PREFIX: Final = f"{TaskFieldSet.changes_part_of}."
_ABOUT_NO_FIELD: Final = frozenset({"id", "version", "updated_at", "fields"})
_NAMES: Final = tuple(name for name in TaskRow.__struct_fields__ if name not in _ABOUT_NO_FIELD)
"""The fields of a task that have a cause: each event changes the others, and custom fields have one each."""


class Blame(Struct, frozen=True):
    """The present value of a field, and the event that last changed it."""

    value: Any
    recorded: RecordedEvent


class TaskPast(Struct):
    """A task that is folded from its history, a part at a time, with the last change of each of its fields."""

    id: UUID
    row: StoredTaskRow | None = None
    last_changes: dict[str, RecordedEvent] = {}

    def apply(self, events: Iterable[RecordedEvent]) -> None:
        """Fold further events of its stream, or that touch it, in commit order."""
        for recorded in events:
            after = fold(self.id, self.row, recorded)
            self.last_changes |= dict.fromkeys(_changed_names(self.row, after), recorded)
            self.row = after

    def shown_to(self, reader: UUID) -> SingleTaskRow | None:
        """The task as one reader sees it, with custom fields by id."""
        if self.row is None:
            return None
        values = {name: getattr(self.row, name) for name in TaskRow.__struct_fields__}
        return SingleTaskRow(**values, watching=reader in self.row.watchers.users)

    def blame(self) -> dict[str, Blame]:
        """By field, in the order of the fields of a task; a custom field is `fields.` and its id.

        One that was cleared has the value None; one that was left in another project is not there.
        """
        values = _values(self.row) if self.row else {}
        cleared = [name for name, last in self.last_changes.items() if isinstance(last.event, TaskFieldSet)]
        names = dict.fromkeys((*values, *sorted(cleared)))
        return {name: Blame(values.get(name), self.last_changes[name]) for name in names}


def _values(row: StoredTaskRow) -> dict[str, Any]:
    custom = {f"{CUSTOM_FIELD_PREFIX}{key}": value for key, value in row.fields.items()}
    return {name: getattr(row, name) for name in _NAMES} | custom


def _changed_names(before: StoredTaskRow | None, after: StoredTaskRow | None) -> Iterator[str]:
    """The fields whose value differs; a field that an event begins with has no value before it."""
    if after is None or after is before:
        return
    if before is None:
        yield from _values(after)
        return
    yield from (name for name in _NAMES if getattr(before, name) != getattr(after, name))
    if before.fields is not after.fields:
        yield from _changed_keys(before.fields, after.fields)


def _changed_keys(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for key in before.keys() | after.keys():
        if before.get(key) != after.get(key):
            yield f"{CUSTOM_FIELD_PREFIX}{key}"
