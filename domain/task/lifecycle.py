"""The events by which a task is done, goes away and comes back."""

from uuid import UUID

from msgspec import Struct

from domain.event import Change, Event
from domain.recurrence import Recurrence
from domain.relation import BlockerEvent
from domain.subtask import NO_SUBTASKS, SubtaskCount, count_of
from domain.task.status import DONE_TO_OPEN, OPEN_TO_DONE, TaskStatus


class NextTask(Struct, frozen=True):
    """The next instance of a recurring task: its id and its key."""

    id: UUID
    key: str


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
