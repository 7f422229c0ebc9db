"""The names of the custom fields that events and states have values of, from the log."""

from collections.abc import Iterable
from uuid import UUID

from domain.custom_field import TaskFieldSet
from domain.event import Event
from domain.field_names import FieldNames, names_in
from domain.project import Project
from domain.task import TaskCreated
from infra.log.event_log import EventLog


async def load_field_names(log: EventLog, events: Iterable[Event]) -> FieldNames:
    """The names that these events need."""
    return await load_names_in(log, {project for event in events if (project := _project_of(event))})


async def load_names_in(log: EventLog, project_ids: Iterable[UUID]) -> FieldNames:
    """The names in these projects, from their own streams."""
    keys = [(project, Project) for project in sorted(project_ids)]
    found = (stream.states[Project] for stream in await log.load_states(keys)) if keys else ()
    return names_in(project for project in found if isinstance(project, Project))


def _project_of(event: Event) -> UUID | None:
    """The project whose custom fields an event has values of."""
    if isinstance(event, TaskFieldSet) or (isinstance(event, TaskCreated) and event.fields):
        return event.project_id
    return None
