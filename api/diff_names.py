"""The names that a page of a diff needs: of people, tasks, projects, columns and custom fields."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from api.http import history_items
from api.ledger import Ledger
from domain.event import Actor
from domain.project import Project
from domain.sentences.names import Names, ProjectNames, TaskName
from projections import task_list
from projections.diff import DocumentChanges

Projects = Mapping[UUID, Project]
_TASK_FIELDS: Final = ("task_id", "parent_id", "blocked_by", "relations")


async def load_projects(ledger: Ledger, found: Iterable[DocumentChanges]) -> Projects:
    """The projects that documents were and are in, by id."""
    ids = sorted({UUID(state["project_id"]) for state in _states(found) if "project_id" in state})
    loaded = await ledger.log.load_states([(project, Project) for project in ids]) if ids else ()
    states = zip(ids, (one.states[Project] for one in loaded), strict=True)
    return {project: state for project, state in states if isinstance(state, Project) and not state.purged}


async def load_names(
    ledger: Ledger,
    workspace: UUID,
    found: Sequence[DocumentChanges],
    projects: Projects,
    actors: Collection[Actor],
    year: int,
) -> Names:
    """The names of all that the documents name, and of these actors."""
    people = {UUID(person) for state in _states(found) for person in _people_in(state, projects)}
    tasks = {task for state in _states(found) for name in _TASK_FIELDS for task in _ids_in(state.get(name))}
    names = await history_items.load_names(ledger.log, {*actors, *map(Actor, people)})
    rows = await ledger.read_tables.fetch_rows(task_list.KEYS_AND_TITLES_SQL, (workspace, sorted(map(UUID, tasks))))
    return Names(
        {str(person): name for person, name in names.items()},
        {str(task): TaskName(key, title) for task, key, title in rows},
        {
            str(project): ProjectNames(state.name, {column.id: column.name for column in state.columns})
            for project, state in projects.items()
        },
        year,
    )


def _states(found: Iterable[DocumentChanges]) -> Iterator[Mapping[str, Any]]:
    return (state for one in found for state in (one.before, one.after) if state)


def _people_in(state: Mapping[str, Any], projects: Projects) -> Iterator[str]:
    """The users whom a task names: its assignees, and those in custom fields of people."""
    yield from state.get("assignees", ())
    project = projects.get(UUID(state["project_id"])) if "project_id" in state else None
    for field in (*project.former_fields, *project.fields) if project else ():
        if field.type == "person" and field.key in state["fields"]:
            yield state["fields"][field.key]


def _ids_in(value: Any) -> Iterator[str]:
    """The ids of tasks in a field: one, several, or those of relations."""
    if isinstance(value, dict):
        yield value["task_id"]
    elif isinstance(value, list):
        for one in value:
            yield from _ids_in(one)
    elif value is not None:
        yield value
