"""The names that a page of a diff needs: of people, tasks, projects, columns and custom fields."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from api.http import history_items
from api.ledger import Ledger
from domain.event import Actor
from domain.project import Project
from domain.sentences.names import Names, TaskName
from domain.sentences.references import Projects, names_of, people_in, tasks_in
from projections import task_list
from projections.diff import DocumentChanges


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
    people = {UUID(person) for state in _states(found) for person in people_in(state, projects)}
    tasks = {task for state in _states(found) for task in tasks_in(state)}
    names = await history_items.load_names(ledger.log, {*actors, *map(Actor, people)})
    rows = await ledger.read_tables.fetch_rows(task_list.KEYS_AND_TITLES_SQL, (workspace, sorted(map(UUID, tasks))))
    return names_of(names, {task: TaskName(key, title) for task, key, title in rows}, projects, year)


def _states(found: Iterable[DocumentChanges]) -> Iterator[Mapping[str, Any]]:
    return (state for one in found for state in (one.before, one.after) if state)
