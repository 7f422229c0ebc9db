"""A time entry: minutes that a user spent on a task on one day; corrected by events, so that its history has it all."""

from collections.abc import Collection
from typing import Self
from uuid import UUID

from domain.event import Change, Event, State, record_from


class TimeEntryAdded(Event, frozen=True):
    """The day is a date in ISO 8601, as it was by the clock of the user."""

    workspace_id: UUID
    project_id: UUID
    task_id: UUID
    user_id: UUID
    minutes: int
    on: str
    note: str = ""

    def touches(self) -> Collection[UUID]:
        return (self.task_id,)


class TimeEntryEdited(Event, frozen=True):
    """A correction, of one field or several; the others have the same value twice."""

    task_id: UUID
    project_id: UUID
    minutes: Change[int]
    on: Change[str]
    note: Change[str]

    def touches(self) -> Collection[UUID]:
        return (self.task_id,)


class TimeEntryDeleted(Event, frozen=True):
    """With what it said, which the history keeps."""

    task_id: UUID
    project_id: UUID
    minutes: Change[int]
    on: Change[str | None]
    note: Change[str]
    deleted: Change[bool] = Change(old=False, new=True)

    def touches(self) -> Collection[UUID]:
        return (self.task_id,)


class TimeEntryRestored(Event, frozen=True):
    """No longer deleted."""

    workspace_id: UUID
    task_id: UUID
    project_id: UUID
    user_id: UUID
    minutes: Change[int]
    on: Change[str | None]
    note: Change[str]
    deleted: Change[bool] = Change(old=True, new=False)

    def touches(self) -> Collection[UUID]:
        return (self.task_id,)


class TimeEntryPurged(Event, frozen=True):
    """Permanently deleted with its task."""

    task_id: UUID
    project_id: UUID
    purged: Change[bool] = Change(old=False, new=True)


class TimeEntry(State, frozen=True):
    """The state of a time entry that decisions need. A deleted one has no minutes and no day."""

    workspace_id: UUID
    task_id: UUID
    user_id: UUID
    minutes: int
    on: str | None
    note: str
    deleted: bool = False
    purged: bool = False

    @classmethod
    def evolve(cls, state: Self | None, event: Event) -> Self | None:
        return record_from(cls, event) if isinstance(event, TimeEntryAdded) else super().evolve(state, event)


def minutes_added(event: TimeEntryAdded | TimeEntryEdited | TimeEntryDeleted | TimeEntryRestored) -> int:
    """By how much the event changes the time spent on the task, in minutes."""
    return event.minutes if isinstance(event, TimeEntryAdded) else event.minutes.new - event.minutes.old
