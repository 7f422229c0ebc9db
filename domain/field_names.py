"""The names of custom fields and of their options, for events and states, which have their ids."""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from domain.custom_field import FieldValue, FieldValues, TaskFieldSet
from domain.project import Project


class FieldNames(Struct, frozen=True):
    """The name of each custom field and option of some projects, by id; former ones too, as long as they are known."""

    names: Mapping[str, str] = {}

    def of_member(self, name: str) -> str:
        """A changed member of a task: `fields.<id>` with the name of the field."""
        prefix, _, key = name.partition(f"{TaskFieldSet.changes_part_of}.")
        return name if prefix or not key else f"{TaskFieldSet.changes_part_of}.{self.names.get(key, key)}"

    def of_value(self, value: FieldValue | None) -> Any:
        """A value, with options by name."""
        if isinstance(value, tuple):
            return [self.names.get(one, one) for one in value]
        return self.names.get(value, value) if isinstance(value, str) else value

    def of_values(self, values: FieldValues) -> dict[str, Any]:
        """The values of a task by the names of their fields."""
        return {self.names.get(key, key): self.of_value(value) for key, value in values.items()}


def names_in(projects: Iterable[Project]) -> FieldNames:
    """The names in these projects."""
    names = dict[str, str]()
    for project in projects:
        fields = (*project.former_fields, *project.fields)
        options = (*project.former_options, *(option for field in fields for option in field.options))
        names |= {str(option.id): option.name for option in options}
        names |= {str(field.id): field.name for field in fields}
    return FieldNames(names)
