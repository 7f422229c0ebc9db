"""The project list: one row per project of a workspace, with how many tasks stand where."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Struct

from domain.event import Recorded, applied
from domain.project import Column, ProjectCreated
from domain.task import Status, TaskCompleted, TaskCreated, TaskMoved, TaskReopened, TaskTrashed
from projections.page import answer, single
from projections.projection import Answer, Projection, Question


class ProjectRow(Struct, frozen=True):
    """A project as it is shown; `counts` has the tasks of each column by status, without those in the trash."""

    id: UUID
    workspace_id: UUID
    name: str
    key: str
    columns: tuple[Column, ...]
    version: int
    created_at: datetime
    updated_at: datetime
    counts: dict[str, dict[Status, int]]


def keys(recorded: Recorded) -> Iterable[UUID]:
    match recorded.event:
        case TaskCreated(project_id=project) | TaskCompleted(project_id=project):
            return {project}
        case TaskReopened(project_id=project) | TaskTrashed(project_id=project):
            return {project}
        case TaskMoved(project_id=moved):
            return {moved.old, moved.new}
    return {recorded.stream}


def fold(key: UUID, project: ProjectRow | None, recorded: Recorded) -> ProjectRow | None:
    event, at = recorded.event, recorded.at
    if isinstance(event, ProjectCreated):
        version = recorded.version
        return ProjectRow(key, event.workspace_id, event.name, event.key, event.columns, version, at, at, {})
    return project and _changed(project, recorded)


def _changed(project: ProjectRow, recorded: Recorded) -> ProjectRow:
    match event := recorded.event:
        case TaskCreated():
            return _counted(project, event.column, "open", 1)
        case TaskCompleted() | TaskReopened():
            without = _counted(project, event.column, event.status.old, -1)
            return _counted(without, event.column, event.status.new, 1)
        case TaskTrashed():
            return _counted(project, event.column, event.status, -1)
        case TaskMoved():
            gone = (
                _counted(project, event.column.old, event.status, -1) if event.project_id.old == project.id else project
            )
            return _counted(gone, event.column.new, event.status, 1) if event.project_id.new == project.id else gone
        case _:
            return applied(project, event, version=recorded.version, updated_at=recorded.at)


def _counted(project: ProjectRow, column: str, status: Status, change: int) -> ProjectRow:
    """With so many tasks more in one place; what is empty is not counted."""
    here = project.counts.get(column, {})
    here = {**here, status: here.get(status, 0) + change}
    counts = {**project.counts, column: {each: count for each, count in sorted(here.items()) if count}}
    return msgspec.structs.replace(project, counts={each: of for each, of in sorted(counts.items()) if of})


def scopes(project: ProjectRow) -> Iterable[UUID]:
    yield project.id
    yield project.workspace_id


projection = Projection("project_list", 2, ProjectRow, keys, fold, scopes, indexes=("(workspace_id, key)",))


def one(project: UUID) -> Question:
    """A single project."""
    sql = "select * from {project_list} where id = %(id)s"
    return Question(projection, project, "one", sql, {"id": project}, _one)


def of_workspace(workspace: UUID) -> Question:
    """The projects of a workspace, by key."""
    sql = "select * from {project_list} where workspace_id = %(workspace)s order by key"
    return Question(projection, workspace, "list", sql, {"workspace": workspace}, lambda rows: answer({"items": rows}))


def _one(rows: list[ProjectRow]) -> Answer | None:
    return single(rows[0], rows[0].version, rows[0].workspace_id) if rows else None
