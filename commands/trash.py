"""Commands about the trash: move tasks, projects and workspaces into it, restore, and purge."""

from collections.abc import Iterator
from typing import ClassVar
from uuid import UUID

from commands.archive import require_parent_in_use
from commands.column_counts import enter_column, leave_column
from commands.command import (
    CLOSING_EVENTS_OVER_CAP,
    FINAL_EVENTS_OVER_CAP,
    Command,
    DecisionContext,
    OtherStreamEvent,
    require_found,
)
from commands.comment import CommentCommand
from commands.field_types import ColumnName
from commands.project import ProjectCommand
from commands.relation import unrelate
from commands.task_changes import require_column, status_events, status_in
from commands.task_command import TaskCommand, load_editable_project
from commands.task_tree import ancestors_of, for_stream, load_subtasks
from commands.time_entry import TimeEntryCommand
from domain.comment import Comment, CommentPurged
from domain.errors import NotTrashed, ParentIsTrashed
from domain.event import Change, Event
from domain.project import Project, ProjectPurged, ProjectTrashed
from domain.task import Task, TaskPurged, TaskRestored, TaskTrashed
from domain.time_entry import TimeEntry, TimeEntryPurged
from domain.workspace import Workspace, WorkspacePurged, WorkspaceRestored, WorkspaceTrashed


class TrashTask(TaskCommand, frozen=True, kw_only=True):
    """Move a task to the trash, with its sub-tasks."""

    changed_fields: ClassVar = frozenset({"trashed"})

    requires_version: ClassVar = True
    events_over_cap: ClassVar = CLOSING_EVENTS_OVER_CAP

    def decide(self, state: Task | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        task = require_found(state)
        project = load_editable_project(task.project_id, context)
        if not task.trashed:
            for subtask_id, subtask in reversed(load_subtasks(context.target, task.project_id, context)):
                if not subtask.trashed:
                    yield from for_stream(
                        subtask_id, _trash(subtask_id, subtask, project, context, with_task=context.target)
                    )
            yield from _trash(context.target, task, project, context)


class RestoreTask(TaskCommand, frozen=True, kw_only=True):
    """Restore a task from the trash, to its former column (the first one, if that is gone) or to the one named.

    The sub-tasks that went there with it come back with it. What was archived is archived again.
    """

    changed_fields: ClassVar = frozenset({"trashed"})

    events_over_cap: ClassVar = CLOSING_EVENTS_OVER_CAP

    column: ColumnName | None = None

    def decide(self, state: Task | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        task = require_found(state)
        project = load_editable_project(task.project_id, context)
        if task.trashed:
            if task.parent_id and require_found(context(Task, task.parent_id)).trashed:
                raise ParentIsTrashed
            if not task.archived:
                require_parent_in_use(task, context)
            yield from _restore(context.target, task, project, context, self.column)
            for subtask_id, subtask in load_subtasks(context.target, task.project_id, context):
                if subtask.trashed_with == context.target:
                    yield from for_stream(subtask_id, _restore(subtask_id, subtask, project, context))


def _trash(
    task_id: UUID, task: Task, project: Project, context: DecisionContext, *, with_task: UUID | None = None
) -> Iterator[Event | OtherStreamEvent]:
    if not task.archived:
        yield from leave_column(task.project_id, project, task.column, context)
    ancestors = ancestors_of(task_id, task, context)
    yield TaskTrashed(
        task.project_id,
        task.column,
        task.status,
        title=task.title,
        key=task.key,
        with_task=with_task,
        archived=task.archived,
        ancestors=ancestors,
        blocks=task.blocks,
    )


def _restore(
    task_id: UUID, task: Task, project: Project, context: DecisionContext, column_name: str | None = None
) -> Iterator[Event | OtherStreamEvent]:
    ancestors = ancestors_of(task_id, task, context)
    if task.archived:
        stays = Change(task.column, task.column)
        yield TaskRestored(task.project_id, stays, task.status, archived=True, ancestors=ancestors, blocks=task.blocks)
        return
    column = project.find_column_by_id(task.column) if column_name is None else None
    column = column or require_column(project, column_name)
    yield from enter_column(task.project_id, project, column, context)
    yield TaskRestored(
        task.project_id, Change(task.column, column.id), task.status, ancestors=ancestors, blocks=task.blocks
    )
    yield from status_events(task_id, task, project, status_in(project, task, column), column.id, context)


class PurgeTask(TaskCommand, frozen=True, kw_only=True):
    """Purge a task that is in the trash, or whose project is purged. The installation does this after a time."""

    requires_version: ClassVar = True
    is_batchable: ClassVar = False
    events_over_cap: ClassVar = FINAL_EVENTS_OVER_CAP

    def decide(self, state: Task | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        task = require_found(state)
        if not task.trashed and not require_found(context(Project, task.project_id)).purged:
            raise NotTrashed
        for relation in task.relations:
            yield from unrelate(context.target, task, relation, context)
        yield TaskPurged(task.project_id)


class PurgeComment(CommentCommand, frozen=True, kw_only=True):
    """Purge a comment on a purged task. The installation does this together with the task."""

    changed_fields: ClassVar = frozenset({"purged"})

    is_batchable: ClassVar = False
    events_over_cap: ClassVar = FINAL_EVENTS_OVER_CAP

    def decide(self, state: Comment | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        comment = require_found(state)
        yield CommentPurged(comment.task_id, _require_purged(comment.task_id, context).project_id)


class PurgeTimeEntry(TimeEntryCommand, frozen=True, kw_only=True):
    """Purge a time entry of a purged task. The installation does this together with the task."""

    changed_fields: ClassVar = frozenset({"purged"})

    is_batchable: ClassVar = False
    events_over_cap: ClassVar = FINAL_EVENTS_OVER_CAP

    def decide(self, state: TimeEntry | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        entry = require_found(state)
        yield TimeEntryPurged(entry.task_id, _require_purged(entry.task_id, context).project_id)


def _require_purged(task_id: UUID, context: DecisionContext) -> Task:
    """The task, if it is purged; raises NotTrashed."""
    task = require_found(context(Task, task_id))
    if not task.purged:
        raise NotTrashed
    return task


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
        project = require_found(state)
        if not project.trashed and not require_found(context(Workspace, project.workspace_id)).purged:
            raise NotTrashed
        yield ProjectPurged()


class WorkspaceTrashCommand(Command[Workspace], frozen=True, kw_only=True):
    """A command about a workspace that may be in the trash."""

    state_type: ClassVar = Workspace
    is_batchable: ClassVar = False

    def resolve_workspace_id(self, state: Workspace | None, context: DecisionContext) -> UUID:
        return context.target


class TrashWorkspace(WorkspaceTrashCommand, frozen=True, kw_only=True):
    """Move a workspace to the trash, with everything in it; its members no longer see it."""

    hides_target: ClassVar = True
    requires_version: ClassVar = True
    events_over_cap: ClassVar = CLOSING_EVENTS_OVER_CAP

    def decide(self, state: Workspace | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        workspace = require_found(state)
        if not workspace.trashed:
            yield WorkspaceTrashed(workspace.name)


class RestoreWorkspace(WorkspaceTrashCommand, frozen=True, kw_only=True):
    """Restore a workspace from the trash."""

    events_over_cap: ClassVar = CLOSING_EVENTS_OVER_CAP

    def decide(self, state: Workspace | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        if require_found(state).trashed:
            yield WorkspaceRestored()


class PurgeWorkspace(WorkspaceTrashCommand, frozen=True, kw_only=True):
    """Purge a workspace that is in the trash. The installation does this after a time."""

    requires_version: ClassVar = True
    events_over_cap: ClassVar = FINAL_EVENTS_OVER_CAP

    def decide(self, state: Workspace | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        if not require_found(state).trashed:
            raise NotTrashed
        yield WorkspacePurged()
