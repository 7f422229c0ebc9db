"""Commands about the time spent on tasks: add an entry, edit it, delete it."""

from collections.abc import Iterator
from datetime import UTC
from typing import ClassVar
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import UNSET, UnsetType

from commands.command import CLOSING_EVENTS_OVER_CAP, Command, DecisionContext, OtherStreamEvent, require_found
from commands.field_types import DayText, NewId, SpentMinutes, TimeNote, normalize_date, require_uuid7
from commands.task_command import load_editable_task
from domain.errors import NotFound, TimeEntryIsAnothers
from domain.event import Change, Event
from domain.task import Task
from domain.time_entry import TimeEntry, TimeEntryAdded, TimeEntryDeleted, TimeEntryEdited, TimeEntryRestored
from domain.user import User
from domain.workspace import Workspace


class TimeEntryCommand(Command[TimeEntry], frozen=True, kw_only=True):
    """A command on a time entry; the actor must be a member of its workspace."""

    state_type: ClassVar = TimeEntry

    def resolve_workspace_id(self, state: TimeEntry | None, context: DecisionContext) -> UUID:
        return require_found(state).workspace_id


class AddTimeEntry(TimeEntryCommand, frozen=True, kw_only=True):
    """Add time that the actor spent on a task; without `on`, today in their zone, else the workspace's, else UTC."""

    creates: ClassVar = True

    id: NewId | None = None
    task_id: UUID | None = None
    minutes: SpentMinutes
    on: DayText | None = None
    note: TimeNote | None = None

    def __post_init__(self) -> None:
        require_uuid7(self.id)
        normalize_date(self.on)

    def resolve_workspace_id(self, state: TimeEntry | None, context: DecisionContext) -> UUID:
        return require_found(context(Task, require_found(self.task_id))).workspace_id

    def decide(self, state: TimeEntry | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        task_id = require_found(self.task_id)
        task = load_editable_task(task_id, context)
        on = self.on or _today(task.workspace_id, context)
        user = context.actor.user_id
        yield TimeEntryAdded(task.workspace_id, task.project_id, task_id, user, self.minutes, on, self.note or "")


class EditTimeEntry(TimeEntryCommand, frozen=True, kw_only=True):
    """Correct one's own time entry; a note of null clears it."""

    requires_version: ClassVar = True

    minutes: SpentMinutes | UnsetType = UNSET
    on: DayText | UnsetType = UNSET
    note: TimeNote | UnsetType | None = UNSET

    def __post_init__(self) -> None:
        if isinstance(self.on, str):
            normalize_date(self.on)

    def decide(self, state: TimeEntry | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        entry = require_found(state)
        task = load_editable_task(entry.task_id, context)
        if entry.deleted or entry.on is None:
            raise NotFound
        if entry.user_id != context.actor.user_id:
            raise TimeEntryIsAnothers
        minutes = Change(entry.minutes, entry.minutes if self.minutes is UNSET else self.minutes)
        on = Change(entry.on, entry.on if self.on is UNSET else self.on)
        note = Change(entry.note, entry.note if self.note is UNSET else self.note or "")
        if minutes.old != minutes.new or on.old != on.new or note.old != note.new:
            yield TimeEntryEdited(entry.task_id, task.project_id, minutes, on, note)


class DeleteTimeEntry(TimeEntryCommand, frozen=True, kw_only=True):
    """Delete a time entry: one's own, or as an administrator of the workspace any."""

    changed_fields: ClassVar = frozenset({"minutes", "on", "note", "deleted"})

    requires_version: ClassVar = True
    events_over_cap: ClassVar = CLOSING_EVENTS_OVER_CAP

    def decide(self, state: TimeEntry | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        entry = require_found(state)
        task = load_editable_task(entry.task_id, context)
        if entry.user_id != context.actor.user_id:
            context.require_permission("DeleteAnothersTimeEntry")
        if not entry.deleted:
            yield TimeEntryDeleted(
                entry.task_id,
                task.project_id,
                Change(entry.minutes, 0),
                Change(entry.on, None),
                Change(entry.note, ""),
            )


def restore_time_entry(entry: TimeEntry, before: TimeEntry, context: DecisionContext) -> Iterator[Event]:
    """The event of a deleted entry that is as it was before, from those who may delete it."""
    task = load_editable_task(entry.task_id, context)
    if entry.user_id != context.actor.user_id:
        context.require_permission("DeleteAnothersTimeEntry")
    yield TimeEntryRestored(
        entry.workspace_id,
        entry.task_id,
        task.project_id,
        entry.user_id,
        Change(entry.minutes, before.minutes),
        Change(entry.on, before.on),
        Change(entry.note, before.note),
    )


def _today(workspace_id: UUID, context: DecisionContext) -> str:
    """The present day in the zone of the actor's user, else of the workspace, else in UTC."""
    user, workspace = context(User, context.actor.user_id), context(Workspace, workspace_id)
    zone = (user and user.zone) or (workspace and workspace.zone)
    return context.now.astimezone(ZoneInfo(zone) if zone else UTC).date().isoformat()
