"""Commands about the columns of a board, and the counting of tasks that enter and leave a column with a limit."""

import re
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Annotated, ClassVar
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from commands.command import DecisionContext, OtherStreamEvent, require_found
from commands.field_types import ColumnName, WipLimit
from commands.project import ProjectCommand, require_editable_project
from domain.column import Column, ColumnCount, ColumnCounted, column_stream_id
from domain.errors import ColumnIsFull, ColumnNotCounted, ColumnRepeated, UnknownColumn
from domain.event import Change, Event
from domain.project import ColumnsSet, Project, WipPolicy

MAX_COLUMN_ID_CHARACTERS = 40


class ColumnSpec(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A column as requested: an existing one, by its id or name, or a new one."""

    name: ColumnName
    id: Annotated[str, Meta(min_length=1, max_length=MAX_COLUMN_ID_CHARACTERS)] | None = None
    wip_limit: WipLimit | None = None


class SetColumns(ProjectCommand, frozen=True, kw_only=True):
    """Set the columns of a board, in order, and whether a full one warns or refuses.

    A column that is left out accepts no more tasks. Its tasks stay there until they are moved, and its id restores
    it.
    """

    requires_version: ClassVar = True

    columns: Annotated[tuple[ColumnSpec, ...], Meta(min_length=1, max_length=50)]
    wip: WipPolicy | UnsetType = UNSET

    def decide(self, state: Project | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        project = require_editable_project(state)
        columns = _resolve_columns(project, self.columns)
        wip = project.wip if self.wip is UNSET else self.wip
        if (columns, wip) == (project.columns, project.wip):
            return
        for column in sorted(_limited_column_ids(project.columns) ^ _limited_column_ids(columns)):
            guard = column_stream_id(context.target, column)
            context(ColumnCount, guard)
            yield OtherStreamEvent(guard, ColumnCounted(None))
        yield ColumnsSet(Change(project.columns, columns), Change(project.wip, wip))


class CountColumn(ProjectCommand, frozen=True, kw_only=True):
    """Record how many tasks are in a column with a limit, as counted when its guard stream was at version `seen`.

    Writes nothing if the column has no limit, is counted already, or a task has entered or left since.
    """

    is_batchable: ClassVar = False

    column: str
    tasks: int
    seen: int

    def decide(self, state: Project | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        guard = column_stream_id(context.target, self.column)
        is_wanted = self.column in _limited_column_ids(require_found(state).columns) and not is_counted(
            context(ColumnCount, guard)
        )
        if is_wanted and context.version(guard) == self.seen:
            yield OtherStreamEvent(guard, ColumnCounted(self.tasks))


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
    if column_id in _limited_column_ids(project.columns):
        guard = column_stream_id(project_id, column_id)
        column_count = context(ColumnCount, guard)
        yield OtherStreamEvent(
            guard, ColumnCounted(column_count.tasks - 1 if column_count and column_count.tasks is not None else None)
        )


def is_counted(count: ColumnCount | None) -> bool:
    """Whether the column has a count."""
    return count is not None and count.tasks is not None


def _limited_column_ids(columns: Sequence[Column]) -> set[str]:
    return {column.id for column in columns if column.wip_limit is not None}


def _resolve_columns(project: Project, specs: Sequence[ColumnSpec]) -> tuple[Column, ...]:
    """The columns with their ids; raises UnknownColumn or ColumnRepeated."""
    given_ids = [one.id for one in specs if one.id is not None]
    known = [*(column.id for column in project.columns), *project.removed]
    if not set(given_ids) <= set(known):
        raise UnknownColumn(columns=known)
    names = [one.name.casefold() for one in specs]
    if len(set(given_ids)) < len(given_ids) or len(set(names)) < len(names):
        raise ColumnRepeated
    unclaimed_ids = {column.name.casefold(): column.id for column in project.columns if column.id not in given_ids}
    used_ids = set(known)
    return tuple(
        Column(
            one.id or unclaimed_ids.get(one.name.casefold()) or _new_column_id(one.name, used_ids),
            one.name,
            one.wip_limit,
        )
        for one in specs
    )


def _new_column_id(name: str, used_ids: set[str]) -> str:
    """An id that no column of the project ever had; it is added to the used ones."""
    slug = re.sub(r"\W+", "-", name.casefold()).strip("-")[: MAX_COLUMN_ID_CHARACTERS - 6] or "column"
    new_id = next(each for number in count(1) if (each := slug if number == 1 else f"{slug}-{number}") not in used_ids)
    used_ids.add(new_id)
    return new_id
