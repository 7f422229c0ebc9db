"""Commands about the archive of tasks: archive a task, the done tasks of a column, what a rule archives; unarchive."""

from collections.abc import Iterator
from typing import ClassVar
from uuid import UUID

from commands.column_counts import enter_column, leave_column
from commands.command import CLOSING_EVENTS_OVER_CAP, DecisionContext, OtherStreamEvent, require_found
from commands.field_types import ColumnName
from commands.project import ProjectCommand, require_editable_project
from commands.task_changes import require_column, status_events, status_in
from commands.task_command import TaskCommand, load_editable_project
from commands.task_tree import for_stream, load_subtasks, load_tree
from domain.errors import MoreTasksDone, ParentIsArchived, TaskIsTrashed
from domain.event import Change, Event
from domain.project import Project
from domain.task import Task, TaskArchived, TaskUnarchived

MAX_ARCHIVED_TASKS = 1_000
"""The most done tasks of a column that one command archives: they are written together."""


class ArchiveTask(TaskCommand, frozen=True, kw_only=True):
    """Archive a task, done or not, with its sub-tasks: it is kept for ever, and leaves lists and its board."""

    changed_fields: ClassVar = frozenset({"archived"})

    events_over_cap: ClassVar = CLOSING_EVENTS_OVER_CAP

    def decide(self, state: Task | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        task = require_found(state)
        project = load_editable_project(task.project_id, context)
        if task.trashed:
            raise TaskIsTrashed
        yield from _archive_with_subtasks(context.target, task, project, context)


class ArchiveByRule(TaskCommand, frozen=True, kw_only=True):
    """Archive a task as the rule of its project says: it and all below it must be done. The installation does this."""

    changed_fields: ClassVar = frozenset({"archived"})

    requires_version: ClassVar = True
    is_batchable: ClassVar = False
    events_over_cap: ClassVar = CLOSING_EVENTS_OVER_CAP

    def decide(self, state: Task | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        task = require_found(state)
        project = load_editable_project(task.project_id, context)
        if project.archive_after is not None and _is_all_done(context.target, task, context):
            yield from _archive_with_subtasks(context.target, task, project, context)


class ArchiveDoneTasks(ProjectCommand, frozen=True, kw_only=True):
    """Archive the done tasks of a column, with what is below them; those above open ones stay.

    At most 1,000 at once, the first by rank: the result then warns how many were done.
    """

    column: ColumnName | None = None

    def decide(self, state: Project | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        project = require_editable_project(state)
        column = require_column(project, require_found(self.column))
        done = context.column_tasks(context.target, column.id, "done")
        first = done.ids[:MAX_ARCHIVED_TASKS]
        tree = load_tree(context.target, context)
        context.load_all(Task, [below for task_id in first for below in (task_id, *tree.iter_below(task_id))])
        for task_id in sorted(first, key=lambda each: len(tree.ancestors_of(each))):
            task = require_found(context(Task, task_id))
            is_here = (task.project_id, task.column) == (context.target, column.id)
            if is_here and _is_all_done(task_id, task, context):
                yield from for_stream(task_id, _archive_with_subtasks(task_id, task, project, context))
        if done.total > MAX_ARCHIVED_TASKS:
            context.warn(MoreTasksDone(column=column.id, limit=MAX_ARCHIVED_TASKS, tasks=done.total))


class UnarchiveTask(TaskCommand, frozen=True, kw_only=True):
    """Bring a task back from the archive, to its former column, or to the first one if that is gone.

    The sub-tasks that went there with it come back with it.
    """

    changed_fields: ClassVar = frozenset({"archived"})

    events_over_cap: ClassVar = CLOSING_EVENTS_OVER_CAP

    def decide(self, state: Task | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        task = require_found(state)
        project = load_editable_project(task.project_id, context)
        if task.trashed:
            raise TaskIsTrashed
        if task.archived:
            require_parent_in_use(task, context)
            yield from _unarchive(context.target, task, project, context)
            for subtask_id, subtask in load_subtasks(context.target, task.project_id, context):
                if subtask.archived_with == context.target and not subtask.trashed:
                    yield from for_stream(subtask_id, _unarchive(subtask_id, subtask, project, context))


def require_parent_in_use(task: Task, context: DecisionContext) -> None:
    """Raise ParentIsArchived unless the task may come back below its parent."""
    if task.parent_id and require_found(context(Task, task.parent_id)).archived:
        raise ParentIsArchived


def _is_all_done(task_id: UUID, task: Task, context: DecisionContext) -> bool:
    """Whether a task on the board is done, and no task below it on the board is open."""
    below = load_subtasks(task_id, task.project_id, context)
    still_open = any(subtask.is_on_board and subtask.status == "open" for _, subtask in below)
    return task.is_on_board and task.status == "done" and not still_open


def _archive_with_subtasks(
    task_id: UUID, task: Task, project: Project, context: DecisionContext
) -> Iterator[Event | OtherStreamEvent]:
    """The events of a task outside the trash that is archived with what is below it, the deepest first."""
    if task.archived:
        return
    for subtask_id, subtask in reversed(load_subtasks(task_id, task.project_id, context)):
        if subtask.is_on_board:
            yield from for_stream(subtask_id, _archive(subtask, project, context, with_task=task_id))
    yield from _archive(task, project, context)


def _archive(
    task: Task, project: Project, context: DecisionContext, *, with_task: UUID | None = None
) -> Iterator[Event | OtherStreamEvent]:
    yield from leave_column(task.project_id, project, task.column, context)
    yield TaskArchived(task.project_id, task.column, task.status, with_task=with_task, blocks=task.blocks)


def _unarchive(
    task_id: UUID, task: Task, project: Project, context: DecisionContext
) -> Iterator[Event | OtherStreamEvent]:
    column = project.find_column_by_id(task.column) or project.columns[0]
    yield from enter_column(task.project_id, project, column, context)
    yield TaskUnarchived(task.project_id, Change(task.column, column.id), task.status, blocks=task.blocks)
    yield from status_events(task_id, task, project, status_in(project, task, column), column.id, context)
