"""What may be asked of the trash: tasks and projects go into it, come out of it, and are gone in time."""

from collections.abc import Iterator
from typing import ClassVar

from commands.column import entering, leaving
from commands.command import FOR_GOOD, TO_CLOSE, Elsewhere, Given, present
from commands.field_types import ColumnName
from commands.project import ProjectCommand
from commands.task import TaskCommand, column_in, project_of
from domain.errors import NotTrashed
from domain.event import Change, Event
from domain.project import Project, ProjectPurged, ProjectTrashed
from domain.task import Task, TaskPurged, TaskRestored, TaskTrashed


class TrashTask(TaskCommand, frozen=True, kw_only=True):
    """Put a task into the trash."""

    must_name_version: ClassVar = True
    past_the_end: ClassVar = TO_CLOSE

    def decide(self, state: Task | None, given: Given) -> Iterator[Event | Elsewhere]:
        task = present(state)
        project = project_of(task.project_id, given)
        if not task.trashed:
            yield from leaving(task.project_id, project, task.column, given)
            yield TaskTrashed(task.project_id, task.column, task.status, title=task.title, key=task.key)


class RestoreTask(TaskCommand, frozen=True, kw_only=True):
    """Take a task out of the trash: to where it was (the first column, if that is gone), or into the column named."""

    past_the_end: ClassVar = TO_CLOSE

    column: ColumnName | None = None

    def decide(self, state: Task | None, given: Given) -> Iterator[Event | Elsewhere]:
        task = present(state)
        project = project_of(task.project_id, given)
        if task.trashed:
            column = project.column_with(task.column) if self.column is None else None
            column = column or column_in(project, self.column)
            yield from entering(task.project_id, project, column, given)
            yield TaskRestored(task.project_id, Change(task.column, column.id), task.status)


class PurgeTask(TaskCommand, frozen=True, kw_only=True):
    """Let a task in the trash, or of a project that is gone, be gone: what the installation does by itself in time."""

    must_name_version: ClassVar = True
    in_batches: ClassVar = False
    past_the_end: ClassVar = FOR_GOOD

    def decide(self, state: Task | None, given: Given) -> Iterator[Event | Elsewhere]:
        task = present(state)
        if not task.trashed and not present(given(Project, task.project_id)).purged:
            raise NotTrashed
        yield TaskPurged(task.project_id)


class TrashProject(ProjectCommand, frozen=True, kw_only=True):
    """Put a project into the trash, with all that is in it."""

    must_name_version: ClassVar = True
    past_the_end: ClassVar = TO_CLOSE

    def decide(self, state: Project | None, given: Given) -> Iterator[Event | Elsewhere]:
        project = present(state)
        if not project.trashed:
            yield ProjectTrashed(project.name, project.key)


class PurgeProject(ProjectCommand, frozen=True, kw_only=True):
    """Let a project that is in the trash be gone: what the installation does by itself when its time is over."""

    must_name_version: ClassVar = True
    in_batches: ClassVar = False
    past_the_end: ClassVar = FOR_GOOD

    def decide(self, state: Project | None, given: Given) -> Iterator[Event | Elsewhere]:
        if not present(state).trashed:
            raise NotTrashed
        yield ProjectPurged()
