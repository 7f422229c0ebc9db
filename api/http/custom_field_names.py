"""The names of custom fields and of their options, for events and states, which have their ids."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from msgspec import Struct

from domain.custom_field import FieldValue, FieldValues, TaskFieldSet
from domain.event import Event
from domain.project import Project
from domain.task import TaskCreated
from infra.log.event_log import EventLog


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


async def load_field_names(log: EventLog, events: Iterable[Event]) -> FieldNames:
    """The names that these events need."""
    return await load_names_in(log, {project for event in events if (project := _project_of(event))})


async def load_names_in(log: EventLog, project_ids: Iterable[UUID]) -> FieldNames:
    """The names in these projects, from their own streams."""
    keys = [(project, Project) for project in sorted(project_ids)]
    found = (stream.states[Project] for stream in await log.load_states(keys)) if keys else ()
    return names_in(project for project in found if isinstance(project, Project))


def names_in(projects: Iterable[Project]) -> FieldNames:
    """The names in these projects."""
    names = dict[str, str]()
    for project in projects:
        fields = (*project.former_fields, *project.fields)
        options = (*project.former_options, *(option for field in fields for option in field.options))
        names |= {str(option.id): option.name for option in options}
        names |= {str(field.id): field.name for field in fields}
    return FieldNames(names)


def _project_of(event: Event) -> UUID | None:
    """The project whose custom fields an event has values of."""
    if isinstance(event, TaskFieldSet) or (isinstance(event, TaskCreated) and event.fields):
        return event.project_id
    return None
