"""Commands about sub-tasks: put a task below another one, or below none."""

from collections.abc import Iterator, Sequence
from typing import ClassVar
from uuid import UUID

from commands.command import DecisionContext, OtherStreamEvent, require_found
from commands.task_command import TaskCommand, load_editable_project, require_editable_task
from commands.task_tree import load_subtasks, load_tree
from domain.errors import MakesACycle, ParentIsArchived, ParentIsElsewhere, ParentIsTrashed
from domain.event import Change, Event
from domain.project import Project
from domain.subtask import SubtaskPlaced, TaskParentSet, count_of, tree_stream_id
from domain.task import Task


class SetParent(TaskCommand, frozen=True, kw_only=True):
    """Put a task below another one of its project, with all that is below it, or below none."""

    changed_fields: ClassVar = frozenset({"parent_id"})

    parent_id: UUID | None

    def decide(self, state: Task | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        task = require_editable_task(state, context)
        if self.parent_id == task.parent_id:
            return
        project = load_editable_project(task.project_id, context)
        ancestors = require_parent(self.parent_id, task.project_id, project, context) if self.parent_id else ()
        if context.target in ancestors:
            raise MakesACycle
        below = load_subtasks(context.target, task.project_id, context)
        yield from _set_parent(context.target, task, below, self.parent_id, ancestors, context)


def leave_parent(
    task_id: UUID, task: Task, below: Sequence[tuple[UUID, Task]], context: DecisionContext
) -> Iterator[Event | OtherStreamEvent]:
    """The events of a task that is below none from now on, with the tasks `below` it."""
    if task.parent_id is not None:
        yield from _set_parent(task_id, task, below, None, (), context)


def _set_parent(  # noqa: PLR0913, PLR0917 - a task, and its new place
    task_id: UUID,
    task: Task,
    below: Sequence[tuple[UUID, Task]],
    parent_id: UUID | None,
    ancestors: tuple[UUID, ...],
    context: DecisionContext,
) -> Iterator[Event | OtherStreamEvent]:
    former_ancestors = load_tree(task.project_id, context).ancestors_of(task_id)
    moved = sum((count_of(one.status) for _, one in below if not one.trashed), count_of(task.status))
    parent = Change(task.parent_id, parent_id)
    yield TaskParentSet(parent, former_ancestors, moved, ancestors=ancestors)
    yield placed(task_id, task.project_id, parent)


def require_parent(parent_id: UUID, project_id: UUID, project: Project, context: DecisionContext) -> tuple[UUID, ...]:
    """The ancestors of a task with this parent.

    Raises NotFound, ParentIsElsewhere, ParentIsTrashed or ParentIsArchived.
    """
    parent = require_found(context(Task, parent_id))
    require_found((parent.workspace_id == project.workspace_id and not parent.purged) or None)
    if parent.project_id != project_id:
        raise ParentIsElsewhere
    if parent.trashed:
        raise ParentIsTrashed
    if parent.archived:
        raise ParentIsArchived
    return (parent_id, *load_tree(project_id, context).ancestors_of(parent_id))


def placed(task_id: UUID, project_id: UUID, parent_id: Change[UUID | None]) -> OtherStreamEvent:
    """What the project's tree has to know of a task that gets another parent."""
    return OtherStreamEvent(tree_stream_id(project_id), SubtaskPlaced(task_id, parent_id))
