"""What may be asked of a task."""

from collections.abc import Iterator
from typing import ClassVar
from uuid import UUID

from msgspec import UNSET, UnsetType

from commands.column import entering, leaving
from commands.command import Command, Elsewhere, Given, present
from commands.field_types import MOST_ASSIGNEES, Assignees, ColumnName, Description, Due, Labels, Title, due, own_id
from commands.project import open_for_change
from domain.errors import (
    AssigneeIsNoMember,
    TaskIsTrashed,
    TooManyAssignees,
    UnknownColumn,
)
from domain.event import Change, Event
from domain.label import distinct
from domain.member import Member, member_of
from domain.project import Column, Project
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
    """A wish about a task: the actor must be a member of the workspace that the task is in."""

    about: ClassVar = Task

    def workspace(self, state: Task | None, given: Given) -> UUID:
        return present(state).workspace_id


class CreateTask(TaskCommand, frozen=True, kw_only=True):
    """Put a new task on a project's board, in its first column unless another is named."""

    creates: ClassVar = True

    id: UUID | None = None
    project_id: UUID | None = None
    title: Title
    description: Description | None = ""
    priority: Priority | None = "none"
    due: Due | None = None
    column: ColumnName | None = None
    labels: Labels = ()
    assignees: Assignees = ()

    def __post_init__(self) -> None:
        own_id(self.id)
        due(self.due)

    def workspace(self, state: Task | None, given: Given) -> UUID:
        return present(given(Project, present(self.project_id))).workspace_id

    def decide(self, state: Task | None, given: Given) -> Iterator[Event | Elsewhere]:
        project_id = present(self.project_id)
        project = project_of(project_id, given)
        column = column_in(project, self.column)
        for user in self.assignees:
            check_member(project.workspace_id, user, given)
        yield from entering(project_id, project, column, given)
        number = given.number(project_id)
        yield TaskCreated(
            workspace_id=project.workspace_id,
            project_id=project_id,
            number=number,
            key=f"{project.key}-{number}",
            title=self.title,
            column=column.id,
            description=self.description or "",
            priority=self.priority or "none",
            due=due(self.due),
            labels=distinct(self.labels),
            assignees=tuple(dict.fromkeys(self.assignees)),
        )


class EditTask(TaskCommand, frozen=True, kw_only=True):
    """Change what is written on a task: one event for each field that becomes another."""

    must_name_version: ClassVar = True

    title: Title | UnsetType = UNSET
    description: Description | UnsetType | None = UNSET
    priority: Priority | UnsetType | None = UNSET
    due: Due | UnsetType | None = UNSET

    def __post_init__(self) -> None:
        if self.due is not UNSET:
            due(self.due)

    def decide(self, state: Task | None, given: Given) -> Iterator[Event | Elsewhere]:
        task = in_use(state, given)
        if self.title is not UNSET and self.title != task.title:
            yield TaskRenamed(Change(task.title, self.title))
        if self.description is not UNSET and (self.description or "") != task.description:
            yield TaskDescribed(Change(task.description, self.description or ""))
        if self.priority is not UNSET and (self.priority or "none") != task.priority:
            yield TaskPrioritised(Change(task.priority, self.priority or "none"))
        if self.due is not UNSET and due(self.due) != task.due:
            yield DueDateSet(Change(task.due, due(self.due)))


class RenameTask(TaskCommand, frozen=True, kw_only=True):
    """Give a task another title."""

    must_name_version: ClassVar = True

    title: Title

    def decide(self, state: Task | None, given: Given) -> Iterator[Event | Elsewhere]:
        task = in_use(state, given)
        if self.title != task.title:
            yield TaskRenamed(Change(task.title, self.title))


class CompleteTask(TaskCommand, frozen=True, kw_only=True):
    """Mark a task as done."""

    def decide(self, state: Task | None, given: Given) -> Iterator[Event | Elsewhere]:
        task = in_use(state, given)
        if task.status == "open":
            yield TaskCompleted(task.project_id, task.column)


class ReopenTask(TaskCommand, frozen=True, kw_only=True):
    """Mark a task as not done after all."""

    def decide(self, state: Task | None, given: Given) -> Iterator[Event | Elsewhere]:
        task = in_use(state, given)
        if task.status == "done":
            yield TaskReopened(task.project_id, task.column)


class MoveTask(TaskCommand, frozen=True, kw_only=True):
    """Put a task into another column of its board, named by id or name."""

    must_name_version: ClassVar = True

    column: ColumnName

    def decide(self, state: Task | None, given: Given) -> Iterator[Event | Elsewhere]:
        task = in_use(state, given)
        project = project_of(task.project_id, given)
        column = column_in(project, self.column)
        if column.id != task.column:
            yield from leaving(task.project_id, project, task.column, given)
            yield from entering(task.project_id, project, column, given)
            yield TaskMoved(Change(task.project_id, task.project_id), Change(task.column, column.id), task.status)


class AssignTask(TaskCommand, frozen=True, kw_only=True):
    """Give a task to a member of its workspace too."""

    user_id: UUID

    def decide(self, state: Task | None, given: Given) -> Iterator[Event | Elsewhere]:
        task = in_use(state, given)
        if self.user_id in task.assignees:
            return
        check_member(task.workspace_id, self.user_id, given)
        if len(task.assignees) >= MOST_ASSIGNEES:
            raise TooManyAssignees(most=MOST_ASSIGNEES)
        yield TaskAssigned(self.user_id, Change(task.assignees, (*task.assignees, self.user_id)))


class UnassignTask(TaskCommand, frozen=True, kw_only=True):
    """Take a task from somebody, who may have left the workspace since."""

    user_id: UUID

    def decide(self, state: Task | None, given: Given) -> Iterator[Event | Elsewhere]:
        task = in_use(state, given)
        if self.user_id in task.assignees:
            others = tuple(user for user in task.assignees if user != self.user_id)
            yield TaskUnassigned(self.user_id, Change(task.assignees, others))


def check_member(workspace: UUID, user: UUID, given: Given) -> None:
    """Raise AssigneeIsNoMember unless the user is a member of the workspace, which the append asserts."""
    if given(Member, member_of(workspace, user)) is None:
        raise AssigneeIsNoMember(user_id=user)


def in_use(state: Task | None, given: Given) -> Task:
    """The task, unless nothing may change in it or its project: then raises TaskIsTrashed, or as `project_of` does."""
    task = present(state)
    project_of(task.project_id, given)
    if task.trashed:
        raise TaskIsTrashed
    return task


def project_of(project: UUID, given: Given) -> Project:
    """The project, which is open for changes; raises Purged, ProjectIsTrashed or ProjectIsArchived."""
    return open_for_change(given(Project, project))


def column_in(project: Project, wanted: str | None) -> Column:
    """The column of that name or id, the first one for None; raises UnknownColumn."""
    column = project.columns[0] if wanted is None else project.column(wanted)
    if column is None:
        raise UnknownColumn(columns=[column.id for column in project.columns])
    return column
