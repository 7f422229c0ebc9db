"""What all commands about a task have in common: their workspace, and that the task may change."""

from typing import ClassVar
from uuid import UUID

from commands.command import Command, DecisionContext, require_found
from commands.project import require_editable_project
from domain.errors import Purged, TaskIsArchived, TaskIsTrashed
from domain.project import Project
from domain.task import Task


class TaskCommand(Command[Task], frozen=True, kw_only=True):
    """A command on a task; the actor must be a member of its workspace."""

    state_type: ClassVar = Task

    def resolve_workspace_id(self, state: Task | None, context: DecisionContext) -> UUID:
        return require_found(state).workspace_id


def require_editable_task(state: Task | None, context: DecisionContext) -> Task:
    """The task, if it and its project may change.

    Raises TaskIsTrashed, TaskIsArchived, or what the project's check raises.
    """
    task = require_found(state)
    load_editable_project(task.project_id, context)
    if task.trashed:
        raise TaskIsTrashed
    if task.archived:
        raise TaskIsArchived
    return task


def load_editable_task(task_id: UUID, context: DecisionContext) -> Task:
    """The task, if what belongs to it may change; raises NotFound, Purged, or what `require_editable_task` raises."""
    task = require_found(context(Task, task_id))
    if task.purged:
        raise Purged
    return require_editable_task(task, context)


def load_editable_project(project_id: UUID, context: DecisionContext) -> Project:
    """The project, if it may change; raises Purged, ProjectIsTrashed or ProjectIsArchived."""
    return require_editable_project(context(Project, project_id))
