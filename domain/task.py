"""A task: a piece of work in one column of one project."""

from collections.abc import Mapping
from functools import lru_cache
from typing import ClassVar, Literal, Self
from uuid import UUID, uuid5

from msgspec import Struct
from msgspec.structs import replace

from domain.checklist import Checklist
from domain.custom_field import FieldValue
from domain.event import Change, Event, State, record_from
from domain.rank import RankPlace, ordinal_rank
from domain.recurrence import Recurrence
from domain.relation import BlockerEvent, Relations
from domain.subtask import NO_SUBTASKS, SubtaskCount, SubtaskEvent, count_of

Priority = Literal["none", "low", "medium", "high", "urgent"]
TaskStatus = Literal["open", "done"]
OPEN_TO_DONE: Change[TaskStatus] = Change("open", "done")
DONE_TO_OPEN: Change[TaskStatus] = Change("done", "open")


class NextTask(Struct, frozen=True):
    """The next instance of a recurring task: its id and its key."""

    id: UUID
    key: str


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


class RecurrenceSet(Event, frozen=True):
    recurrence: Change[Recurrence | None]


class OccurrenceSkipped(Event, frozen=True):
    """An instance of a recurring task is left out: the task goes on with the next one."""

    due: Change[str | None]
    start: Change[str | None]
    recurrence: Change[Recurrence | None]


class TaskCompleted(BlockerEvent, frozen=True):
    """Of a recurring task: the recurrence goes to the next instance, unless the series is over."""

    project_id: UUID
    column: str
    status: Change[TaskStatus] = OPEN_TO_DONE
    recurrence: Change[Recurrence | None] = Change(None, None)
    next: NextTask | None = None

    @property
    def counted(self) -> SubtaskCount:
        return SubtaskCount(done=1)

    @property
    def keeps_waiting(self) -> bool:
        return False


class TaskReopened(BlockerEvent, frozen=True):
    project_id: UUID
    column: str
    status: Change[TaskStatus] = DONE_TO_OPEN

    @property
    def counted(self) -> SubtaskCount:
        return SubtaskCount(done=-1)

    @property
    def keeps_waiting(self) -> bool:
        return True


class TaskMoved(Event, frozen=True):
    project_id: Change[UUID]
    column: Change[str]
    status: TaskStatus
    rank: Change[str] = Change("", "")
    place: RankPlace = "bottom"
    beside: UUID | None = None


class TaskMovedToProject(Event, frozen=True):
    """To another project of the workspace, with a new key; the old one still leads to the task.

    Its values of custom fields are by the ids of the fields of the new project. `is_on_board`: it is neither in the
    trash nor archived.
    """

    project_id: Change[UUID]
    key: Change[str]
    column: Change[str]
    rank: Change[str]
    fields: Change[Mapping[str, FieldValue]]
    number: int
    status: TaskStatus
    title: str
    is_on_board: bool = True


class TaskRanked(Event, frozen=True):
    """Within its column: the place that was asked for, and the rank for it."""

    rank: Change[str]
    place: RankPlace
    beside: UUID | None = None


class TaskTrashed(BlockerEvent, frozen=True):
    """In the trash; `with_task` is the ancestor that took it along, if one did; `archived`: from the archive."""

    project_id: UUID
    column: str
    status: TaskStatus
    trashed: Change[bool] = Change(old=False, new=True)
    title: str = ""
    key: str = ""
    with_task: UUID | None = None
    archived: bool = False

    @property
    def counted(self) -> SubtaskCount:
        return -count_of(self.status)

    @property
    def keeps_waiting(self) -> bool:
        return False


class TaskRestored(BlockerEvent, frozen=True):
    """Out of the trash, onto the board or, if it was `archived`, into the archive."""

    project_id: UUID
    column: Change[str]
    status: TaskStatus
    trashed: Change[bool] = Change(old=True, new=False)
    archived: bool = False

    @property
    def counted(self) -> SubtaskCount:
        return count_of(self.status)

    @property
    def keeps_waiting(self) -> bool:
        return self.status == "open" and not self.archived


class TaskArchived(BlockerEvent, frozen=True):
    """Off the board and kept for ever; `with_task` is the ancestor that took it along, if one did."""

    project_id: UUID
    column: str
    status: TaskStatus
    archived: Change[bool] = Change(old=False, new=True)
    with_task: UUID | None = None

    @property
    def counted(self) -> SubtaskCount:
        return NO_SUBTASKS

    @property
    def keeps_waiting(self) -> bool:
        return False


class TaskUnarchived(BlockerEvent, frozen=True):
    project_id: UUID
    column: Change[str]
    status: TaskStatus
    archived: Change[bool] = Change(old=True, new=False)

    @property
    def counted(self) -> SubtaskCount:
        return NO_SUBTASKS

    @property
    def keeps_waiting(self) -> bool:
        return self.status == "open"


class TaskPurged(Event, frozen=True):
    """Permanently deleted from the trash."""

    project_id: UUID
    purged: Change[bool] = Change(old=False, new=True)


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


Place = tuple[UUID, str]
"""A column, with its project."""


def places_of(event: Event) -> tuple[Place | None, Place | None]:  # noqa: PLR0911 - a line for each kind
    """The place that a task left with this event, and the one that it entered; None outside every board."""
    match event:
        case TaskCreated(project_id=project, column=column):
            return None, (project, column)
        case TaskMovedToProject(is_on_board=False):
            return None, None
        case TaskMoved(project_id=project, column=column) | TaskMovedToProject(project_id=project, column=column):
            return (project.old, column.old), (project.new, column.new)
        case TaskTrashed(archived=True) | TaskRestored(archived=True):
            return None, None
        case TaskTrashed(project_id=project, column=column) | TaskArchived(project_id=project, column=column):
            return (project, column), None
        case TaskRestored(project_id=project, column=moved) | TaskUnarchived(project_id=project, column=moved):
            return None, (project, moved.new)
    return None, None


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


class TaskNumbersTaken(Event, frozen=True):
    """On the project's number stream: a block of numbers, both ends included, allocated to future tasks.

    `PROJ-12` belongs to one task for ever; an allocated number that is never used leaves a gap.
    """

    first: int
    last: int


class TaskNumbers(State, frozen=True):
    """The task numbers allocated in one project."""

    is_last_event_enough: ClassVar = True

    last: int = 0

    @classmethod
    def evolve(cls, state: Self | None, event: Event) -> Self | None:
        return cls(event.last) if isinstance(event, TaskNumbersTaken) else state


@lru_cache(maxsize=10_000)
def task_numbers_stream_id(project_id: UUID) -> UUID:
    """The guard stream of a project's task numbers."""
    return uuid5(project_id, "task numbers")
