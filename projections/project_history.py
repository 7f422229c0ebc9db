"""The streams whose events are the history of a project: its own, and those of the tasks in it, also of purged ones."""

from collections.abc import Iterable
from uuid import UUID

from msgspec import Struct

from domain.event import OpaqueEvent, RecordedEvent
from domain.project import ProjectCreated
from domain.task import TaskCreated, TaskMovedToProject
from projections.projection import Projection, key_by_stream


class ProjectHistoryRow(Struct, frozen=True):
    """A stream, and the project whose history it is part of now."""

    id: UUID
    project_id: UUID


def fold(key: UUID, row: ProjectHistoryRow | None, recorded: RecordedEvent) -> ProjectHistoryRow | None:
    match recorded.event:
        case ProjectCreated():
            return ProjectHistoryRow(key, key)
        case TaskCreated(project_id=project):
            return ProjectHistoryRow(key, project)
        case TaskMovedToProject(project_id=moved):
            return ProjectHistoryRow(key, moved.new)
    return row


def scopes(row: ProjectHistoryRow) -> Iterable[UUID]:
    yield row.project_id


projection = Projection(
    "project_history",
    1,
    ProjectHistoryRow,
    key_by_stream,
    fold,
    scopes,
    golden_lines=200,
    indexes=("(project_id, id)",),
    event_types=(ProjectCreated, TaskCreated, TaskMovedToProject, OpaqueEvent),
)

STREAMS_SQL = "select id from {project_history} where project_id = %(project)s"
"""The streams of a project."""
