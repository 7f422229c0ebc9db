"""Complete and reopen a task."""

from collections.abc import Iterator
from typing import ClassVar

from commands.command import DecisionContext, OtherStreamEvent
from commands.field_types import OpenChildren
from commands.task_changes import place
from commands.task_command import TaskCommand, load_editable_project, require_editable_task
from domain.event import Event
from domain.task import Task


class CompleteTask(TaskCommand, frozen=True, kw_only=True):
    """Mark a task as done; it goes to the done column, if its board has one.

    With open sub-tasks it is refused, unless they are completed too: all or none.
    """

    changed_fields: ClassVar = frozenset({"status"})

    children: OpenChildren = "refuse"

    def decide(self, state: Task | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        task = require_editable_task(state, context)
        project = load_editable_project(task.project_id, context)
        yield from place(context.target, task, project, context, status="done", children=self.children)


class ReopenTask(TaskCommand, frozen=True, kw_only=True):
    """Mark a completed task as not done; from the done column it goes back to where it was completed."""

    changed_fields: ClassVar = frozenset({"status"})

    def decide(self, state: Task | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        task = require_editable_task(state, context)
        project = load_editable_project(task.project_id, context)
        yield from place(context.target, task, project, context, status="open")
