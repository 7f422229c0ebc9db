"""The SQL of task pages: the tasks of a project, or of several workspaces, in order, after a cursor, and counted."""

from collections.abc import Iterator, Sequence
from typing import Any, Final
from uuid import UUID

from msgspec import Struct

from projections import project_list, task_list, task_search
from projections.filter_sql import FilterSql
from projections.page_bytes import bytes_before_sql
from projections.projection import Projection
from projections.question import EACH_WORKSPACE_MEMBERS, PROJECT_MEMBERS, Audience
from projections.relevance_sql import RelevanceQuery
from projections.task_sorting import Sorting

MAX_UNROLLED_WORKSPACES: Final = 8
"""The most workspaces that get a branch each in the SQL; more of them share a lateral join."""
_JOIN_SEARCH_SQL: Final = "join {task_search} search on search.id = task.id"
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
        projects = () if self.scope.is_project else (project_list.projection,)
        texts = (task_search.projection,) if self.filter_sql.reads_text or self.sorting.reads_text else ()
        return (task_list.projection, *projects, *texts)

    def page_sql(self, fields: Sequence[str], after_part: int | None) -> str:
        """The first rows, or those after a cursor; `after_part` is the part that the cursor is in.

        The description is null in rows after those that fill a page, which are not shown.
        """
        rows = self._rows_sql(fields, after_part)
        if "description" not in fields:
            return rows
        order = f"part, {self.sorting.order_by_sql(self._sort_columns())}"
        shown = ", ".join((*(f'"{name}"' for name in fields if name != "description"), "part", *self._sort_columns()))
        return f"""select {shown}, case when {bytes_before_sql("description", order)} <= %(max_bytes)s then description
            end as description from ({rows}) as found order by {order}"""  # noqa: S608 - our own text

    def _rows_sql(self, fields: Sequence[str], after_part: int | None) -> str:
        rows = self._merged_sql(fields, after_part)
        if not (self.sorting.is_by_relevance and self.filter_sql.has_low_selectivity) or self.scope.is_project:
            return rows
        tasks = self._where(_IN_WORKSPACES_SQL, self.filter_sql.task_sql)
        return RelevanceQuery(self.filter_sql.text_sql, tasks, self.sorting).sql(
            fields, rows, is_after=after_part is not None
        )

    def _merged_sql(self, fields: Sequence[str], after_part: int | None) -> str:
        """One branch per workspace and part, so that an index can return each in order, then all of them merged."""
        names = self._sort_columns()
        values = ", ".join(f"{each} as {name}" for each, name in zip(self.sorting.expressions, names, strict=True))
        after = f" and {self.sorting.after_sql(self.sorting.expressions)}"
        branches = [
            f"""(select {task_list.select_columns(fields)}, {number} as part, {values} from {self.from_sql()}
            where {where} and {part}{after if number == after_part else ""}
            order by {self.sorting.order_by_sql(self.sorting.expressions)} limit %(rows)s)"""  # noqa: S608 - our own text
            for where in self._branch_conditions()
            for number, part in enumerate(self.sorting.parts)
            if number >= (after_part or 0)
        ]
        if self._uses_lateral_join():
            each = " union all ".join(branches)
            branches = [f"select one.* from unnest(%(here)s) as here (id) cross join lateral ({each}) as one"]  # noqa: S608 - as above
        return f"""select * from ({" union all ".join(branches)}) as found
            order by part, {self.sorting.order_by_sql(names)} limit %(rows)s"""  # noqa: S608 - as above

    def cursor_values(self, row: dict[str, Any]) -> tuple[Any, ...]:
        """The values of a cursor after this row."""
        return (row["part"], *(row[name] for name in self._sort_columns()))

    def count_sql(self) -> str:
        """The number of tasks on all pages."""
        return f"select count(*) as count from {self.from_sql()} where {self.where_sql()}"  # noqa: S608 - as above

    def from_sql(self) -> str:
        """The tables, for `from`."""
        joins = _JOIN_SEARCH_SQL if self.filter_sql.text_sql or self.sorting.reads_text else ""
        return f"{{task_list}} task {joins}"

    def where_sql(self) -> str:
        """The condition for all tasks of the list, in any of its workspaces."""
        return self._where("task.project_id = %(here_0)s" if self.scope.is_project else _IN_WORKSPACES_SQL)

    def _branch_conditions(self) -> Iterator[str]:
        """The condition of each branch."""
        if self.scope.is_project or self.sorting.is_by_relevance or not self.scope.ids:
            yield self.where_sql()  # no index is sorted by relevance
        elif self._uses_lateral_join():
            yield self._where(self._in_workspace_sql("here.id"))
        else:
            yield from (self._where(self._in_workspace_sql(f"%(here_{at})s")) for at in range(len(self.scope.ids)))

    def _in_workspace_sql(self, workspace: str) -> str:
        """The condition on the workspace, also for the index on texts if the list is sorted by it."""
        in_texts = f" and search.workspace_id = {workspace}" if self.sorting.reads_text else ""
        return f"task.workspace_id = {workspace}{in_texts}"

    def _sort_columns(self) -> tuple[str, ...]:
        return tuple(f"at_{number}" for number in range(len(self.sorting.expressions)))

    def _uses_lateral_join(self) -> bool:
        return not self.sorting.is_by_relevance and len(self.scope.ids) > MAX_UNROLLED_WORKSPACES

    def _where(self, scope_sql: str, task_sql: str | None = None) -> str:
        in_use = "" if self.scope.is_project else f" and {_IN_LIVE_PROJECT_SQL}"
        return f"{scope_sql} and not task.trashed{in_use} and {task_sql or self.filter_sql.sql}"
