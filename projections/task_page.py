"""Pages of tasks: those of a project, or of several workspaces, that a filter chooses, in an order."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from domain import filter as filters
from domain.errors import BadCursor
from domain.task import Priority, Status
from projections import project_list, task_list, task_search
from projections.filter_sql import Condition, condition
from projections.pagination import Cursor, answer, list_of
from projections.projection import Answer, Of, Projection, Query, Question
from projections.task_list import TaskRow
from projections.task_relevance import Relevant
from projections.task_sorting import Order, Sort, order, usual

MANY: Final = 8
"""More workspaces than these are asked in one loop, not each in words of its own."""
FIELDS: Final = TaskRow.__struct_fields__
_TEXT: Final = "join {task_search} search on search.id = task.id"
_THERE: Final = "task.workspace_id = any(%(here)s)"
_IN_USE: Final = """task.project_id <> all (array(
      select project.id from {project_list} project where project.workspace_id = any(%(here)s) and project.trashed))"""


class Place(Struct, frozen=True):
    """Where tasks are listed: in one project, or in those workspaces; `whose` tells the lists of one from another's."""

    of: Of
    ids: tuple[UUID, ...]
    whose: UUID

    @property
    def is_project(self) -> bool:
        return self.of == "project"


def in_project(project: UUID) -> Place:
    return Place("project", (project,), project)


def in_workspaces(ids: Sequence[UUID], user: UUID) -> Place:
    """The lists are the user's: whoever joins a workspace between two pages goes on in the same list."""
    return Place("workspaces", tuple(ids), user)


class Wanted(Struct, frozen=True):
    """Which tasks, in which order, and how many and what of them; `fields` in the order of a task."""

    filter: str = ""
    sort: Sort | None = None
    limit: int = 50
    cursor: str | None = None
    fields: tuple[str, ...] = FIELDS
    is_counted: bool = False


class Asker(Struct, frozen=True):
    """Who asks, and when, in UTC: what `me` and `today` mean."""

    user: UUID
    now: datetime


class TaskPage(Struct, frozen=True, omit_defaults=True):
    """A page of tasks; `count` says how many there are on all pages, where that was asked."""

    items: list[TaskRow]
    next_cursor: str | None = None
    count: int | None = None


class TaskPart(Struct, frozen=True, omit_defaults=True):
    """Of a task what was asked for."""

    id: UUID | UnsetType = UNSET
    workspace_id: UUID | UnsetType = UNSET
    project_id: UUID | UnsetType = UNSET
    key: str | UnsetType = UNSET
    number: int | UnsetType = UNSET
    title: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    due: str | UnsetType | None = UNSET
    column: str | UnsetType = UNSET
    labels: tuple[str, ...] | UnsetType = UNSET
    assignees: tuple[UUID, ...] | UnsetType = UNSET
    status: Status | UnsetType = UNSET
    trashed: bool | UnsetType = UNSET
    version: int | UnsetType = UNSET
    created_at: datetime | UnsetType = UNSET
    updated_at: datetime | UnsetType = UNSET


class TaskParts(Struct, frozen=True, omit_defaults=True):
    """A page of tasks, and of each only some members."""

    items: list[TaskPart]
    next_cursor: str | None = None
    count: int | None = None


def page(place: Place, wanted: Wanted, asker: Asker) -> Question:
    """The tasks that are wanted and not in the trash, nor, across projects, in a project that is there.

    Raises what `filter.parse` raises, SortNeedsText, BadCursor, and CursorMismatch for a cursor of another list.
    """
    chosen = condition(filters.parse(wanted.filter), me=asker.user, now=asker.now)
    sort = wanted.sort or usual(chosen.rank, is_project=place.is_project)
    listing = Listing(place, chosen, order(sort, chosen.rank, is_project=place.is_project))
    this = named(place, wanted.filter, sort)
    after = Cursor.place(wanted.cursor, this, listing.order.kind)
    if after and not 0 <= after[0] < len(listing.order.parts):
        raise BadCursor
    found = Query(listing.sql(wanted.fields, after[0] if after else None), dict)
    counted = (Query(listing.count(), dict),) if wanted.is_counted else ()

    def answered(rows: list[dict[str, Any]], counts: Sequence[dict[str, int]] = ()) -> Answer:
        shown, more = rows[: wanted.limit], None
        if len(rows) > wanted.limit:
            more = Cursor(this, listing.reached(shown[-1])).write()
        items = [{name: row[name] for name in wanted.fields} for row in shown]
        return answer({"items": items, "next_cursor": more, **(counts[0] if counts else {})}, more)

    return Question(
        listing.projections(),
        place.of,
        place.ids,
        f"tasks {this} {','.join(wanted.fields)} {wanted.is_counted}",
        (found, *counted),
        chosen.parameters | _values(place, after) | {"rows": wanted.limit + 1},
        answered,
        chosen.moves,
    )


def named(place: Place, filter_: str, sort: Sort) -> UUID:
    """The name of one list of tasks, which its cursors carry."""
    return list_of(place.whose, "tasks", {"filter": filter_, "sort": sort})


def _values(place: Place, after: tuple[Any, ...] | None) -> dict[str, object]:
    here = {"here": list(place.ids), **{f"here_{number}": one for number, one in enumerate(place.ids[:MANY])}}
    return here | {f"after_{number}": value for number, value in enumerate(after[1:] if after else ())}


class Listing(Struct, frozen=True):
    """The SQL of one list."""

    place: Place
    chosen: Condition
    order: Order

    def projections(self) -> tuple[Projection[Any], ...]:
        """Whose tables it reads."""
        projects = () if self.place.is_project else (project_list.projection,)
        texts = (task_search.projection,) if self.chosen.words else ()
        return (task_list.projection, *projects, *texts)

    def sql(self, fields: Sequence[str], reached: int | None) -> str:
        """Its first rows, or those after what a cursor holds; `reached` is the part that it stands in."""
        rows = self._merged(fields, reached)
        if not (self.order.is_by_words and self.chosen.is_wide) or self.place.is_project:
            return rows
        tasks = self._where(_THERE, self.chosen.tasks)
        return Relevant(self.chosen.words, tasks, self.order).sql(fields, rows, is_after=reached is not None)

    def _merged(self, fields: Sequence[str], reached: int | None) -> str:
        """Each place and part by itself, so that an index gives it sorted, and then all of them merged."""
        names = tuple(f"at_{number}" for number in range(len(self.order.by)))
        values = ", ".join(f"{each} as {name}" for each, name in zip(self.order.by, names, strict=True))
        branches = [
            f"""(select {task_list.columns(fields)}, {number} as part, {values} from {self.tasks()}
            where {where} and {part}{f" and {self.order.beyond(self.order.by)}" if number == reached else ""}
            order by {self.order.sorting(self.order.by)} limit %(rows)s)"""  # noqa: S608 - our own text
            for where in self._places()
            for number, part in enumerate(self.order.parts)
            if number >= (reached or 0)
        ]
        if self._is_loop():
            each = " union all ".join(branches)
            branches = [f"select one.* from unnest(%(here)s) as here (id) cross join lateral ({each}) as one"]  # noqa: S608 - as above
        return f"""select * from ({" union all ".join(branches)}) as found
            order by part, {self.order.sorting(names)} limit %(rows)s"""  # noqa: S608 - as above

    def reached(self, row: dict[str, Any]) -> tuple[Any, ...]:
        """Where a page ends with that row."""
        return (row["part"], *(row[f"at_{number}"] for number in range(len(self.order.by))))

    def count(self) -> str:
        """How many there are, on all pages."""
        return f"select count(*) as count from {self.tasks()} where {self.everywhere()}"  # noqa: S608 - as above

    def tasks(self) -> str:
        """The tables, for `from`."""
        return f"{{task_list}} task {_TEXT if self.chosen.words else ''}"

    def everywhere(self) -> str:
        """The condition of all that is in it, wherever that is."""
        return self._where("task.project_id = %(here_0)s" if self.place.is_project else _THERE)

    def _places(self) -> Iterator[str]:
        """The conditions of the branches."""
        if self.place.is_project or self.order.is_by_words or not self.place.ids:
            yield self.everywhere()  # no index has tasks in the order of a rank
        elif self._is_loop():
            yield self._where("task.workspace_id = here.id")
        else:
            yield from (self._where(f"task.workspace_id = %(here_{at})s") for at in range(len(self.place.ids)))

    def _is_loop(self) -> bool:
        return not self.order.is_by_words and len(self.place.ids) > MANY

    def _where(self, where: str, chosen: str | None = None) -> str:
        in_use = "" if self.place.is_project else f" and {_IN_USE}"
        return f"{where} and not task.trashed{in_use} and {chosen or self.chosen.sql}"
