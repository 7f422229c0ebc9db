"""Column counts: the events of tasks that enter and leave a column with a limit."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from commands.command import DecisionContext, OtherStreamEvent
from domain.column import Column, ColumnCount, ColumnCounted, column_stream_id
from domain.errors import ColumnIsFull, ColumnNotCounted
from domain.project import Project


def enter_column(
    project_id: UUID, project: Project, column: Column, context: DecisionContext
) -> Iterator[OtherStreamEvent]:
    """The events of a task that enters; raises ColumnNotCounted, or ColumnIsFull if the project refuses then."""
    if column.wip_limit is None:
        return
    guard = column_stream_id(project_id, column.id)
    column_count = context(ColumnCount, guard)
    if column_count is None or column_count.tasks is None:
        raise ColumnNotCounted(project=project_id, column=column.id)
    if column_count.tasks >= column.wip_limit:
        if project.wip == "refuse":
            raise ColumnIsFull(column=column.id, limit=column.wip_limit, tasks=column_count.tasks)
        context.warn(ColumnIsFull(column=column.id, limit=column.wip_limit, tasks=column_count.tasks + 1))
    yield OtherStreamEvent(guard, ColumnCounted(column_count.tasks + 1))


def leave_column(
    project_id: UUID, project: Project, column_id: str, context: DecisionContext
) -> Iterator[OtherStreamEvent]:
    """The events of a task that leaves. An uncounted column gets one too, which invalidates a count in progress."""
    if column_id in limited_column_ids(project.columns):
        guard = column_stream_id(project_id, column_id)
        column_count = context(ColumnCount, guard)
        yield OtherStreamEvent(
            guard, ColumnCounted(column_count.tasks - 1 if column_count and column_count.tasks is not None else None)
        )


def is_counted(count: ColumnCount | None) -> bool:
    """Whether the column has a count."""
    return count is not None and count.tasks is not None


def limited_column_ids(columns: Sequence[Column]) -> set[str]:
    """The ids of the columns that have a limit."""
    return {column.id for column in columns if column.wip_limit is not None}
