"""The trash: one row for each task and project in it, and for each purged project, to find its tasks."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal, cast
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from domain.event import OpaqueEvent, RecordedEvent, apply_changes
from domain.project import ProjectPurged, ProjectRestored, ProjectTrashed
from domain.task import TaskMovedToProject, TaskPurged, TaskRestored, TaskTrashed
from domain.workspace import WorkspacePurged, WorkspaceRestored, WorkspaceTrashed
from projections.pagination import PageCursor, encode_page, list_id_for
from projections.projection import Projection, key_by_stream
from projections.question import WORKSPACE_MEMBERS, Answer, Question, single_table_question

TrashKind = Literal["task", "project"]
StoredTrashKind = Literal["task", "project", "workspace"]


class TrashFields(Struct, frozen=True):
    """A task or project in the trash; `version` is the one that its move to the trash gave it."""

    id: UUID
    workspace_id: UUID
    project_id: UUID
    key: str
    name: str
    version: int


class TrashRow(TrashFields, frozen=True):
    """A task, project or workspace in the trash since the event at `position`, or purged from it."""

    kind: StoredTrashKind
    position: int
    trashed_at: datetime
    purged: bool = False


class Trashed(TrashFields, frozen=True):
    """A task or project in the trash, and when it will be purged."""

    kind: TrashKind
    trashed_at: datetime
    purge_at: datetime


def fold(key: UUID, row: TrashRow | None, recorded: RecordedEvent) -> TrashRow | None:  # noqa: PLR0911 - one for each kind of event
    """A purged project still has a row, without key and name, to find its tasks, which are purged after it."""
    match recorded.event:
        case TaskTrashed() as event:
            return _trash_row("task", event.project_id, event.key, event.title, recorded)
        case ProjectTrashed() as event:
            return _trash_row("project", key, event.key, event.name, recorded)
        case WorkspaceTrashed() as event:
            return _trash_row("workspace", key, "", event.name, recorded)
        case ProjectPurged() | WorkspacePurged():
            row = row or _trash_row("project", key, "", "", recorded)  # its workspace was in the trash
            return row and replace(row, key="", name="", version=recorded.version, purged=True)
        case TaskMovedToProject() as event if row is not None:
            return apply_changes(row, event, version=recorded.version)
        case TaskRestored() | TaskPurged() | ProjectRestored() | WorkspaceRestored():
            return None
    return row


def _trash_row(kind: StoredTrashKind, project: UUID, key: str, name: str, recorded: RecordedEvent) -> TrashRow | None:
    workspace, at = recorded.workspace_id, recorded.at
    if workspace is None:
        return None
    return TrashRow(recorded.stream, workspace, project, key, name, recorded.version, kind, recorded.position, at)


def scopes(row: TrashRow) -> Iterable[UUID]:
    yield row.workspace_id


projection = Projection(
    "trash",
    3,
    TrashRow,
    key_by_stream,
    fold,
    scopes,
    golden_lines=189,
    indexes=("(workspace_id, position) where not purged", "(position) where not purged", "(id) where purged"),
    event_types=(
        *(TaskTrashed, TaskRestored, TaskPurged, TaskMovedToProject),
        *(ProjectTrashed, ProjectRestored, ProjectPurged),
        *(WorkspaceTrashed, WorkspaceRestored, WorkspacePurged, OpaqueEvent),
    ),
)


def page(workspace: UUID, kind: TrashKind | None, retention_days: int, limit: int, cursor: str | None) -> Question:
    """The trash of a workspace, newest first; each item is purged after `retention_days`.

    Raises BadCursor, or CursorMismatch for a cursor of another list or filter.
    """
    list_id = list_id_for(workspace, "trash", {"kind": kind})
    before = PageCursor.parse_number(cursor, list_id)
    sql = """select * from {trash} where workspace_id = %(workspace)s and not purged and kind <> 'workspace'
             and (%(kind)s::text is null or kind = %(kind)s) and (%(before)s = 0 or position < %(before)s)
             order by position desc limit %(rows)s"""
    parameters: dict[str, object] = {
        "workspace": workspace,
        "kind": kind,
        "before": before,
        "rows": limit + 1,
        "days": retention_days,
    }
    return single_table_question(
        projection,
        WORKSPACE_MEMBERS,
        workspace,
        "page",
        sql,
        parameters,
        lambda rows: _page_answer(rows, limit, list_id, timedelta(days=retention_days)),
    )


def _page_answer(rows: list[TrashRow], limit: int, list_id: UUID, retention: timedelta) -> Answer:
    items = [_trash_item(row, retention) for row in rows[:limit]]
    return encode_page(items, len(rows), lambda count: PageCursor(list_id, rows[count - 1].position))


def _trash_item(row: TrashRow, retention: timedelta) -> Trashed:
    shown = {name: getattr(row, name) for name in TrashFields.__struct_fields__}
    return Trashed(
        **shown, kind=cast("TrashKind", row.kind), trashed_at=row.trashed_at, purge_at=row.trashed_at + retention
    )


DUE_FOR_PURGE_SQL = """select id, kind, version, position from {trash}
    where not purged and position > %s and trashed_at <= %s order by position limit %s"""
"""Tasks and projects that went to the trash no later than a time, after a position."""
ORPHANED_PROJECTS_SQL = """select project.id, project.version from {trash} workspace
    join {project_list} project on project.workspace_id = workspace.id
    where workspace.kind = 'workspace' and workspace.purged and project.id > %s order by project.id limit %s"""
"""Projects of purged workspaces, after an id."""
ORPHANED_TASKS_SQL = """select task.id, task.version from {trash} project
    join {task_list} task on task.project_id = project.id and not task.trashed
    where project.purged and project.kind = 'project' and task.id > %s order by task.id limit %s"""
"""Tasks of purged projects, after an id.

Tasks in the trash are left out: they are due by themselves, because they were there before their project.
"""
