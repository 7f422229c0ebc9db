"""Sorting by relevance: among the texts alone first, then in the whole list if the best texts are not enough.

Words that occur in many tasks occur in tasks of all kinds. So the best texts include a page of tasks for any filter
that matches many, and the others are neither sorted nor joined. A filter that matches few, such as a project, is
better applied first, which the planner does by itself. The result is the same either way.
"""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from projections import task_list
from projections.task_sorting import Sorting

MAX_RANKED_TEXTS: Final = 2_000
"""The number of best texts to try first; more than the rows of any page."""


class RelevanceQuery(Struct, frozen=True):
    """The tasks of several workspaces, sorted by relevance; `text_sql` is the condition on their texts.

    `task_sql` is the condition on the tasks.
    """

    text_sql: str
    task_sql: str
    sorting: Sorting

    def sql(self, fields: Sequence[str], fallback_sql: str, *, is_after: bool) -> str:
        """The first rows, or those after a cursor; `fallback_sql` finds the same rows however rare they are."""
        rank, way = self.sorting.expressions[0], self.sorting.direction
        beyond = f"where {self.sorting.after_sql(('rank', 'id'))}" if is_after else ""
        # `offset 0` makes PostgreSQL compute each rank once; `limit 1` preserves the order of the texts.
        return f"""with best as materialized (
          select id, rank from (
            select search.id, {rank} as rank from {{task_search}} search
            where search.workspace_id = any(%(here)s) and {self.text_sql} offset 0) as ranked
          {beyond} order by rank {way}, id {way} limit {MAX_RANKED_TEXTS}
        ), found as materialized (
          select {task_list.select_columns(fields)}, 0 as part, best.rank as at_0, best.id as at_1 from best
          cross join lateral (select * from {{task_list}} task where task.id = best.id limit 1) as task
          where {self.task_sql} order by best.rank {way}, best.id {way} limit %(rows)s
        ), enough as materialized (
          select (select count(*) from found) = %(rows)s or (select count(*) from best) < {MAX_RANKED_TEXTS} as is_so
        )
        select * from (
          select * from found where (select is_so from enough)
          union all select * from ({fallback_sql}) as found where not (select is_so from enough)
        ) as found order by at_0 {way}, at_1 {way}"""  # noqa: S608 - our own text
