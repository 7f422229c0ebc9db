"""Moving a task back to the project that it came from, where its key is still its own."""

from collections.abc import Collection, Iterator, Sequence
from typing import Final
from uuid import UUID

from msgspec.structs import replace

from commands.column_counts import enter_column, leave_column
from commands.command import DecisionContext, OtherStreamEvent, require_found
from commands.ranking import Placement, present_rank, rank_change, take_rank
from commands.revert.restoration import Restoration
from commands.subtask import placed
from commands.task_changes import require_column
from commands.task_command import load_editable_project
from commands.task_transfer import require_status_fits, require_target_project
from commands.task_tree import load_tree
from domain.event import Change, Event
from domain.task import Task, TaskMovedToProject

_PLACE: Final = {"project_id", "key", "column", "rank", "fields"}


def transfer_back(
    task_id: UUID, task: Task, wanted: Task, context: DecisionContext
) -> Iterator[Event | OtherStreamEvent]:
    """The events of a task that gets its former project, key, column, rank and custom fields.

    Raises StatusContradictsColumn, UnknownColumn, ColumnIsFull, or what the checks of the projects raise.
    """
    source_id, target_id = task.project_id, wanted.project_id
    source = load_editable_project(source_id, context)
    target = require_target_project(target_id, task, context)
    column = require_status_fits(wanted, target, require_column(target, wanted.column))
    if task.is_on_board:
        yield from leave_column(source_id, source, task.column, context)
        yield from enter_column(target_id, target, column, context)
    old_rank = present_rank(task_id, task, context)
    there = replace(task, project_id=target_id, rank="")
    new_rank = rank_change(task_id, there, Placement("former", former=wanted), context).new
    yield TaskMovedToProject(
        project_id=Change(source_id, target_id),
        key=Change(task.key, wanted.key),
        column=Change(task.column, column.id),
        rank=Change(old_rank, new_rank),
        fields=Change(task.fields, wanted.fields),
        number=int(wanted.key.rpartition("-")[2]),
        status=task.status,
        title=task.title,
        is_on_board=task.is_on_board,
    )
    yield from take_rank(task_id, source_id, Change(old_rank, ""), context)
    yield from take_rank(task_id, target_id, Change("", new_rank), context)
    if task.parent_id is not None:
        yield placed(task_id, source_id, Change(task.parent_id, None))
        yield placed(task_id, target_id, Change(None, task.parent_id))


def with_whole_trees(restorations: Sequence[Restoration], context: DecisionContext) -> list[Restoration]:
    """The same; a task whose tree would be torn apart, or whose place there has changed, collides as a whole."""
    moving = {one.stream: one for one in restorations if "project_id" in one.values}
    replaced = {one.stream for one in restorations if "parent_id" in one.values}
    is_torn = any(_is_torn(one, moving, replaced, context) for one in moving.values())
    return [_without_transfer(one, context) if is_torn and one.stream in moving else one for one in restorations]


def _is_torn(one: Restoration, moving: Collection[UUID], replaced: Collection[UUID], context: DecisionContext) -> bool:
    """Whether a task that moves leaves one below or above it behind; `replaced` are those that get another parent."""
    task = require_found(context(Task, one.stream))
    tree = load_tree(task.project_id, context)
    staying = [each for each in tree.iter_below(one.stream) if each not in moving]
    stays_below = task.parent_id is not None and one.stream not in replaced and task.parent_id not in moving
    return (
        bool(_PLACE & set(one.collisions))
        or stays_below
        or any({each, *tree.ancestors_of(each)}.isdisjoint(replaced) for each in staying)
    )


def _without_transfer(one: Restoration, context: DecisionContext) -> Restoration:
    present, left_out = context(Task, one.stream), {*_PLACE, "parent_id"}
    values = {name: value for name, value in one.values.items() if name not in left_out}
    wanted = replace(require_found(one.wanted), **{name: getattr(present, name) for name in left_out})
    return replace(one, values=values, wanted=wanted, collisions=(*one.collisions, "project_id"))
