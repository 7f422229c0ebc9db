"""Assign a task, and unassign it."""

from collections.abc import Iterator
from typing import ClassVar
from uuid import UUID

from commands.command import DecisionContext, OtherStreamEvent
from commands.field_types import MAX_ASSIGNEES_PER_TASK
from commands.task_changes import require_assignable
from commands.task_command import TaskCommand, require_editable_task
from domain.errors import TooManyAssignees
from domain.event import Change, Event
from domain.task import Task, TaskAssigned, TaskUnassigned


class AssignTask(TaskCommand, frozen=True, kw_only=True):
    """Assign a task to a member of its workspace, in addition to others."""

    changed_fields: ClassVar = frozenset({"assignees"})

    user_id: UUID

    def decide(self, state: Task | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        task = require_editable_task(state, context)
        if self.user_id in task.assignees:
            return
        require_assignable(task.workspace_id, self.user_id, context)
        if len(task.assignees) >= MAX_ASSIGNEES_PER_TASK:
            raise TooManyAssignees(most=MAX_ASSIGNEES_PER_TASK)
        yield TaskAssigned(self.user_id, Change(task.assignees, (*task.assignees, self.user_id)))


class UnassignTask(TaskCommand, frozen=True, kw_only=True):
    """Unassign a user from a task, even one who has left the workspace."""

    changed_fields: ClassVar = frozenset({"assignees"})

    user_id: UUID

    def decide(self, state: Task | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        task = require_editable_task(state, context)
        if self.user_id in task.assignees:
            others = tuple(user for user in task.assignees if user != self.user_id)
            yield TaskUnassigned(self.user_id, Change(task.assignees, others))
