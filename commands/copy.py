"""Commands that copy: duplicate a task, and copy a project, alone or with its tasks."""

from collections import Counter
from collections.abc import Iterator
from typing import Annotated, ClassVar
from uuid import UUID

from msgspec import Meta
from msgspec.structs import replace

from commands.column_counts import enter_column, limited_column_ids
from commands.command import DecisionContext, OtherStreamEvent, require_found
from commands.custom_field_copies import FieldCopies
from commands.field_types import Name, NewId, ProjectKeyText, require_uuid7
from commands.project import ProjectCommand, reserve_key
from commands.subtask import placed
from commands.task_command import TaskCommand, load_editable_project, require_editable_task
from commands.task_copy import CopiedTree
from commands.task_tree import ancestors_of, load_subtasks, load_tree
from domain.column import ColumnCount, ColumnCounted, column_stream_id
from domain.errors import ProjectIsTrashed, Purged, TooManyTasksToCopy
from domain.event import Change, Event
from domain.project import ArchiveRuleSet, ColumnsSet, Project, ProjectCreated, ProjectFieldsSet
from domain.rank import Ranks, ranks_stream_id
from domain.subtask import TaskTree, tree_stream_id
from domain.task import Task, TaskCreated, TaskNumbers, TaskNumbersTaken, task_numbers_stream_id

MAX_COPIED_TASKS = 1_000
"""The most tasks of a project that are copied with it: they are written together."""


class DuplicateTask(TaskCommand, frozen=True, kw_only=True):
    """Duplicate a task: a new one below the same parent, open, with all but its comments, attachments and checks.

    With `subtasks`, the tasks below it are duplicated too.
    """

    creates: ClassVar = True

    id: NewId | None = None
    task_id: UUID | None = None
    subtasks: Annotated[bool, Meta(description="Duplicate the tasks below it too.")] = False

    def __post_init__(self) -> None:
        require_uuid7(self.id)

    def resolve_workspace_id(self, state: Task | None, context: DecisionContext) -> UUID:
        return require_found(context(Task, require_found(self.task_id))).workspace_id

    def decide(self, state: Task | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        source_id = require_found(self.task_id)
        task = require_editable_task(context(Task, source_id), context)
        project = load_editable_project(task.project_id, context)
        below = load_subtasks(source_id, task.project_id, context) if self.subtasks else []
        sources = {source_id: task, **{subtask_id: subtask for subtask_id, subtask in below if subtask.is_on_board}}
        tree = CopiedTree(
            sources,
            {source: context.target if source == source_id else context.new_id() for source in sources},
            {source: context.allocate_task_number(task.project_id) for source in sources},
            (task.project_id, project),
            _load_ranks(task.project_id, context),
            ancestors_of(source_id, task, context),
        )
        for new_id, created in tree.events(context):
            column = require_found(project.find_column_by_id(created.column))
            yield from enter_column(task.project_id, project, column, context)
            yield from _created(new_id, created)


class CopyProject(ProjectCommand, frozen=True, kw_only=True):
    """Copy a project, archived or not: its board, limits, custom fields and rules; with `tasks`, those on its board.

    Tasks are copied as `DuplicateTask` does it, in their order, with keys from 1: all or, beyond 1,000, none.
    """

    creates: ClassVar = True

    id: NewId | None = None
    project_id: UUID | None = None
    name: Name
    key: ProjectKeyText
    tasks: Annotated[bool, Meta(description="Copy the tasks on its board too, up to 1,000.")] = False

    def __post_init__(self) -> None:
        require_uuid7(self.id)

    def resolve_workspace_id(self, state: Project | None, context: DecisionContext) -> UUID:
        return require_found(context(Project, require_found(self.project_id))).workspace_id

    def decide(self, state: Project | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        source_id = require_found(self.project_id)
        source = _require_copyable(context(Project, source_id))
        yield from reserve_key(source.workspace_id, self.key, context)
        yield ProjectCreated(source.workspace_id, self.name, self.key, source.columns)
        if source.wip != "warn":
            yield ColumnsSet(Change(source.columns, source.columns), Change("warn", source.wip))
        fields = FieldCopies.of(source.fields, context)
        if fields.copies:
            yield ProjectFieldsSet(Change((), fields.copies))
        if source.archive_after is not None:
            yield ArchiveRuleSet(Change(None, source.archive_after))
        counts = Counter[str]()
        if self.tasks:
            copy = replace(source, name=self.name, key=self.key)
            for new_id, created in _copied_tree(source_id, copy, fields, context).events(context):
                counts[created.column] += 1
                yield from _created(new_id, created)
            yield from _take_numbers(counts.total(), context)
        for column_id in sorted(limited_column_ids(source.columns)):
            guard = column_stream_id(context.target, column_id)
            context(ColumnCount, guard)
            yield OtherStreamEvent(guard, ColumnCounted(counts[column_id]))


def _require_copyable(project: Project | None) -> Project:
    project = require_found(project)
    if project.purged:
        raise Purged
    if project.trashed:
        raise ProjectIsTrashed
    return project


def _copied_tree(source_id: UUID, copy: Project, fields: FieldCopies, context: DecisionContext) -> CopiedTree:
    """The tasks on the board of a project, for its copy; raises TooManyTasksToCopy."""
    found = context.board_tasks(source_id)
    if found.total > MAX_COPIED_TASKS:
        raise TooManyTasksToCopy(tasks=found.total, most=MAX_COPIED_TASKS)
    tree = load_tree(source_id, context)
    task_ids = sorted(found.ids, key=lambda each: len(tree.ancestors_of(each)))
    states = zip(task_ids, context.load_all(Task, task_ids), strict=True)
    sources = {each: task for each, task in states if task and task.project_id == source_id and task.is_on_board}
    return CopiedTree(
        sources,
        {source: context.new_id() for source in sources},
        {source: number for number, source in enumerate(sorted(sources, key=lambda each: _number(sources[each])), 1)},
        (context.target, copy),
        _load_ranks(source_id, context),
        values={source: fields.carried(task.fields) for source, task in sources.items()},
    )


def _take_numbers(count: int, context: DecisionContext) -> Iterator[OtherStreamEvent]:
    """The numbers of the first tasks of a project."""
    guard = task_numbers_stream_id(context.target)
    context(TaskNumbers, guard)
    context(TaskTree, tree_stream_id(context.target))
    if count:
        yield OtherStreamEvent(guard, TaskNumbersTaken(1, count))


def _created(new_id: UUID, created: TaskCreated) -> Iterator[OtherStreamEvent]:
    yield OtherStreamEvent(new_id, created)
    if created.parent_id:
        yield placed(new_id, created.project_id, Change(None, created.parent_id))


def _number(task: Task) -> int:
    return int(task.key.rpartition("-")[2])


def _load_ranks(project_id: UUID, context: DecisionContext) -> Ranks:
    return context(Ranks, ranks_stream_id(project_id)) or Ranks()
