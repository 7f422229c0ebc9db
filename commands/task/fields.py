"""Create a task, and edit its fields."""

from collections.abc import Iterator
from typing import ClassVar
from uuid import UUID

from msgspec import UNSET, UnsetType

from commands.checklist import ChecklistSpec, resolve_checklist
from commands.column_counts import enter_column
from commands.command import DecisionContext, OtherStreamEvent, require_found
from commands.custom_field_values import SentFieldValues, field_values, set_field_values
from commands.field_types import (
    Assignees,
    Colour,
    ColumnName,
    DateOrTimeText,
    Description,
    EstimateMinutes,
    Labels,
    NewId,
    Title,
    ZoneName,
    normalize_date,
    require_uuid7,
    require_zone,
)
from commands.recurrence import SentRecurrence, require_recurrence
from commands.subtask import placed, require_parent
from commands.task_changes import place, require_assignable, require_column, set_assignees, set_labels, status_events
from commands.task_command import TaskCommand, load_editable_project, require_editable_task
from commands.task_fields import require_start_before_due, sent_fields, set_fields
from domain.event import Change, Event, fold, record_from
from domain.label import distinct_labels
from domain.project import Project
from domain.task import Priority, Task, TaskCreated, TaskStatus


class CreateTask(TaskCommand, frozen=True, kw_only=True):
    """Create a task on a project's board, in the first column unless another is named; done in the done column."""

    creates: ClassVar = True

    id: NewId | None = None
    project_id: UUID | None = None
    title: Title
    description: Description | None = ""
    priority: Priority | None = "none"
    due: DateOrTimeText | None = None
    start: DateOrTimeText | None = None
    zone: ZoneName | None = None
    estimate: EstimateMinutes | None = None
    colour: Colour | None = None
    column: ColumnName | None = None
    labels: Labels = ()
    assignees: Assignees = ()
    checklist: ChecklistSpec = ()
    parent_id: UUID | None = None
    recurrence: SentRecurrence | None = None
    fields: SentFieldValues | None = None

    def __post_init__(self) -> None:
        require_uuid7(self.id)
        _require_times(self)

    def resolve_workspace_id(self, state: Task | None, context: DecisionContext) -> UUID:
        return require_found(context(Project, require_found(self.project_id))).workspace_id

    def decide(self, state: Task | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        project_id = require_found(self.project_id)
        project = load_editable_project(project_id, context)
        column = require_column(project, self.column)
        for user in self.assignees:
            require_assignable(project.workspace_id, user, context)
        single_values = sent_fields(self)
        custom_values = field_values(project, self.fields or {}, context)
        require_start_before_due(self.start, self.due, self.zone)
        ancestors = require_parent(self.parent_id, project_id, project, context) if self.parent_id else ()
        yield from enter_column(project_id, project, column, context)
        number = context.allocate_task_number(project_id)
        created = TaskCreated(
            workspace_id=project.workspace_id,
            project_id=project_id,
            number=number,
            key=f"{project.key}-{number}",
            column=column.id,
            labels=distinct_labels(self.labels),
            assignees=tuple(dict.fromkeys(self.assignees)),
            checklist=resolve_checklist(self.checklist, (), context),
            rank=context.new_rank(is_first=False),
            parent_id=self.parent_id,
            ancestors=ancestors,
            fields=custom_values,
            **single_values,
        )
        if created.recurrence:
            require_recurrence(record_from(Task, created), context)
        yield created
        if self.parent_id:
            yield placed(context.target, project_id, Change(None, self.parent_id))
        if column == project.done_column and context.actor.kind != "import":
            yield from status_events(context.target, record_from(Task, created), project, "done", column.id, context)


class EditTask(TaskCommand, frozen=True, kw_only=True):
    """Edit a task: one event for each field that changes, and one for each label or assignee that comes or goes.

    Labels and assignees are the whole list; `LabelTask`, `AssignTask` and their opposites change one at a time.
    """

    requires_version: ClassVar = True

    title: Title | UnsetType = UNSET
    description: Description | UnsetType | None = UNSET
    priority: Priority | UnsetType | None = UNSET
    due: DateOrTimeText | UnsetType | None = UNSET
    start: DateOrTimeText | UnsetType | None = UNSET
    zone: ZoneName | UnsetType | None = UNSET
    estimate: EstimateMinutes | UnsetType | None = UNSET
    colour: Colour | UnsetType | None = UNSET
    recurrence: SentRecurrence | UnsetType | None = UNSET
    column: ColumnName | UnsetType = UNSET
    labels: Labels | UnsetType | None = UNSET
    assignees: Assignees | UnsetType | None = UNSET
    fields: SentFieldValues | UnsetType | None = UNSET
    status: TaskStatus | UnsetType = UNSET

    def __post_init__(self) -> None:
        _require_times(self)

    def decide(self, state: Task | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        task = require_editable_task(state, context)
        project = load_editable_project(task.project_id, context)
        edits = list(self._decide_fields(task, project, context))
        yield from edits
        if all(sent is UNSET for sent in (self.recurrence, self.due, self.column, self.status)):
            return
        edited = fold(Task, edits, task) or task
        if edited.recurrence != task.recurrence or edited.due is None:
            require_recurrence(edited, context)
        yield from self._decide_place(edited, project, context)

    def _decide_fields(self, task: Task, project: Project, context: DecisionContext) -> Iterator[Event]:
        yield from set_fields(task, sent_fields(self))
        if self.labels is not UNSET:
            yield from set_labels(task, self.labels or ())
        if self.assignees is not UNSET:
            yield from set_assignees(task, self.assignees or (), context)
        if self.fields:
            yield from set_field_values(task, project, self.fields, context)

    def _decide_place(
        self, task: Task, project: Project, context: DecisionContext
    ) -> Iterator[Event | OtherStreamEvent]:
        column = None if self.column is UNSET else require_column(project, self.column)
        yield from place(context.target, task, project, context, column=column, status=self.status or None)


class RenameTask(TaskCommand, frozen=True, kw_only=True):
    """Rename a task."""

    requires_version: ClassVar = True

    title: Title

    def decide(self, state: Task | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        task = require_editable_task(state, context)
        yield from set_fields(task, sent_fields(self))


def _require_times(command: CreateTask | EditTask) -> None:
    """Raise ValueError for a date, a time or a zone that does not exist."""
    for text in (command.due, command.start):
        if isinstance(text, str):
            normalize_date(text)
    if isinstance(command.zone, str):
        require_zone(command.zone)
