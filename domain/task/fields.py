"""The fields of a task: the event of its creation, the state that has them, and the events that change one."""

from collections.abc import Mapping
from typing import Self
from uuid import UUID

from msgspec.structs import replace

from domain.checklist import Checklist
from domain.custom_field import FieldValue
from domain.event import Change, Event, State, record_from
from domain.rank import ordinal_rank
from domain.recurrence import Recurrence
from domain.relation import Relations
from domain.subtask import SubtaskCount, SubtaskEvent, count_of
from domain.task.lifecycle import (
    NextTask,
    TaskArchived,
    TaskCompleted,
    TaskReopened,
    TaskRestored,
    TaskTrashed,
    TaskUnarchived,
)
from domain.task.status import Priority, TaskStatus


class TaskCreated(SubtaskEvent, frozen=True):
    workspace_id: UUID
    project_id: UUID
    number: int
    key: str
    title: str
    column: str
    description: str = ""
    priority: Priority = "none"
    due: str | None = None
    labels: tuple[str, ...] = ()
    assignees: tuple[UUID, ...] = ()
    start: str | None = None
    zone: str | None = None
    estimate: int | None = None
    checklist: Checklist = ()
    rank: str = ""
    fields: Mapping[str, FieldValue] = {}
    recurrence: Recurrence | None = None
    parent_id: UUID | None = None
    colour: str | None = None

    @property
    def counted(self) -> SubtaskCount:
        return count_of("open")


class TaskRenamed(Event, frozen=True):
    title: Change[str]


class TaskDescribed(Event, frozen=True):
    description: Change[str]


class TaskPrioritised(Event, frozen=True):
    priority: Change[Priority]


class DueDateSet(Event, frozen=True):
    due: Change[str | None]


class StartDateSet(Event, frozen=True):
    start: Change[str | None]


class TaskZoneSet(Event, frozen=True):
    """The time zone, by its IANA name, that the days of the task are days of; without one, that of its workspace."""

    zone: Change[str | None]


class EstimateSet(Event, frozen=True):
    """In minutes."""

    estimate: Change[int | None]


class TaskColoured(Event, frozen=True):
    """As `#rrggbb`."""

    colour: Change[str | None]


class RecurrenceSet(Event, frozen=True):
    recurrence: Change[Recurrence | None]


class OccurrenceSkipped(Event, frozen=True):
    """An instance of a recurring task is left out: the task goes on with the next one."""

    due: Change[str | None]
    start: Change[str | None]
    recurrence: Change[Recurrence | None]


class TaskAssigned(Event, frozen=True):
    user_id: UUID
    assignees: Change[tuple[UUID, ...]]


class TaskUnassigned(Event, frozen=True):
    user_id: UUID
    assignees: Change[tuple[UUID, ...]]


class TaskLabelled(Event, frozen=True):
    label: str
    labels: Change[tuple[str, ...]]


class TaskUnlabelled(Event, frozen=True):
    label: str
    labels: Change[tuple[str, ...]]


def initial_rank(event: TaskCreated) -> str:
    """The rank of a new task; those from before there were ranks are in the order of their numbers."""
    return event.rank or ordinal_rank(event.number)


class Task(State, frozen=True):
    """The state of a task that decisions need."""

    workspace_id: UUID
    project_id: UUID
    key: str
    title: str
    column: str
    description: str
    priority: Priority
    due: str | None
    labels: tuple[str, ...]
    assignees: tuple[UUID, ...] = ()
    start: str | None = None
    zone: str | None = None
    estimate: int | None = None
    colour: str | None = None
    checklist: Checklist = ()
    rank: str = ""
    parent_id: UUID | None = None
    recurrence: Recurrence | None = None
    fields: Mapping[str, FieldValue] = {}
    relations: Relations = ()
    status: TaskStatus = "open"
    trashed: bool = False
    archived: bool = False
    purged: bool = False
    completed_from: str | None = None
    """The column that the last completion left."""
    trashed_with: UUID | None = None
    """The ancestor that took it to the trash."""
    archived_with: UUID | None = None
    """The ancestor that took it to the archive."""
    next: NextTask | None = None
    """The next instance, while the task is done."""

    @property
    def blocks(self) -> tuple[UUID, ...]:
        """The tasks that it blocks, whether or not it is open."""
        return tuple(relation.task_id for relation in self.relations if relation.kind == "blocks")

    @property
    def is_awaited(self) -> bool:
        """Whether the tasks that it blocks wait for it."""
        return self.status == "open" and self.is_on_board and not self.purged

    @classmethod
    def evolve(cls, state: Self | None, event: Event) -> Self | None:
        if isinstance(event, TaskCreated):
            return record_from(cls, event, rank=initial_rank(event))
        after = super().evolve(state, event)
        if after is not None and isinstance(event, TaskCompleted):
            return replace(after, completed_from=event.column, next=event.next)
        if after is not None and isinstance(event, TaskReopened):
            return replace(after, next=None)
        if after is not None and isinstance(event, TaskTrashed | TaskRestored):
            return replace(after, trashed_with=event.with_task if isinstance(event, TaskTrashed) else None)
        if after is not None and isinstance(event, TaskArchived | TaskUnarchived):
            return replace(after, archived_with=event.with_task if isinstance(event, TaskArchived) else None)
        return after

    @property
    def is_on_board(self) -> bool:
        """Whether it is neither in the trash nor archived."""
        return not (self.trashed or self.archived)
