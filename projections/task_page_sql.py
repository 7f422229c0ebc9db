"""The SQL of task pages: the tasks of a project, or of several workspaces, in order, after a cursor, and counted."""

from collections.abc import Iterator, Sequence
from typing import Any, Final
from uuid import UUID

from msgspec import Struct

from projections import comment_list, project_list, task_list, task_search
from projections.filter_sql import FilterSql
from projections.page_bytes import bytes_before_sql
from projections.projection import Projection
from projections.question import EACH_WORKSPACE_MEMBERS, PROJECT_MEMBERS, Audience
from projections.sorting import Sorting

MAX_UNROLLED_WORKSPACES: Final = 8
"""The most workspaces that get a branch each in the SQL; more of them share a lateral join."""
_JOIN_SEARCH_SQL: Final = "join {task_search} search on search.id = task.id"
_WORKSPACE_OF_PROJECT_SQL: Final = (
    "array(select project.workspace_id from {project_list} project where project.id = %(here_0)s)"
)
_IN_WORKSPACES_SQL: Final = "task.workspace_id = any(%(here)s)"
_IN_LIVE_PROJECT_SQL: Final = """task.project_id <> all (array(
      select project.id from {project_list} project where project.workspace_id = any(%(here)s) and project.trashed))"""


class TaskScope(Struct, frozen=True):
    """Where tasks are listed: in a project, or in several workspaces; list ids are derived from `owner_id`."""

    ids: tuple[UUID, ...]
    owner_id: UUID
    is_project: bool = False

    @property
    def audience(self) -> Audience:
        return PROJECT_MEMBERS if self.is_project else EACH_WORKSPACE_MEMBERS

    @property
    def workspaces_sql(self) -> str:
        """The ids of the workspaces, as an array."""
        return _WORKSPACE_OF_PROJECT_SQL if self.is_project else "%(here)s"

    @property
    def projects_condition(self) -> str:
        """The condition for the projects of the list."""
        return "id = %(here_0)s" if self.is_project else "workspace_id = any(%(here)s)"


def project_scope(project: UUID) -> TaskScope:
    return TaskScope((project,), project, is_project=True)


def workspaces_scope(ids: Sequence[UUID], user: UUID) -> TaskScope:
    """The lists belong to the user: one who joins a workspace between two pages continues in the same list."""
    return TaskScope(tuple(ids), user)


class TaskPageSql(Struct, frozen=True):
    """The SQL of one list of tasks."""

    scope: TaskScope
    filter_sql: FilterSql
    sorting: Sorting

    def projections(self) -> tuple[Projection[Any], ...]:
        """The projections whose tables the SQL reads."""
        reads_comments = self.filter_sql.reads_text
        texts = (task_search.projection,) if self.filter_sql.reads_text or self.sorting.reads_text else ()
        comments = (comment_list.projection,) if reads_comments else ()
        return (task_list.projection, project_list.projection, *texts, *comments)

    def page_sql(self, fields: Sequence[str], after_part: int | None) -> str:
        """The first rows, or those after a cursor; `after_part` is the part that the cursor is in.

        The description is null in rows after those that fill a page, which are not shown.
        """
        rows = self._rows_sql(fields, after_part)
        if "description" not in fields:
            return rows
        order = f"part, {self.sorting.order_by_sql(self._sort_columns())}"
        marks = ("similar_id",) if self.filter_sql.is_similar_sql else ()
        names = (*(f'"{name}"' for name in fields if name != "description"), "part", *self._sort_columns(), *marks)
        shown = ", ".join(names)
        return f"""select {shown}, case when {bytes_before_sql("description", order)} <= %(max_bytes)s then description
            end as description from ({rows}) as found order by {order}"""  # noqa: S608 - our own text

    def _rows_sql(self, fields: Sequence[str], after_part: int | None) -> str:
        """The rows of the parts in order: a part is read only if the parts before it do not fill the page."""
        numbers = range(after_part or 0, len(self.sorting.parts))
        parts = [
            f"part_{number} as materialized ({self._part_sql(fields, number, after_part, numbers[:at])})"
            for at, number in enumerate(numbers)
        ]
        found = " union all ".join(f"select * from part_{number}" for number in numbers)  # noqa: S608 - our own text
        return f"""with {", ".join(parts)} select * from ({found}) as found
            order by part, {self.sorting.order_by_sql(self._sort_columns())} limit %(rows)s"""  # noqa: S608 - as above

    def _part_sql(self, fields: Sequence[str], number: int, after_part: int | None, before: Sequence[int]) -> str:
        """One branch per workspace, so that an index can return each in order, then all of them merged."""
        names, sorting = self._sort_columns(), self.sorting
        values = ", ".join(f"{each} as {name}" for each, name in zip(sorting.expressions, names, strict=True))
        is_similar = self.filter_sql.is_similar_sql
        similar = f", case when {is_similar} then task.id end as similar_id" if is_similar else ""
        after = f" and {sorting.after_sql(sorting.expressions)}" if number == after_part else ""
        branches = [
            f"""(select {task_list.select_columns(fields)}, {number} as part, {values}{similar} from {self.from_sql()}
            where {where} and {sorting.parts[number]}{after}{_page_has_room_sql(before)}
            order by {sorting.order_by_sql(sorting.expressions)} limit %(rows)s)"""  # noqa: S608 - as above
            for where in self._branch_conditions()
        ]
        if self._uses_lateral_join():
            branches = [f"(select one.* from unnest(%(here)s) as here (id) cross join lateral {branches[0]} as one)"]  # noqa: S608 - as above
        elif len(branches) == 1:
            return branches[0]
        return f"""select * from ({" union all ".join(branches)}) as found
            order by {sorting.order_by_sql(names)} limit %(rows)s"""  # noqa: S608 - as above

    def cursor_values(self, row: dict[str, Any]) -> tuple[Any, ...]:
        """The values of a cursor after this row."""
        return (row["part"], *(row[name] for name in self._sort_columns()))

    def count_sql(self) -> str:
        """The number of tasks on all pages."""
        return f"select count(*) as count from {self.from_sql()} where {self.where_sql()}"  # noqa: S608 - as above

    def from_sql(self) -> str:
        """The tables, for `from`."""
        return f"{{task_list}} task {_JOIN_SEARCH_SQL if self._joins_texts() else ''}"

    def where_sql(self) -> str:
        """The condition for all tasks of the list, in any of its workspaces."""
        return self._where(self._scope_sql(), self.filter_sql.sql)

    def _scope_sql(self) -> str:
        return self._in_project_sql() if self.scope.is_project else _IN_WORKSPACES_SQL

    def _in_project_sql(self) -> str:
        return f"task.project_id = %(here_0)s{' and search.project_id = %(here_0)s' if self._joins_texts() else ''}"

    def _branch_conditions(self) -> Iterator[str]:
        """The condition of each branch."""
        if self.scope.is_project or not self.scope.ids:
            yield self._where(self._scope_sql(), self._part_filter_sql())
        elif self._uses_lateral_join():
            yield self._where(self._in_workspace_sql("here.id"), self._part_filter_sql())
        else:
            for at in range(len(self.scope.ids)):
                yield self._where(self._in_workspace_sql(f"%(here_{at})s"), self._part_filter_sql())

    def _part_filter_sql(self) -> str:
        """The filter without what each part of the order has a condition on."""
        return self.filter_sql.task_sql if self.sorting.is_by_relevance else self.filter_sql.sql

    def _in_workspace_sql(self, workspace: str) -> str:
        in_texts = f" and search.workspace_id = {workspace}" if self._joins_texts() else ""
        return f"task.workspace_id = {workspace}{in_texts}"

    def _joins_texts(self) -> bool:
        """Whether texts are read; then the scope is also a condition on them, for their indexes."""
        return bool(self.filter_sql.text_sql) or self.sorting.reads_text

    def _sort_columns(self) -> tuple[str, ...]:
        return tuple(f"at_{number}" for number in range(len(self.sorting.expressions)))

    def _uses_lateral_join(self) -> bool:
        return len(self.scope.ids) > MAX_UNROLLED_WORKSPACES

    def _where(self, scope_sql: str, filter_sql: str) -> str:
        in_use = "" if self.scope.is_project else f" and {_IN_LIVE_PROJECT_SQL}"
        unarchived = "" if self.filter_sql.is_about_archive else " and not task.archived"
        return f"{scope_sql} and not task.trashed{unarchived}{in_use} and {filter_sql}"


def _page_has_room_sql(parts: Sequence[int]) -> str:
    """The condition that these parts do not fill a page, as the end of a `where`."""
    counts = " + ".join(f"(select count(*) from part_{number})" for number in parts)  # noqa: S608 - our own text
    return f" and {counts} < %(rows)s" if counts else ""
