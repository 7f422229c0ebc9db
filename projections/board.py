"""The board of a project: its columns in order, each with the first of its tasks that match a filter."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from msgspec import Struct
from msgspec.structs import asdict

from domain import filter as filters
from domain.errors import FilterTooLong
from projections import page_bytes
from projections.custom_field_names import fields_by_key, named_values
from projections.field_sql import FilterContext
from projections.filter_sql import compile_filter
from projections.pagination import PageCursor, encode_answer, list_id_for
from projections.project_list import BoardColumn, ProjectRow
from projections.question import PROJECT_MEMBERS, Answer, Query, Question
from projections.task_list import TaskRow, select_columns
from projections.task_page import TASK_FIELDS, TaskPageOptions, task_list_id
from projections.task_page_sql import TaskPageSql, project_scope
from projections.task_sorting import sorting_for

_LONGEST_COLUMN = '"' * 100
"""A column id of the greatest length in a filter, where each of its characters is escaped."""
_OTHER_BYTES_PER_TASK = 600
"""About the JSON of a task apart from its description and labels."""


class ShownColumn(Struct, frozen=True):
    """A column with `count` matching tasks, and the first of them by rank; `next` links to the others.

    It may have fewer items than `limit`, at least one: the items of all columns share about 1 MiB.
    """

    id: str
    name: str
    wip_limit: int | None
    removed: bool
    done: bool
    count: int
    items: list[TaskRow]
    next_cursor: str | None
    next: str | None


class Board(Struct, frozen=True):
    """A project as a board; a removed column is shown last, until it has no tasks."""

    project_id: UUID
    columns: list[ShownColumn]


def board(
    project: UUID, options: TaskPageOptions, context: FilterContext, tasks_path: str, moment: Mapping[str, object]
) -> Question:
    """The matching tasks of a project, up to the limit per column.

    `tasks_path` is the path of its task list, and `moment` has the parameters that it takes for the same moment.

    The columns share the bytes of a page in turn, and each shows one task at least.

    Raises what `domain.filter.parse` raises.
    """
    terms = filters.parse(options.filter)
    _require_room_for_column(options.filter)
    scope = project_scope(project)
    filter_sql = compile_filter(terms, context, workspaces_sql=scope.workspaces_sql)
    listing = TaskPageSql(scope, filter_sql, sorting_for("rank", (), is_project=True))
    return Question(
        listing.projections(),
        PROJECT_MEMBERS,
        (project,),
        f"board {list_id_for(project, 'board', {'filter': options.filter})} {tasks_path} {moment}",
        (
            Query("select * from {project_list} project where id = %(here_0)s", ProjectRow),
            Query(_tasks_sql(listing), dict),
        ),
        filter_sql.parameters | {"here_0": project, "rows": options.limit, "max_bytes": page_bytes.MAX_PAGE_BYTES},
        _AnswerBuilder(listing, options, tasks_path, moment),
        filter_sql.is_time_dependent,
    )


class _AnswerBuilder(Struct, frozen=True):
    """Builds the answer from the rows of both queries."""

    listing: TaskPageSql
    options: TaskPageOptions
    tasks_path: str
    moment: Mapping[str, object]

    def __call__(self, projects: list[ProjectRow], rows: list[dict[str, Any]]) -> Answer | None:
        if not projects:
            return None
        columns, fields = {column.id: column for column in projects[0].columns}, fields_by_key(projects)
        found: dict[str, list[dict[str, Any]]] = {id_: [] for id_ in columns}
        for row in rows:
            named = {"fields": named_values(row["fields"], fields)} if row["fields"] else {}
            found.setdefault(row["column"], []).append(row | named)
        shown = [self._build_column(columns.get(id_) or _placeholder_column(id_), rows) for id_, rows in found.items()]
        return encode_answer({"project_id": projects[0].id, "columns": shown})

    def _build_column(self, column: BoardColumn, rows: list[dict[str, Any]]) -> ShownColumn:
        items: Any = [{name: row[name] for name in TASK_FIELDS} for row in rows]
        count = rows[0]["count"] if rows else 0
        cursor, following = self._next_page_link(column.id, rows[-1]) if count > len(rows) else (None, None)
        return ShownColumn(**asdict(column), count=count, items=items, next_cursor=cursor, next=following)

    def _next_page_link(self, column: str, last: dict[str, Any]) -> tuple[str, str]:
        """The cursor and link to the rest of a column: the project's task list, filtered by one more term."""
        filter_ = _column_filter(self.options.filter, column)
        cursor = PageCursor(
            task_list_id(self.listing.scope, filter_, "rank"), self.listing.cursor_values(last)
        ).encode()
        asked = {"filter": filter_, "sort": "rank", "limit": self.options.limit, "cursor": cursor}
        asked |= self.moment
        return cursor, f"{self.tasks_path}?{urlencode(asked)}"


def _require_room_for_column(filter_: str) -> None:
    """Raise FilterTooLong for a filter that would be too long with a term for the column."""
    try:
        filters.parse(_column_filter(filter_, _LONGEST_COLUMN))
    except FilterTooLong as error:
        raise FilterTooLong("Use fewer terms: the board adds one for the column.", offset=0) from error


def _column_filter(filter_: str, column: str) -> str:
    """The filter for its tasks in one column."""
    has_group = any(isinstance(term.predicate, filters.AnyOf) for term in filters.parse(filter_))
    return f"{f'({filter_})' if has_group else filter_} column:{filters.quote(column)}".lstrip()


def _tasks_sql(listing: TaskPageSql) -> str:
    """The first tasks of each column, and the number of all of them; only the first are read in full."""
    return f"""select * from (select {select_columns()}, place.count, 0 as part, task.rank as at_0, task.id as at_1,
          place.nth, sum(octet_length(task.description) + octet_length(task.labels::text)
            + octet_length(task.fields::text) + {_OTHER_BYTES_PER_TASK})
            over (order by place.nth, task.rank collate "C", task.id rows unbounded preceding) as bytes_so_far from (
          select task.id, count(*) over (partition by task."column") as count,
            row_number() over (partition by task."column" order by task.rank collate "C", task.id) as nth
          from {listing.from_sql()} where {listing.where_sql()}
        ) as place join lateral (select * from {{task_list}} task where task.id = place.id limit 1) as task on true
        where place.nth <= %(rows)s
        ) as task where nth = 1 or bytes_so_far <= %(max_bytes)s order by rank collate "C", id"""  # noqa: S608 - our own text


def _placeholder_column(column: str) -> BoardColumn:
    """A column that the task list has and the project list does not have yet."""
    return BoardColumn(column, column, removed=True)
