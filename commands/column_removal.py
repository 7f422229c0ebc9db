"""The removal of columns: what becomes of their tasks."""

from collections.abc import Iterator, Mapping, Sequence

from commands.column_counts import enter_column
from commands.command import DecisionContext, OtherStreamEvent
from commands.ranking import BOTTOM, rank_change, take_rank
from commands.task_changes import status_events
from commands.task_tree import for_stream
from commands.validation import quoted
from domain.column import Column
from domain.errors import ColumnHasTasks, ColumnStays, TooManyTasksToMove, UnknownColumn
from domain.event import Change
from domain.project import Project
from domain.task import Task, TaskMoved, TaskStatus

MAX_MOVED_TASKS = 1_000
"""The most tasks that leave one column in one command: they are written together."""


def require_no_tasks(context: DecisionContext, column_ids: Sequence[str]) -> None:
    """Raise ColumnHasTasks, with a count for each, if there are tasks in these columns of the target."""
    counts = {column: context.column_tasks(context.target, column).total for column in column_ids}
    found = {column: total for column, total in counts.items() if total}
    if found:
        raise ColumnHasTasks(tasks=found)


def resolve_moves(project: Project, columns: Sequence[Column], moves: Mapping[str, str]) -> dict[str, Column]:
    """The columns to which tasks go, by the id of the column that they leave; raises UnknownColumn or ColumnStays."""
    board = project.with_columns(columns)
    resolved = dict[str, Column]()
    for source, name in moves.items():
        known = project.find_column(source)
        column_id = known.id if known else project.find_former_column_id(source)
        target = board.find_column(name)
        if column_id is None or target is None:
            wrong, known_columns = (source, project.columns) if column_id is None else (name, board.columns)
            known_ids = [column.id for column in known_columns]
            raise UnknownColumn(f"The project has no column {quoted(wrong)}.", column=wrong, columns=known_ids)
        if board.find_column_by_id(column_id):
            raise ColumnStays(column=column_id)
        resolved[column_id] = target
    return resolved


def move_all_tasks(
    board: Project, column_id: str, target: Column, context: DecisionContext, *, is_counted: bool
) -> Iterator[OtherStreamEvent]:
    """The events of all tasks of a removed column, which go to another; raises TooManyTasksToMove or ColumnIsFull.

    They are completed if it is the done column; otherwise they stay as they are.

    A column that gets its limit only now is not counted yet: it is counted after this.
    """
    tasks = context.column_tasks(context.target, column_id)
    if tasks.total > MAX_MOVED_TASKS:
        raise TooManyTasksToMove(column=column_id, tasks=tasks.total, most=MAX_MOVED_TASKS)
    for task_id in tasks.ids:
        task = context(Task, task_id)
        if task is None or not task.is_on_board or (task.project_id, task.column) != (context.target, column_id):
            continue
        if is_counted:
            yield from enter_column(context.target, board, target, context)
        status: TaskStatus = "done" if target.done else task.status
        yield from for_stream(task_id, status_events(task_id, task, board, status, column_id, context))
        project_id = Change(task.project_id, task.project_id)
        ranked = rank_change(task_id, task, BOTTOM, context)
        yield OtherStreamEvent(task_id, TaskMoved(project_id, Change(column_id, target.id), status, ranked))
        yield from take_rank(task_id, task.project_id, ranked, context)
