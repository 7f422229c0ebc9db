"""Move a task on its board, or to another project."""

from collections.abc import Iterator
from typing import ClassVar
from uuid import UUID

from msgspec import UNSET, UnsetType

from commands.command import DecisionContext, OtherStreamEvent, require_found
from commands.field_types import ColumnName, TaskName
from commands.ranking import Placement, task_id_of
from commands.task_changes import place, require_column
from commands.task_command import TaskCommand, load_editable_project, require_editable_task
from commands.task_transfer import move_to_project, require_target_project
from domain.column import Column
from domain.errors import PlaceContradictsColumn
from domain.event import Event
from domain.project import Project
from domain.task import Task


class MoveTask(TaskCommand, frozen=True, kw_only=True):
    """Move a task to a column, or to another place in the order of its column, or to another project.

    A column is named by its id or name; the done column completes the task. Beside a task of another column, it is
    moved there. One that enters a column without a place goes to the bottom. In another project of the workspace it
    gets a new key and leaves its parent; what is below it goes along.
    """

    requires_version: ClassVar = True
    changed_fields: ClassVar = frozenset({"rank"})

    column: ColumnName | None = None
    project_id: UUID | UnsetType = UNSET
    before: TaskName | None = None
    after: TaskName | None = None
    top: bool = False
    bottom: bool = False

    def __post_init__(self) -> None:
        places = sum(map(bool, (self.before, self.after, self.top, self.bottom)))
        if places > 1:
            raise ValueError("can name one of before, after, top and bottom")
        if not (self.column or self.project_id or places):
            raise ValueError("must name a column, a project, or one of before, after, top and bottom")

    @property
    def placement(self) -> Placement | None:
        """The place in the order that it names, if any; raises NotFound for the key of an unknown task."""
        if name := self.before or self.after:
            return Placement("before" if self.before else "after", task_id_of(name))
        return Placement("top" if self.top else "bottom") if self.top or self.bottom else None

    def needs_version(self, state: Task | None, context: DecisionContext) -> bool:
        task = require_found(state)
        if self._is_to_another_project(task):
            return True
        return self._column(task, load_editable_project(task.project_id, context), context).id != task.column

    def decide(self, state: Task | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        task = require_editable_task(state, context)
        if self.project_id and self._is_to_another_project(task):
            target = require_target_project(self.project_id, task, context)
            column = self._wanted_column(target, context)
            yield from move_to_project(context.target, task, self.project_id, column, self.placement, context)
            return
        project = load_editable_project(task.project_id, context)
        wanted_column = self._column(task, project, context)
        yield from place(context.target, task, project, context, column=wanted_column, placement=self.placement)

    def _is_to_another_project(self, task: Task) -> bool:
        return self.project_id not in {UNSET, task.project_id}

    def _column(self, task: Task, project: Project, context: DecisionContext) -> Column:
        wanted = self._wanted_column(project, context)
        return wanted or project.find_column_by_id(task.column) or Column(task.column, task.column)

    def _wanted_column(self, project: Project, context: DecisionContext) -> Column | None:
        """The column that is named, or that of the task beside, if any; raises PlaceContradictsColumn."""
        named = require_column(project, self.column) if self.column else None
        beside = self.placement.beside if self.placement else None
        if beside is None:
            return named
        column_id = require_found(context(Task, beside)).column
        column = project.find_column_by_id(column_id) or Column(column_id, column_id)
        if named not in {None, column}:
            raise PlaceContradictsColumn(column=self.column, beside=beside)
        return column
