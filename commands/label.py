"""What may be asked of a label: on a task, off it, and its colour."""

from collections.abc import Iterator
from typing import ClassVar
from uuid import UUID

from commands.command import Command, Elsewhere, Given, present
from commands.field_types import MOST_LABELS, Colour
from commands.field_types import Label as Name
from commands.task import TaskCommand, in_use
from domain.errors import TooManyLabels
from domain.event import Change, Event
from domain.label import Label, LabelColoured, label_of, without
from domain.task import Task, TaskLabelled, TaskUnlabelled
from domain.workspace import Workspace


class ColourLabel(Command[Label], frozen=True, kw_only=True):
    """Give a label of a workspace a colour, or none; it may be on no task yet."""

    about: ClassVar = Label
    begins: ClassVar = True

    workspace_id: UUID | None = None
    label: Name | None = None
    colour: Colour | None

    def stream(self) -> UUID | None:
        return label_of(self.workspace_id, self.label) if self.workspace_id and self.label else None

    def workspace(self, state: Label | None, given: Given) -> UUID:
        workspace_id = present(self.workspace_id)
        present(given(Workspace, workspace_id))
        return workspace_id

    def decide(self, state: Label | None, given: Given) -> Iterator[LabelColoured]:
        before = state.colour if state else None
        colour = self.colour and self.colour.lower()
        if colour != before:
            yield LabelColoured(present(self.label), Change(before, colour))


class LabelTask(TaskCommand, frozen=True, kw_only=True):
    """Put a label on a task, unless it has that in any case of letters."""

    label: Name

    def decide(self, state: Task | None, given: Given) -> Iterator[Event | Elsewhere]:
        task = in_use(state, given)
        if without(task.labels, self.label) != task.labels:
            return
        if len(task.labels) >= MOST_LABELS:
            raise TooManyLabels(most=MOST_LABELS)
        yield TaskLabelled(self.label, Change(task.labels, (*task.labels, self.label)))


class UnlabelTask(TaskCommand, frozen=True, kw_only=True):
    """Take a label from a task, however it is written."""

    label: Name

    def decide(self, state: Task | None, given: Given) -> Iterator[Event | Elsewhere]:
        task = in_use(state, given)
        others = without(task.labels, self.label)
        if others != task.labels:
            written = next(label for label in task.labels if label not in others)
            yield TaskUnlabelled(written, Change(task.labels, others))
