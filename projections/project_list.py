"""The project list: one row per project of a workspace."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Struct

from domain.event import Recorded, applied
from domain.project import Column, ProjectCreated
from projections.page import answer, single
from projections.projection import Answer, Projection, Question


class ProjectRow(Struct, frozen=True):
    """A project as it is shown."""

    id: UUID
    workspace_id: UUID
    name: str
    key: str
    columns: tuple[Column, ...]
    version: int
    created_at: datetime
    updated_at: datetime


TABLE = """
create table if not exists read.project_list (
  id uuid primary key,
  workspace_id uuid not null,
  name text not null,
  key text not null,
  columns jsonb not null,
  version bigint not null,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create unique index if not exists project_list_key on read.project_list (workspace_id, key);
"""


def keys(recorded: Recorded) -> Iterable[UUID]:
    yield recorded.stream


def fold(key: UUID, project: ProjectRow | None, recorded: Recorded) -> ProjectRow | None:
    event, at = recorded.event, recorded.at
    if isinstance(event, ProjectCreated):
        return ProjectRow(key, event.workspace_id, event.name, event.key, event.columns, recorded.version, at, at)
    if project is None:
        return None
    return msgspec.structs.replace(applied(project, event), version=recorded.version, updated_at=at)


def scopes(project: ProjectRow) -> Iterable[UUID]:
    yield project.id
    yield project.workspace_id


projection = Projection("project_list", 1, ProjectRow, TABLE, keys, fold, scopes)


def one(project: UUID) -> Question:
    """A single project."""
    sql = "select * from read.project_list where id = %(id)s"
    return Question(projection, project, "one", sql, {"id": project}, _one)


def of_workspace(workspace: UUID) -> Question:
    """The projects of a workspace, by key."""
    sql = "select * from read.project_list where workspace_id = %(workspace)s order by key"
    return Question(projection, workspace, "list", sql, {"workspace": workspace}, lambda rows: answer({"items": rows}))


def _one(rows: list[ProjectRow]) -> Answer | None:
    return single(rows[0], rows[0].version, rows[0].workspace_id) if rows else None
