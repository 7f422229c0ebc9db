"""A chart of a project: a question about versions of its tasks that a filter finds as they were.

A filter that depends on the present time is compiled for each edge, as if it were asked then. So what a chart says of a
span stays the same for ever, except that purged tasks leave it.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final, TypeAlias
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from domain import filter as filters
from domain.filter import Phrase, Word
from projections import comment_list, task_list, task_search
from projections.field_sql import FilterContext
from projections.filter_leaves import depends_on_time, leaves_of
from projections.filter_sql import VersionFilter, compile_version_filter
from projections.pagination import list_id_for
from projections.project_list import projection as project_list
from projections.question import PROJECT_MEMBERS, Answer, Query, Question
from projections.task_page_sql import project_scope

_AT_EDGES: Final = """from unnest(%({edges})s::timestamptz[], %({numbers})s::int[]) as edge (at, number)
    join {{task_list_versions}} task on task.valid_from_at < edge.at and task.valid_to_at >= edge.at
    where task.project_id = %(project)s and not task.trashed and {condition}"""
_CHANGES: Final = """from {{task_list_versions}} task
    left join {{task_list_versions}} before on before.id = task.id and before.valid_to = task.valid_from
    where task.project_id = %(project)s and task.valid_from_at >= %({since})s and task.valid_from_at < %({until})s
      and {condition}"""


Build: TypeAlias = Callable[[list[Any]], Answer]


class Chart(Struct, frozen=True):
    """What a chart is of: a project, a filter, and the edges of its spans, which are in UTC."""

    project: UUID
    filter: str
    context: FilterContext
    edges: Sequence[datetime]


def at_edges(chart: Chart, name: str, sql: str, row_type: type[Any], build: Build) -> Question:
    """A question about the tasks that the project had just before each edge.

    `sql` selects from `{tables}`, in which each `task` comes with an `edge`, its `number` and its time, `at`.
    """
    queries, parameters = list[Query](), dict[str, object]()
    numbered = list(enumerate(chart.edges))
    for place, some in enumerate(_together(chart, numbered)):
        found = _filter_of(chart, "edge.at", some[-1][1], f"c{place}_")
        names = {"edges": f"edges_{place}", "numbers": f"numbers_{place}"}
        tables = _AT_EDGES.format(**names, condition=found.sql)
        queries.append(Query(sql.replace("{tables}", tables), row_type))
        parameters |= found.parameters
        parameters |= {names["edges"]: [at for _, at in some], names["numbers"]: [number for number, _ in some]}
    return _question(chart, name, queries, parameters, build)


def in_spans(chart: Chart, name: str, sql: str, row_type: type[Any], build: Build) -> Question:
    """A question about the changes of the project's tasks in the spans.

    `sql` selects from `{tables}`: a version, `task`, and the one `before` it, which a new task has not.
    """
    queries = list[Query]()
    parameters: dict[str, object] = {"edges": list(chart.edges)}
    spans = list(pairwise(chart.edges))
    for place, some in enumerate(_together(chart, spans)):
        found = _filter_of(chart, "task.valid_from_at + interval '1 microsecond'", some[-1][1], f"c{place}_")
        names = {"since": f"since_{place}", "until": f"until_{place}"}
        tables = _CHANGES.format(**names, condition=found.sql)
        queries.append(Query(sql.replace("{tables}", tables), row_type))
        parameters |= found.parameters
        parameters |= {names["since"]: some[0][0], names["until"]: some[-1][1]}
    return _question(chart, name, queries, parameters, build)


def _together(chart: Chart, parts: list[Any]) -> list[list[Any]]:
    """The parts of a chart that one query can ask about: all, unless the filter depends on the time."""
    leaves = leaves_of(filters.parse(chart.filter))
    is_time_dependent = any(depends_on_time(leaf, chart.context.fields) for leaf in leaves)
    return [[part] for part in parts] if is_time_dependent else [parts]


def _filter_of(chart: Chart, bound: str, before: datetime, prefix: str) -> VersionFilter:
    context = replace(chart.context, now=min(chart.context.now, before - timedelta.resolution))
    workspaces = project_scope(chart.project).workspaces_sql.replace("here_0", "project")
    return compile_version_filter(filters.parse(chart.filter), context, bound, workspaces, prefix)


def _question(chart: Chart, name: str, queries: list[Query], parameters: dict[str, object], build: Build) -> Question:
    reads_text = any(isinstance(leaf, Word | Phrase) for leaf in leaves_of(filters.parse(chart.filter)))
    texts = (task_search.projection, comment_list.projection) if reads_text else ()
    own = queries[0].row_type

    def build_answer(*found: Sequence[Any]) -> Answer:
        return build([row for rows in found for row in rows])

    return Question(
        (task_list.projection, project_list, *texts),
        PROJECT_MEMBERS,
        (chart.project,),
        f"chart {name} {list_id_for(chart.project, own.__name__, {'filter': chart.filter})}",
        tuple(queries),
        {"project": chart.project, **parameters},
        build_answer,
    )
