"""The task list: one row per task, for looking, not for deciding."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from domain.event import Recorded, applied
from domain.task import Priority, Status, TaskCreated, TaskPurged
from projections.page import Cursor, page_of, single
from projections.projection import Answer, Projection, Question, ask, by_stream


class TaskRow(Struct, frozen=True):
    """A task as it is shown."""

    id: UUID
    workspace_id: UUID
    project_id: UUID
    key: str
    number: int
    title: str
    description: str
    priority: Priority
    due: str | None
    column: str
    labels: tuple[str, ...]
    assignees: tuple[UUID, ...]
    status: Status
    trashed: bool
    version: int
    created_at: datetime
    updated_at: datetime


def fold(key: UUID, task: TaskRow | None, recorded: Recorded) -> TaskRow | None:
    event = recorded.event
    if isinstance(event, TaskCreated):
        return TaskRow(
            id=key,
            workspace_id=event.workspace_id,
            project_id=event.project_id,
            key=event.key,
            number=event.number,
            title=event.title,
            description=event.description,
            priority=event.priority,
            due=event.due,
            column=event.column,
            labels=event.labels,
            assignees=event.assignees,
            status="open",
            trashed=False,
            version=recorded.version,
            created_at=recorded.at,
            updated_at=recorded.at,
        )
    if task is None or isinstance(event, TaskPurged):
        return None
    return applied(task, event, version=recorded.version, updated_at=recorded.at)


def scopes(task: TaskRow) -> Iterable[UUID]:
    yield task.id
    yield task.project_id


projection = Projection(
    "task_list",
    2,
    TaskRow,
    by_stream,
    fold,
    scopes,
    indexes=("(project_id, number) where not trashed", "(key)"),
)


def one(task: UUID) -> Question:
    """A single task, in the trash or not."""
    sql = "select * from {task_list} where id = %(id)s"
    return ask(projection, "one", task, "one", sql, {"id": task}, _one)


def page(project: UUID, limit: int, cursor: str | None) -> Question:
    """The tasks of a project that are not in the trash, oldest first.

    Raises BadCursor for a cursor that this list did not give.
    """
    after = Cursor.read(cursor, project)
    sql = """select * from {task_list} where project_id = %(project)s and not trashed and number > %(after)s
             order by number limit %(rows)s"""
    parameters: dict[str, object] = {"project": project, "after": after, "rows": limit + 1}
    return ask(projection, "project", project, "page", sql, parameters, lambda rows: page_of(rows, limit, project))


STANDING = """select count(*) from {task_list} where project_id = %s and "column" = %s and not trashed"""
"""How many tasks stand in a column of a project."""
OF_KEY = """select task.id, workspace.id from {task_list} task
            join {workspace_list} workspace on workspace.id = task.workspace_id
            where task.key = %s and workspace.members ? %s"""
"""The ids of the tasks with a human key in a user's workspaces, and of those."""
WITH_KEY = "select id from {task_list} where key = %s limit 2"
"""The ids of all tasks with a human key."""


def _one(rows: list[TaskRow]) -> Answer | None:
    return single(rows[0], rows[0].version, rows[0].workspace_id, rows[0].project_id) if rows else None
