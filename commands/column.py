"""Commands about the columns of a board."""

import re
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Annotated, ClassVar

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import replace

from commands.column_counts import is_counted, limited_column_ids
from commands.column_removal import move_all_tasks, require_no_tasks, resolve_moves
from commands.command import DecisionContext, OtherStreamEvent, require_found
from commands.field_types import ColumnName, WipLimit
from commands.project import ProjectCommand, require_editable_project
from commands.validation import quoted
from domain.column import Column, ColumnCount, ColumnCounted, column_stream_id, comparable_name
from domain.errors import ColumnRepeated, SeveralDoneColumns, UnknownColumn
from domain.event import Change, Event
from domain.project import ColumnsSet, Project, WipPolicy

MAX_COLUMN_ID_CHARACTERS = 40
_MOVE_DESCRIPTION = "For a column that is left out, by its id or name: the column to which its tasks go."
ColumnMoves = Annotated[
    dict[ColumnName, ColumnName], Meta(max_length=50, description=_MOVE_DESCRIPTION, examples=[{"doing": "todo"}])
]


class ColumnSpec(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A column as requested: an existing one, by its id or name, or a new one."""

    name: ColumnName
    id: Annotated[str, Meta(min_length=1, max_length=MAX_COLUMN_ID_CHARACTERS)] | None = None
    wip_limit: WipLimit | None = None
    done: Annotated[bool, Meta(description="Tasks that enter it are completed; completed tasks go there.")] = False


class SetColumns(ProjectCommand, frozen=True, kw_only=True):
    """Set the columns of a board, in order, and whether a full one warns or refuses.

    A column that is left out must have no tasks, unless `move` says which column they go to, or `keep` that they stay
    there until they are moved. It takes no further tasks, and its id restores it; so does its name while it has tasks.
    """

    requires_version: ClassVar = True

    columns: Annotated[tuple[ColumnSpec, ...], Meta(min_length=1, max_length=50)]
    wip: WipPolicy | UnsetType = UNSET
    move: ColumnMoves | None = None
    keep: Annotated[bool, Meta(description="Let tasks stay in the columns that are left out.")] = False

    def decide(self, state: Project | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        project = require_editable_project(state)
        columns = _resolve_columns(project, self._with_former_ids(project, context))
        wip = project.wip if self.wip is UNSET else self.wip
        moves = resolve_moves(project, columns, self.move or {})
        if not self.keep:
            remaining = {column.id for column in columns} | moves.keys()
            require_no_tasks(context, [column.id for column in project.columns if column.id not in remaining])
        if (columns, wip) != (project.columns, project.wip):
            yield from self._decide_columns(project, columns, wip, context)
        board = replace(project, columns=columns, wip=wip)
        counted = limited_column_ids(project.columns)
        for column_id, target in moves.items():
            yield from move_all_tasks(board, column_id, target, context, is_counted=target.id in counted)

    def _with_former_ids(self, project: Project, context: DecisionContext) -> Sequence[ColumnSpec]:
        """The columns as requested; one that has the name of a removed column with tasks is that column again."""
        emptied = {project.find_former_column_id(source) for source in self.move or {}}
        taken = {one.id for one in self.columns} | emptied
        former = {
            place: column_id
            for place, one in enumerate(self.columns)
            if one.id is None
            and project.find_column(one.name) is None
            and (column_id := project.find_removed_id_by_name(one.name)) not in {None, *taken}
            and context.column_tasks(context.target, str(column_id)).total
        }
        return [replace(one, id=former[place]) if place in former else one for place, one in enumerate(self.columns)]

    def _decide_columns(
        self, project: Project, columns: tuple[Column, ...], wip: WipPolicy, context: DecisionContext
    ) -> Iterator[Event | OtherStreamEvent]:
        for column in sorted(limited_column_ids(project.columns) ^ limited_column_ids(columns)):
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
        is_wanted = self.column in limited_column_ids(require_found(state).columns) and not is_counted(
            context(ColumnCount, guard)
        )
        if is_wanted and context.version(guard) == self.seen:
            yield OtherStreamEvent(guard, ColumnCounted(self.tasks))


def _resolve_columns(project: Project, specs: Sequence[ColumnSpec]) -> tuple[Column, ...]:
    """The columns with their ids; raises UnknownColumn, ColumnRepeated or SeveralDoneColumns."""
    given_ids = [one.id for one in specs if one.id is not None]
    known = [*(column.id for column in project.columns), *project.removed]
    if not set(given_ids) <= set(known):
        wrong = next(one for one in given_ids if one not in known)
        raise UnknownColumn(f"The project has no column {quoted(wrong)}.", column=wrong, columns=known)
    names = [comparable_name(one.name) for one in specs]
    if len(set(given_ids)) < len(given_ids) or len(set(names)) < len(names):
        raise ColumnRepeated
    if sum(one.done for one in specs) > 1:
        raise SeveralDoneColumns
    unclaimed_ids = {
        comparable_name(column.name): column.id for column in project.columns if column.id not in given_ids
    }
    used_ids = set(known)
    return tuple(
        Column(
            one.id or unclaimed_ids.get(comparable_name(one.name)) or new_column_id(one.name, used_ids),
            one.name,
            one.wip_limit,
            one.done,
        )
        for one in specs
    )


def new_column_id(name: str, used_ids: set[str]) -> str:
    """An id that no column of the project ever had; it is added to the used ones."""
    slug = re.sub(r"\W+", "-", name.casefold()).strip("-")[: MAX_COLUMN_ID_CHARACTERS - 6] or "column"
    new_id = next(each for number in count(1) if (each := slug if number == 1 else f"{slug}-{number}") not in used_ids)
    used_ids.add(new_id)
    return new_id
