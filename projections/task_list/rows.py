"""The rows of the task list: what clients see of a task, and what is stored."""

from datetime import datetime
from typing import Final
from uuid import UUID

from msgspec import Struct

from domain.checklist import Checklist
from domain.custom_field import FieldValue
from domain.recurrence import Recurrence
from domain.relation import Relations
from domain.subtask import SubtaskCount
from domain.task import Priority, TaskStatus
from domain.watch import Watchers

VERSION: Final = 18
"""The version of the rows and of their fold; a change of either needs a new one."""
GOLDEN_LINES: Final = 200
"""The number of golden events that there were when it was chosen."""


class TaskRow(Struct, frozen=True):
    """A task as clients see it."""

    id: UUID
    workspace_id: UUID
    project_id: UUID
    key: str
    number: int
    title: str
    description: str
    priority: Priority
    due: str | None
    start: str | None
    zone: str | None
    estimate: int | None
    colour: str | None
    column: str
    rank: str
    labels: tuple[str, ...]
    assignees: tuple[UUID, ...]
    checklist: Checklist
    parent_id: UUID | None
    children: SubtaskCount
    relations: Relations
    blocked_by: tuple[UUID, ...]
    comments: int
    attachments: int
    spent: int
    recurrence: Recurrence | None
    fields: dict[str, FieldValue]
    status: TaskStatus
    trashed: bool
    archived: bool
    version: int
    created_at: datetime
    updated_at: datetime
    created_by: UUID
    completed_at: datetime | None
    completed_by: UUID | None


class SingleTaskRow(TaskRow, frozen=True):
    """A task as one reader sees it alone: also whether they watch it."""

    watching: bool


class StoredTaskRow(TaskRow, frozen=True):
    """A task as stored: also its due date and start as instants, in UTC as if days were those of UTC, and its labels.

    `due_at` is the last instant of a day, `start_at` the first. `fields` are by the id of the field; `field_keys` are
    the same with texts folded, None without any. `former_keys` are those that it had in other projects.
    """

    due_at: datetime
    start_at: datetime
    tags: tuple[str, ...]
    field_keys: dict[str, FieldValue] | None
    former_keys: tuple[str, ...]
    watchers: Watchers
