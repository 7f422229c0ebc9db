"""A custom field: one that a project defines for its tasks, its type and options, and the values that tasks have."""

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, Literal, TypeVar
from uuid import UUID

from msgspec import Struct

from domain.event import Change, Event
from domain.label import normalize_label

FieldType = Literal["text", "number", "date", "choice", "choices", "person", "checkbox", "url"]
FieldValue = str | int | float | bool | tuple[str, ...]
"""As stored: an option and a person by id, several options as their ids; a day as `YYYY-MM-DD`."""
FieldValues = Mapping[str, FieldValue]
"""The values of a task by the id of their field, without those that it has not."""


class FieldOption(Struct, frozen=True):
    """An option of a choice. The id is permanent, the name may change."""

    id: UUID
    name: str


class CustomField(Struct, frozen=True):
    """A field of the tasks of a project. The id and the type are permanent, the name may change."""

    id: UUID
    name: str
    type: FieldType
    options: tuple[FieldOption, ...] = ()

    @property
    def key(self) -> str:
        """Its id, as values are kept by."""
        return str(self.id)

    def find_option(self, id_or_name: str) -> FieldOption | None:
        """The option with that id, or else with that name, in any spelling."""
        by_id = next((option for option in self.options if str(option.id) == id_or_name.lower()), None)
        return by_id or find_named(self.options, id_or_name)


N = TypeVar("N", CustomField, FieldOption)


class TaskFieldSet(Event, frozen=True):
    """The value of one custom field of a task; null: none."""

    changes_part_of: ClassVar = "fields"

    project_id: UUID
    field_id: UUID
    value: Change[FieldValue | None]

    @property
    def changed_part(self) -> str:
        """Each field is a part of its own: changes of two fields do not collide."""
        return f"{self.changes_part_of}.{self.field_id}"

    def after_part_change(self, value: FieldValues) -> FieldValues:
        others = {key: each for key, each in value.items() if key != str(self.field_id)}
        return others if self.value.new is None else {**others, str(self.field_id): self.value.new}


def find_named(named: Iterable[N], name: str) -> N | None:
    """The one of that name, in any spelling."""
    wanted = normalize_label(name)
    return next((one for one in named if normalize_label(one.name) == wanted), None)


def carried_values(
    values: Mapping[str, FieldValue], fields: Sequence[CustomField], target_fields: Sequence[CustomField]
) -> FieldValues:
    """What a task keeps of its values in a project of other fields: those of a field of equal name and type.

    Options are carried by equal name too.
    """
    carried = dict[str, FieldValue]()
    for field in fields:
        target = find_named(target_fields, field.name)
        if field.key not in values or target is None or target.type != field.type:
            continue
        value = _carried_value(values[field.key], field, target)
        if value is not None:
            carried[target.key] = value
    return carried


def _carried_value(value: FieldValue, field: CustomField, target: CustomField) -> FieldValue | None:
    if field.type not in {"choice", "choices"}:
        return value
    chosen = value if isinstance(value, tuple) else (str(value),)
    names = [option.name for option in field.options if str(option.id) in chosen]
    ids = tuple(str(option.id) for name in names if (option := find_named(target.options, name)))
    if field.type == "choice":
        return next(iter(ids), None)
    return ids or None
