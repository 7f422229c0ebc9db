"""The task list: one row per task, for looking, not for deciding."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final, get_args
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from domain.event import Recorded, applied
from domain.label import meant
from domain.task import Priority, Status, TaskCreated, TaskPurged
from projections.pagination import single
from projections.projection import Answer, Projection, Query, Question, by_stream


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


class KeptRow(TaskRow, frozen=True):
    """A task as it is kept: also the last instant at which it is not overdue, and its labels as `meant` has them."""

    due_at: datetime
    tags: tuple[str, ...]


NO_DUE: Final = datetime.max.replace(tzinfo=UTC)
"""When a task is due that has no due date."""
_LATEST: Final = NO_DUE - timedelta.resolution
_PRIORITIES: Final = ", ".join(f"'{priority}'" for priority in get_args(Priority))
_URGENCY: Final = f"bigint generated always as (array_position(array[{_PRIORITIES}], priority) - 1) stored"
# Counted from the epoch, and indexed instead of the time itself: a change that is not the first of its hour leaves all
# indexes as they are.
_HOUR: Final = "bigint generated always as (floor(extract(epoch from updated_at at time zone 'UTC') / 3600)) stored"


def fold(key: UUID, task: KeptRow | None, recorded: Recorded) -> KeptRow | None:
    event = recorded.event
    if isinstance(event, TaskCreated):
        return _created(key, event, recorded)
    if task is None or isinstance(event, TaskPurged):
        return None
    after = applied(task, event, version=recorded.version, updated_at=recorded.at)
    if after.due is task.due and after.labels is task.labels:
        return after
    return replace(after, due_at=due_at(after.due), tags=tuple(map(meant, after.labels)))


def _created(key: UUID, event: TaskCreated, recorded: Recorded) -> KeptRow:
    return KeptRow(
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
        due_at=due_at(event.due),
        tags=tuple(map(meant, event.labels)),
    )


@lru_cache(maxsize=10_000)
def due_at(due: str | None) -> datetime:
    """The last microsecond of a day, in UTC; the instant of a date-time; `NO_DUE` for none, and for what is no time."""
    try:
        if due and len(due) == len("YYYY-MM-DD"):
            return min(_LATEST, datetime.combine(date.fromisoformat(due), time.max, UTC))
        return min(_LATEST, datetime.fromisoformat(due).astimezone(UTC)) if due else NO_DUE
    except (ValueError, OverflowError):
        return NO_DUE


def scopes(task: KeptRow) -> Iterable[UUID]:
    return task.id, task.project_id, task.workspace_id


projection = Projection(
    "task_list",
    3,
    KeptRow,
    by_stream,
    fold,
    scopes,
    indexes=(
        "(key)",
        "(project_id, number) where not trashed",
        "(workspace_id, split_part(key, '-', 1), number) where not trashed",
        "(workspace_id, due_at, id) where not trashed",
        "(workspace_id, urgency, id) where not trashed",
        "(workspace_id, created_at) where not trashed",
        "(workspace_id, updated_hour) where not trashed",
        "using gin (assignees jsonb_path_ops) where assignees <> '[]'",
        "using gin (tags jsonb_path_ops) where tags <> '[]'",
    ),
    generated=(("urgency", _URGENCY), ("updated_hour", _HOUR)),
)


def columns(names: Iterable[str] = TaskRow.__struct_fields__) -> str:
    """These columns of the table `task`, for a query to select."""
    return ", ".join(f'task."{name}"' for name in names)


def one(task: UUID) -> Question:
    """A single task, in the trash or not."""
    query = Query(f"select {columns()} from {{task_list}} task where id = %(id)s", TaskRow)  # noqa: S608 - our own text
    return Question((projection,), "one", (task,), "one", (query,), {"id": task}, _one)


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
