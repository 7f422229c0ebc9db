"""Commands about a task: create, edit, complete, reopen, move, assign."""

from collections.abc import Iterator
from typing import ClassVar
from uuid import UUID

from msgspec import UNSET, UnsetType

from commands.column import enter_column, leave_column
from commands.command import Command, DecisionContext, OtherStreamEvent, require_found
from commands.field_types import (
    MAX_ASSIGNEES_PER_TASK,
    Assignees,
    ColumnName,
    Description,
    DueText,
    Labels,
    Title,
    normalize_due,
    require_uuid7,
)
from commands.project import require_editable_project
from domain.column import Column
from domain.errors import (
    AssigneeIsNoMember,
    TaskIsTrashed,
    TooManyAssignees,
    UnknownColumn,
)
from domain.event import Change, Event
from domain.label import distinct_labels
from domain.member import Member, member_stream_id
from domain.project import Project
from domain.task import (
    DueDateSet,
    Priority,
    Task,
    TaskAssigned,
    TaskCompleted,
    TaskCreated,
    TaskDescribed,
    TaskMoved,
    TaskPrioritised,
    TaskRenamed,
    TaskReopened,
    TaskUnassigned,
)


class TaskCommand(Command[Task], frozen=True, kw_only=True):
    """A command on a task; the actor must be a member of its workspace."""

    state_type: ClassVar = Task

    def resolve_workspace_id(self, state: Task | None, context: DecisionContext) -> UUID:
        return require_found(state).workspace_id


class CreateTask(TaskCommand, frozen=True, kw_only=True):
    """Create a task on a project's board, in the first column unless another is named."""

    creates: ClassVar = True

    id: UUID | None = None
    project_id: UUID | None = None
    title: Title
    description: Description | None = ""
    priority: Priority | None = "none"
    due: DueText | None = None
    column: ColumnName | None = None
    labels: Labels = ()
    assignees: Assignees = ()

    def __post_init__(self) -> None:
        require_uuid7(self.id)
        normalize_due(self.due)

    def resolve_workspace_id(self, state: Task | None, context: DecisionContext) -> UUID:
        return require_found(context(Project, require_found(self.project_id))).workspace_id

    def decide(self, state: Task | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        project_id = require_found(self.project_id)
        project = load_editable_project(project_id, context)
        column = require_column(project, self.column)
        for user in self.assignees:
            require_assignable(project.workspace_id, user, context)
        yield from enter_column(project_id, project, column, context)
        number = context.allocate_task_number(project_id)
        yield TaskCreated(
            workspace_id=project.workspace_id,
            project_id=project_id,
            number=number,
            key=f"{project.key}-{number}",
            title=self.title,
            column=column.id,
            description=self.description or "",
            priority=self.priority or "none",
            due=normalize_due(self.due),
            labels=distinct_labels(self.labels),
            assignees=tuple(dict.fromkeys(self.assignees)),
        )


class EditTask(TaskCommand, frozen=True, kw_only=True):
    """Edit a task: one event for each field that changes."""

    requires_version: ClassVar = True

    title: Title | UnsetType = UNSET
    description: Description | UnsetType | None = UNSET
    priority: Priority | UnsetType | None = UNSET
    due: DueText | UnsetType | None = UNSET

    def __post_init__(self) -> None:
        if self.due is not UNSET:
            normalize_due(self.due)

    def decide(self, state: Task | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        task = require_editable_task(state, context)
        if self.title is not UNSET and self.title != task.title:
            yield TaskRenamed(Change(task.title, self.title))
        if self.description is not UNSET and (self.description or "") != task.description:
            yield TaskDescribed(Change(task.description, self.description or ""))
        if self.priority is not UNSET and (self.priority or "none") != task.priority:
            yield TaskPrioritised(Change(task.priority, self.priority or "none"))
        if self.due is not UNSET and normalize_due(self.due) != task.due:
            yield DueDateSet(Change(task.due, normalize_due(self.due)))


class RenameTask(TaskCommand, frozen=True, kw_only=True):
    """Rename a task."""

    requires_version: ClassVar = True

    title: Title

    def decide(self, state: Task | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        task = require_editable_task(state, context)
        if self.title != task.title:
            yield TaskRenamed(Change(task.title, self.title))


class CompleteTask(TaskCommand, frozen=True, kw_only=True):
    """Mark a task as done."""

    def decide(self, state: Task | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        task = require_editable_task(state, context)
        if task.status == "open":
            yield TaskCompleted(task.project_id, task.column)


class ReopenTask(TaskCommand, frozen=True, kw_only=True):
    """Mark a completed task as not done."""

    def decide(self, state: Task | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        task = require_editable_task(state, context)
        if task.status == "done":
            yield TaskReopened(task.project_id, task.column)


class MoveTask(TaskCommand, frozen=True, kw_only=True):
    """Move a task to another column of its board, named by id or name."""

    requires_version: ClassVar = True

    column: ColumnName

    def decide(self, state: Task | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        task = require_editable_task(state, context)
        project = load_editable_project(task.project_id, context)
        column = require_column(project, self.column)
        if column.id != task.column:
            yield from leave_column(task.project_id, project, task.column, context)
            yield from enter_column(task.project_id, project, column, context)
            yield TaskMoved(Change(task.project_id, task.project_id), Change(task.column, column.id), task.status)


class AssignTask(TaskCommand, frozen=True, kw_only=True):
    """Assign a task to a member of its workspace, in addition to others."""

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

    user_id: UUID

    def decide(self, state: Task | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        task = require_editable_task(state, context)
        if self.user_id in task.assignees:
            others = tuple(user for user in task.assignees if user != self.user_id)
            yield TaskUnassigned(self.user_id, Change(task.assignees, others))


def require_assignable(workspace_id: UUID, user_id: UUID, context: DecisionContext) -> None:
    """Raise AssigneeIsNoMember unless the user is a member of the workspace; the append asserts it."""
    if context(Member, member_stream_id(workspace_id, user_id)) is None:
        raise AssigneeIsNoMember(user_id=user_id)


def require_editable_task(state: Task | None, context: DecisionContext) -> Task:
    """The task, if it and its project may change; raises TaskIsTrashed, or what the project's check raises."""
    task = require_found(state)
    load_editable_project(task.project_id, context)
    if task.trashed:
        raise TaskIsTrashed
    return task


def load_editable_project(project_id: UUID, context: DecisionContext) -> Project:
    """The project, if it may change; raises Purged, ProjectIsTrashed or ProjectIsArchived."""
    return require_editable_project(context(Project, project_id))


def require_column(project: Project, id_or_name: str | None) -> Column:
    """The column of that name or id, the first one for None; raises UnknownColumn."""
    column = project.columns[0] if id_or_name is None else project.find_column(id_or_name)
    if column is None:
        raise UnknownColumn(columns=[column.id for column in project.columns])
    return column
