"""Commands about labels: add one to a task, remove it, and set its colour."""

from collections.abc import Iterator
from typing import ClassVar
from uuid import UUID

from commands.command import Command, DecisionContext, OtherStreamEvent, require_found
from commands.field_types import MAX_LABELS_PER_TASK, Colour
from commands.field_types import LabelName as Name
from commands.task_command import TaskCommand, require_editable_task
from domain.errors import TooManyLabels
from domain.event import Change, Event
from domain.label import Label, LabelColoured, label_stream_id, remove_label
from domain.task import Task, TaskLabelled, TaskUnlabelled
from domain.workspace import Workspace


class ColourLabel(Command[Label], frozen=True, kw_only=True):
    """Set or clear the colour of a label of a workspace; no task needs to have it yet."""

    state_type: ClassVar = Label
    may_create: ClassVar = True

    workspace_id: UUID | None = None
    label: Name | None = None
    colour: Colour | None

    def derive_target(self, user_id: UUID) -> UUID | None:
        return label_stream_id(self.workspace_id, self.label) if self.workspace_id and self.label else None

    def resolve_workspace_id(self, state: Label | None, context: DecisionContext) -> UUID:
        workspace_id = require_found(self.workspace_id)
        require_found(context(Workspace, workspace_id))
        return workspace_id

    def decide(self, state: Label | None, context: DecisionContext) -> Iterator[LabelColoured]:
        before = state.colour if state else None
        colour = self.colour and self.colour.lower()
        if colour != before:
            yield LabelColoured(require_found(self.label), Change(before, colour))


class LabelTask(TaskCommand, frozen=True, kw_only=True):
    """Add a label to a task, unless it has it already. Upper and lower case are the same."""

    changed_fields: ClassVar = frozenset({"labels"})

    label: Name

    def decide(self, state: Task | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        task = require_editable_task(state, context)
        if remove_label(task.labels, self.label) != task.labels:
            return
        if len(task.labels) >= MAX_LABELS_PER_TASK:
            raise TooManyLabels(most=MAX_LABELS_PER_TASK)
        yield TaskLabelled(self.label, Change(task.labels, (*task.labels, self.label)))


class UnlabelTask(TaskCommand, frozen=True, kw_only=True):
    """Remove a label from a task. Upper and lower case are the same."""

    changed_fields: ClassVar = frozenset({"labels"})

    label: Name

    def decide(self, state: Task | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        task = require_editable_task(state, context)
        others = remove_label(task.labels, self.label)
        if others != task.labels:
            existing_label = next(label for label in task.labels if label not in others)
            yield TaskUnlabelled(existing_label, Change(task.labels, others))
