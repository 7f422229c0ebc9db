"""Moving a task to another project of its workspace, with all that is below it."""

from collections.abc import Iterator
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from commands.column_counts import enter_column, leave_column
from commands.command import DecisionContext, OtherStreamEvent, require_found
from commands.ranking import BOTTOM, Placement, present_rank, rank_change, take_rank
from commands.subtask import leave_parent, placed
from commands.task_command import load_editable_project
from commands.task_tree import for_stream, load_subtasks
from domain.column import Column
from domain.custom_field import carried_values
from domain.errors import StatusContradictsColumn
from domain.event import Change, Event, fold
from domain.project import Project
from domain.task import Task, TaskMovedToProject


class Transfer(Struct, frozen=True):
    """From one project to another, each with its id."""

    source_id: UUID
    source: Project
    target_id: UUID
    target: Project

    @property
    def project_id(self) -> Change[UUID]:
        return Change(self.source_id, self.target_id)


def move_to_project(  # noqa: PLR0913, PLR0917 - where from, and where to
    task_id: UUID,
    task: Task,
    target_id: UUID,
    wanted: Column | None,
    placement: Placement | None,
    context: DecisionContext,
) -> Iterator[Event | OtherStreamEvent]:
    """The events of a task that leaves its project, and its parent, with what is below it.

    Each task gets a new key, and goes to the column of the same name if there is one. Its status stays: an open task
    does not go to a done column, and one that is done goes there.

    Raises NotFound for a project of another workspace, StatusContradictsColumn or ColumnIsFull.
    """
    target = require_target_project(target_id, task, context)
    transfer = Transfer(task.project_id, load_editable_project(task.project_id, context), target_id, target)
    below = load_subtasks(task_id, task.project_id, context)
    alone = list(leave_parent(task_id, task, below, context))
    yield from alone
    root = fold(Task, [event for event in alone if isinstance(event, Event)], task) or task
    column = require_status_fits(root, target, wanted) if wanted else _column_for(root, transfer)
    yield from _move(task_id, root, transfer, column, placement or BOTTOM, context)
    for subtask_id, subtask in below:
        moved = _move(subtask_id, subtask, transfer, _column_for(subtask, transfer), BOTTOM, context)
        yield from for_stream(subtask_id, moved)
        yield placed(subtask_id, transfer.source_id, Change(subtask.parent_id, None))
        yield placed(subtask_id, target_id, Change(None, subtask.parent_id))


def require_target_project(project_id: UUID, task: Task, context: DecisionContext) -> Project:
    """The project, if the task can go there; raises NotFound, or what the project's check raises."""
    project = require_found(context(Project, project_id))
    require_found((project.workspace_id == task.workspace_id) or None)
    return load_editable_project(project_id, context)


def _move(  # noqa: PLR0913, PLR0917 - as above
    task_id: UUID, task: Task, transfer: Transfer, column: Column, placement: Placement, context: DecisionContext
) -> Iterator[Event | OtherStreamEvent]:
    if task.is_on_board:
        yield from leave_column(transfer.source_id, transfer.source, task.column, context)
        yield from enter_column(transfer.target_id, transfer.target, column, context)
    old_rank = present_rank(task_id, task, context)
    there = replace(task, project_id=transfer.target_id, rank="")
    new_rank = rank_change(task_id, there, placement, context).new
    number = context.allocate_task_number(transfer.target_id)
    values = carried_values(task.fields, transfer.source.fields, transfer.target.fields)
    yield TaskMovedToProject(
        project_id=transfer.project_id,
        key=Change(task.key, f"{transfer.target.key}-{number}"),
        column=Change(task.column, column.id),
        rank=Change(old_rank, new_rank),
        fields=Change(task.fields, values),
        number=number,
        status=task.status,
        title=task.title,
        is_on_board=task.is_on_board,
    )
    yield from take_rank(task_id, transfer.source_id, Change(old_rank, ""), context)
    yield from take_rank(task_id, transfer.target_id, Change("", new_rank), context)


def require_status_fits(task: Task, target: Project, column: Column) -> Column:
    """The column, if a task of that status may be in it; raises StatusContradictsColumn."""
    if target.done_column and column.done != (task.status == "done"):
        raise StatusContradictsColumn(column=column.id, status=task.status)
    return column


def _column_for(task: Task, transfer: Transfer) -> Column:
    """The done column for a task that is done, else the column of the same name, or the first one."""
    target = transfer.target
    if task.status == "done" and target.done_column:
        return target.done_column
    present = transfer.source.find_column_by_id(task.column)
    same = target.find_column(present.name) if present else None
    if same and not same.done:
        return same
    return next((column for column in target.columns if not column.done), target.columns[0])
