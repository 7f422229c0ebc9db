"""What fits words best: found among the texts alone first, and in the list itself where those few are not enough.

Words that stand in many tasks stand in those of all kinds, so that among the best of them there is a page of a filter
that leaves many; the others need neither be sorted nor looked up. A filter that leaves few, as a project, is better
met first, which the database sees by itself. What is found is the same either way.
"""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from projections import task_list
from projections.task_sorting import Sorting

MAX_RANKED_TEXTS: Final = 2_000
"""So many texts are tried first; more than any page has."""


class RelevanceQuery(Struct, frozen=True):
    """Tasks of several workspaces, those first that fit best; `words` is what their texts have to meet.

    `tasks` is what they have to meet themselves.
    """

    text_sql: str
    task_sql: str
    sorting: Sorting

    def sql(self, fields: Sequence[str], fallback_sql: str, *, is_after: bool) -> str:
        """The first rows, or those after what a cursor holds; `otherwise` finds the same whatever is rare."""
        rank, way = self.sorting.expressions[0], self.sorting.direction
        beyond = f"where {self.sorting.after_sql(('rank', 'id'))}" if is_after else ""
        # `offset 0` lets the rank be worked out once for each; `limit 1` keeps the texts in their order.
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
