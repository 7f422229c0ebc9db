"""Commands about watching a task or a project: each is about the actor's own watch."""

from collections.abc import Iterator
from typing import ClassVar
from uuid import UUID

from commands.command import Command, DecisionContext, OtherStreamEvent, require_found
from domain.errors import Purged
from domain.event import Change, Event
from domain.project import Project
from domain.task import Task
from domain.watch import (
    ProjectWatch,
    ProjectWatchSet,
    TaskUnwatched,
    TaskWatch,
    TaskWatched,
    WatchLevel,
    project_watch_stream_id,
    task_watch_stream_id,
)


class TaskWatchCommand(Command[TaskWatch], frozen=True, kw_only=True):
    """A command about the actor's watch of a task, also of one in the trash."""

    state_type: ClassVar = TaskWatch
    may_create: ClassVar = True
    changed_fields: ClassVar = frozenset({"watching"})

    task_id: UUID | None = None

    def derive_target(self, user_id: UUID) -> UUID | None:
        return task_watch_stream_id(self.task_id, user_id) if self.task_id else None

    def resolve_workspace_id(self, state: TaskWatch | None, context: DecisionContext) -> UUID:
        return require_found(context(Task, require_found(self.task_id))).workspace_id


class WatchTask(TaskWatchCommand, frozen=True, kw_only=True):
    """Watch a task."""

    def decide(self, state: TaskWatch | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        task_id, task = _unpurged_task(self, context)
        before = state.watching if state else None
        if before is not True:
            yield TaskWatched(task_id, task.project_id, context.actor.user_id, Change(before, new=True))


class UnwatchTask(TaskWatchCommand, frozen=True, kw_only=True):
    """Stop watching a task: nothing that happens makes the actor watch it again."""

    def decide(self, state: TaskWatch | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        task_id, task = _unpurged_task(self, context)
        before = state.watching if state else None
        if before is not False:
            yield TaskUnwatched(task_id, task.project_id, context.actor.user_id, Change(before, new=False))


class ProjectWatchCommand(Command[ProjectWatch], frozen=True, kw_only=True):
    """A command about how much of a project the actor watches, also of one that is archived or in the trash."""

    state_type: ClassVar = ProjectWatch
    may_create: ClassVar = True

    project_id: UUID | None = None

    def derive_target(self, user_id: UUID) -> UUID | None:
        return project_watch_stream_id(self.project_id, user_id) if self.project_id else None

    def resolve_workspace_id(self, state: ProjectWatch | None, context: DecisionContext) -> UUID:
        return require_found(context(Project, require_found(self.project_id))).workspace_id


class WatchProject(ProjectWatchCommand, frozen=True, kw_only=True):
    """Watch all tasks of a project, those that the actor watches one by one (mine), or none."""

    level: WatchLevel

    def decide(self, state: ProjectWatch | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        yield from _set_level(self, state, self.level, context)


class UnwatchProject(ProjectWatchCommand, frozen=True, kw_only=True):
    """Watch a project at the default level again."""

    changed_fields: ClassVar = frozenset({"level"})

    def decide(self, state: ProjectWatch | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        yield from _set_level(self, state, None, context)


def _unpurged_task(command: TaskWatchCommand, context: DecisionContext) -> tuple[UUID, Task]:
    """The task, with its id; raises NotFound or Purged."""
    task_id = require_found(command.task_id)
    task = require_found(context(Task, task_id))
    if task.purged:
        raise Purged
    return task_id, task


def _set_level(
    command: ProjectWatchCommand, state: ProjectWatch | None, level: WatchLevel | None, context: DecisionContext
) -> Iterator[ProjectWatchSet]:
    """The event that sets another level; raises NotFound or Purged."""
    project_id = require_found(command.project_id)
    if require_found(context(Project, project_id)).purged:
        raise Purged
    before = state.level if state else None
    if before != level:
        yield ProjectWatchSet(project_id, context.actor.user_id, Change(before, level))
