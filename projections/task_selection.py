"""The selection of tasks for a bulk change: the ids of all tasks that match a filter, with their workspaces."""

from domain import filter as filters
from projections.field_sql import FilterContext
from projections.filter_sql import compile_filter
from projections.pagination import encode_answer, list_id_for
from projections.question import Answer, Query, Question
from projections.task_page_sql import TaskPageSql, TaskScope
from projections.task_sorting import sorting_for

WORKSPACES_BY_ID_SQL = "select workspace_id, id from {task_list} where id = any(%s)"
"""The workspaces of tasks, as far as the read model has them."""
_SORT = "key"


def selection(scope: TaskScope, filter_: str, context: FilterContext, limit: int) -> Question:
    """At most so many tasks of workspaces, as the ids of each workspace: by project, then by number.

    Raises what `compile_filter` raises.
    """
    filter_sql = compile_filter(filters.parse(filter_), context, workspaces_sql=scope.workspaces_sql)
    listing = TaskPageSql(scope, filter_sql, sorting_for(_SORT, filter_sql.level_sqls, is_project=scope.is_project))
    sql = f"""select array_agg(id::text order by project_id, number) as ids from (
        select task.workspace_id, task.project_id, task.number, task.id
        from {listing.from_sql()} where {listing.where_sql()} limit %(rows)s
      ) as found group by workspace_id order by workspace_id"""  # noqa: S608 - our own text
    return Question(
        listing.projections(),
        scope.audience,
        scope.ids,
        f"selection {list_id_for(scope.owner_id, 'selection', {'filter': filter_})}",
        (Query(sql, dict),),
        {**filter_sql.parameters, "here": list(scope.ids), "rows": limit},
        _ids_by_workspace,
        filter_sql.is_time_dependent,
    )


def _ids_by_workspace(rows: list[dict[str, list[str]]]) -> Answer:
    return encode_answer([row["ids"] for row in rows])
