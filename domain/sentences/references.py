"""References: the people, tasks and projects that documents name by id, and the names for them."""

from collections.abc import Iterator, Mapping
from typing import Any, Final
from uuid import UUID

from domain.project import Project
from domain.sentences.names import Names, ProjectNames, TaskName

Projects = Mapping[UUID, Project]
_TASK_FIELDS: Final = ("task_id", "parent_id", "blocked_by", "relations")


def people_in(state: Mapping[str, Any], projects: Projects) -> Iterator[str]:
    """The users whom a task names: its assignees, and those in custom fields of people."""
    yield from state.get("assignees", ())
    project = projects.get(UUID(state["project_id"])) if "project_id" in state else None
    for field in (*project.former_fields, *project.fields) if project else ():
        if field.type == "person" and field.key in state["fields"]:
            yield state["fields"][field.key]


def tasks_in(state: Mapping[str, Any]) -> Iterator[str]:
    """The tasks that a document names."""
    for name in _TASK_FIELDS:
        yield from _ids_in(state.get(name))


def names_of(people: Mapping[UUID, str], tasks: Mapping[UUID, TaskName], projects: Projects, year: int) -> Names:
    """The names for sentences, which tell dates of that year without it."""
    return Names(
        {str(person): name for person, name in people.items()},
        {str(task): name for task, name in tasks.items()},
        {
            str(project): ProjectNames(state.name, {column.id: column.name for column in state.columns})
            for project, state in projects.items()
        },
        year,
    )


def _ids_in(value: Any) -> Iterator[str]:
    """The ids of tasks in a field: one, several, or those of relations."""
    if isinstance(value, dict):
        yield value["task_id"]
    elif isinstance(value, list):
        for one in value:
            yield from _ids_in(one)
    elif value is not None:
        yield value
