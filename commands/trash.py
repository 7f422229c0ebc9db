"""Commands about the trash: move tasks and projects into it, restore tasks, and purge."""

from collections.abc import Iterator
from typing import ClassVar

from commands.column_counts import enter_column, leave_column
from commands.command import (
    CLOSING_EVENTS_OVER_CAP,
    FINAL_EVENTS_OVER_CAP,
    DecisionContext,
    OtherStreamEvent,
    require_found,
)
from commands.field_types import ColumnName
from commands.project import ProjectCommand
from commands.task import TaskCommand, load_editable_project
from commands.task_changes import require_column, status_events, status_in
from domain.errors import NotTrashed
from domain.event import Change, Event
from domain.project import Project, ProjectPurged, ProjectTrashed
from domain.task import Task, TaskPurged, TaskRestored, TaskTrashed


class TrashTask(TaskCommand, frozen=True, kw_only=True):
    """Move a task to the trash."""

    changed_fields: ClassVar = frozenset({"trashed"})

    requires_version: ClassVar = True
    events_over_cap: ClassVar = CLOSING_EVENTS_OVER_CAP

    def decide(self, state: Task | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        task = require_found(state)
        project = load_editable_project(task.project_id, context)
        if not task.trashed:
            yield from leave_column(task.project_id, project, task.column, context)
            yield TaskTrashed(task.project_id, task.column, task.status, title=task.title, key=task.key)


class RestoreTask(TaskCommand, frozen=True, kw_only=True):
    """Restore a task from the trash, to its former column (the first one, if that is gone) or to the one named."""

    changed_fields: ClassVar = frozenset({"trashed"})

    events_over_cap: ClassVar = CLOSING_EVENTS_OVER_CAP

    column: ColumnName | None = None

    def decide(self, state: Task | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        task = require_found(state)
        project = load_editable_project(task.project_id, context)
        if task.trashed:
            column = project.find_column_by_id(task.column) if self.column is None else None
            column = column or require_column(project, self.column)
            yield from enter_column(task.project_id, project, column, context)
            yield TaskRestored(task.project_id, Change(task.column, column.id), task.status)
            yield from status_events(task, status_in(project, task, column), column.id)


class PurgeTask(TaskCommand, frozen=True, kw_only=True):
    """Purge a task that is in the trash, or whose project is purged. The installation does this after a time."""

    requires_version: ClassVar = True
    is_batchable: ClassVar = False
    events_over_cap: ClassVar = FINAL_EVENTS_OVER_CAP

    def decide(self, state: Task | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        task = require_found(state)
        if not task.trashed and not require_found(context(Project, task.project_id)).purged:
            raise NotTrashed
        yield TaskPurged(task.project_id)


class TrashProject(ProjectCommand, frozen=True, kw_only=True):
    """Move a project to the trash, with everything in it."""

    changed_fields: ClassVar = frozenset({"trashed"})

    requires_version: ClassVar = True
    events_over_cap: ClassVar = CLOSING_EVENTS_OVER_CAP

    def decide(self, state: Project | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        project = require_found(state)
        if not project.trashed:
            yield ProjectTrashed(project.name, project.key)


class PurgeProject(ProjectCommand, frozen=True, kw_only=True):
    """Purge a project that is in the trash. The installation does this after a time."""

    requires_version: ClassVar = True
    is_batchable: ClassVar = False
    events_over_cap: ClassVar = FINAL_EVENTS_OVER_CAP

    def decide(self, state: Project | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        if not require_found(state).trashed:
            raise NotTrashed
        yield ProjectPurged()
