"""What may be asked of a task."""

from collections.abc import Iterator
from typing import ClassVar
from uuid import UUID

from msgspec import UNSET, UnsetType

from commands.command import Command, Elsewhere, Given, present
from commands.form import ColumnName, Description, Due, Labels, Title, due, own_id
from domain.errors import TaskIsTrashed, UnknownColumn
from domain.event import Change, Event
from domain.project import Project
from domain.task import (
    DueDateSet,
    Priority,
    Task,
    TaskCompleted,
    TaskCreated,
    TaskDescribed,
    TaskMoved,
    TaskPrioritised,
    TaskRenamed,
    TaskReopened,
    TaskTrashed,
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

    def __post_init__(self) -> None:
        own_id(self.id)
        due(self.due)

    def workspace(self, state: Task | None, given: Given) -> UUID:
        return present(given(Project, present(self.project_id))).workspace_id

    def decide(self, state: Task | None, given: Given) -> Iterator[Event | Elsewhere]:
        project_id = present(self.project_id)
        project = present(given(Project, project_id))
        column = column_id(project, self.column)
        number = given.number(project_id)
        yield TaskCreated(
            workspace_id=project.workspace_id,
            project_id=project_id,
            number=number,
            key=f"{project.key}-{number}",
            title=self.title,
            column=column,
            description=self.description or "",
            priority=self.priority or "none",
            due=due(self.due),
            labels=tuple(dict.fromkeys(self.labels)),
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
        task = in_use(state)
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
        task = in_use(state)
        if self.title != task.title:
            yield TaskRenamed(Change(task.title, self.title))


class CompleteTask(TaskCommand, frozen=True, kw_only=True):
    """Mark a task as done."""

    def decide(self, state: Task | None, given: Given) -> Iterator[Event | Elsewhere]:
        task = in_use(state)
        if task.status == "open":
            yield TaskCompleted(task.project_id, task.column)


class ReopenTask(TaskCommand, frozen=True, kw_only=True):
    """Mark a task as not done after all."""

    def decide(self, state: Task | None, given: Given) -> Iterator[Event | Elsewhere]:
        task = in_use(state)
        if task.status == "done":
            yield TaskReopened(task.project_id, task.column)


class MoveTask(TaskCommand, frozen=True, kw_only=True):
    """Put a task into another column of its board, named by id or name."""

    must_name_version: ClassVar = True

    column: ColumnName

    def decide(self, state: Task | None, given: Given) -> Iterator[Event | Elsewhere]:
        task = in_use(state)
        column = column_id(present(given(Project, task.project_id)), self.column)
        if column != task.column:
            yield TaskMoved(Change(task.project_id, task.project_id), Change(task.column, column), task.status)


class TrashTask(TaskCommand, frozen=True, kw_only=True):
    """Put a task into the trash."""

    must_name_version: ClassVar = True

    def decide(self, state: Task | None, given: Given) -> Iterator[Event | Elsewhere]:
        task = present(state)
        if not task.trashed:
            yield TaskTrashed(task.project_id, task.column, task.status)


def in_use(state: Task | None) -> Task:
    """The task, unless it is in the trash: then raises TaskIsTrashed."""
    task = present(state)
    if task.trashed:
        raise TaskIsTrashed
    return task


def column_id(project: Project, wanted: str | None) -> str:
    """The id of the column of that name or id, of the first one for None; raises UnknownColumn."""
    column = project.columns[0] if wanted is None else project.column(wanted)
    if column is None:
        raise UnknownColumn(columns=[column.id for column in project.columns])
    return column.id
