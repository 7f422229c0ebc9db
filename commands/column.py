"""What may be asked of the columns of a project, and what becomes of their limits when tasks come and go."""

import re
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Annotated, ClassVar
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from commands.command import Elsewhere, Given, present
from commands.field_types import ColumnName, WipLimit
from commands.project import ProjectCommand, open_for_change
from domain.column import ColumnCount, ColumnCounted, column_of
from domain.errors import ColumnIsFull, ColumnNotCounted, ColumnRepeated, UnknownColumn
from domain.event import Change, Event
from domain.project import Column, ColumnsSet, Project, Wip

LONGEST_ID = 40


class ColumnWish(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A column as it is to be: one that is there by its id or its name, or a new one."""

    name: ColumnName
    id: Annotated[str, Meta(min_length=1, max_length=LONGEST_ID)] | None = None
    wip_limit: WipLimit | None = None


class SetColumns(ProjectCommand, frozen=True, kw_only=True):
    """Say which columns a board has, in their order, and whether one that is full warns or refuses.

    A column that is left out takes no more tasks. Those in it stay there until they are moved, and its id brings
    it back.
    """

    must_name_version: ClassVar = True

    columns: Annotated[tuple[ColumnWish, ...], Meta(min_length=1, max_length=50)]
    wip: Wip | UnsetType = UNSET

    def decide(self, state: Project | None, given: Given) -> Iterator[Event | Elsewhere]:
        project = open_for_change(state)
        columns = _columns(project, self.columns)
        wip = project.wip if self.wip is UNSET else self.wip
        if (columns, wip) == (project.columns, project.wip):
            return
        for column in sorted(_limited(project.columns) ^ _limited(columns)):
            guard = column_of(given.target, column)
            given(ColumnCount, guard)
            yield Elsewhere(guard, ColumnCounted(None))
        yield ColumnsSet(Change(project.columns, columns), Change(project.wip, wip))


class CountColumn(ProjectCommand, frozen=True, kw_only=True):
    """Say how many tasks stand in a column that has a limit, as counted when its guard stream was at a version.

    Nothing where it has none, or is counted by now, or where anybody has come or gone since.
    """

    in_batches: ClassVar = False

    column: str
    tasks: int
    seen: int

    def decide(self, state: Project | None, given: Given) -> Iterator[Event | Elsewhere]:
        guard = column_of(given.target, self.column)
        is_wanted = self.column in _limited(present(state).columns) and not is_counted(given(ColumnCount, guard))
        if is_wanted and given.version(guard) == self.seen:
            yield Elsewhere(guard, ColumnCounted(self.tasks))


def entering(project_id: UUID, project: Project, column: Column, given: Given) -> Iterator[Elsewhere]:
    """What a task that comes writes; raises ColumnNotCounted, or ColumnIsFull where the project refuses then."""
    if column.wip_limit is None:
        return
    guard = column_of(project_id, column.id)
    before = given(ColumnCount, guard)
    if before is None or before.tasks is None:
        raise ColumnNotCounted(project=project_id, column=column.id)
    if before.tasks >= column.wip_limit:
        if project.wip == "refuse":
            raise ColumnIsFull(column=column.id, limit=column.wip_limit, tasks=before.tasks)
        given.warn(ColumnIsFull(column=column.id, limit=column.wip_limit, tasks=before.tasks + 1))
    yield Elsewhere(guard, ColumnCounted(before.tasks + 1))


def leaving(project_id: UUID, project: Project, column: str, given: Given) -> Iterator[Elsewhere]:
    """What a task that goes writes, counted or not: whoever is just counting must notice."""
    if column in _limited(project.columns):
        guard = column_of(project_id, column)
        before = given(ColumnCount, guard)
        yield Elsewhere(guard, ColumnCounted(before.tasks - 1 if before and before.tasks is not None else None))


def is_counted(count: ColumnCount | None) -> bool:
    """Whether somebody counts."""
    return count is not None and count.tasks is not None


def _limited(columns: Sequence[Column]) -> set[str]:
    return {column.id for column in columns if column.wip_limit is not None}


def _columns(project: Project, wanted: Sequence[ColumnWish]) -> tuple[Column, ...]:
    """The columns with their ids; raises UnknownColumn or ColumnRepeated."""
    named = [one.id for one in wanted if one.id is not None]
    known = [*(column.id for column in project.columns), *project.removed]
    if not set(named) <= set(known):
        raise UnknownColumn(columns=known)
    names = [one.name.casefold() for one in wanted]
    if len(set(named)) < len(named) or len(set(names)) < len(names):
        raise ColumnRepeated
    free = {column.name.casefold(): column.id for column in project.columns if column.id not in named}
    taken = set(known)
    return tuple(
        Column(one.id or free.get(one.name.casefold()) or _id(one.name, taken), one.name, one.wip_limit)
        for one in wanted
    )


def _id(name: str, taken: set[str]) -> str:
    """An id that no column of the project ever had, which becomes one of those taken."""
    slug = re.sub(r"\W+", "-", name.casefold()).strip("-")[: LONGEST_ID - 6] or "column"
    made = next(each for number in count(1) if (each := slug if number == 1 else f"{slug}-{number}") not in taken)
    taken.add(made)
    return made
