"""The cycle time of a project: how long the tasks that were completed in each span of time had taken."""

from datetime import datetime
from itertools import pairwise

from msgspec import Struct

from projections.charts.chart import Chart, in_spans
from projections.charts.durations import Durations, percentiles_sql
from projections.pagination import encode_answer
from projections.question import Answer, Question


class CycleTimeSpan(Struct, frozen=True):
    """How often tasks were completed in a span, `since` included and `until` not, and how long that had taken.

    `lead_time` is counted from the creation of a task; `cycle_time` from when it left the column in which it was
    created, unless that was by its completion. Both are null if none was completed.
    """

    since: datetime
    until: datetime
    completed: int
    lead_time: Durations | None
    cycle_time: Durations | None


class CycleTime(Struct, frozen=True):
    """What was completed in each span; a task that is completed again counts again, from its beginning."""

    spans: list[CycleTimeSpan]


class _Times(Struct, frozen=True):
    number: int
    completed: int
    lead_times: list[float]
    cycle_times: list[float]


def cycle_time(chart: Chart) -> Question:
    """What was completed in each span, and how long it had taken."""

    def build(rows: list[_Times]) -> Answer:
        found = {row.number: row for row in rows}
        spans = list[CycleTimeSpan]()
        for number, (since, until) in enumerate(pairwise(chart.edges), 1):
            row = found.get(number)
            lead, cycle = (Durations.of(row.lead_times), Durations.of(row.cycle_times)) if row else (None, None)
            spans.append(CycleTimeSpan(since, until, row.completed if row else 0, lead, cycle))
        return encode_answer(CycleTime(spans))

    sql = f"""select number, count(*) as completed, {percentiles_sql("completed_at - created_at")} as lead_times,
          {percentiles_sql("completed_at - coalesce(begun_at, created_at)")} as cycle_times
        from (
          select width_bucket(task.valid_from_at, %(edges)s::timestamptz[]) as number, task.created_at,
            task.valid_from_at as completed_at,
            (select min(left_at.valid_from_at) from {{task_list_versions}} left_at
              where left_at.id = task.id and left_at.valid_from < task.valid_from and left_at."column" <> (
                select first."column" from {{task_list_versions}} first where first.id = task.id
                order by first.valid_from limit 1)) as begun_at
          {{tables}} and task.status = 'done' and before.status is distinct from 'done'
        ) as completion group by 1"""  # noqa: S608 - our own text
    return in_spans(chart, "cycle time", sql, _Times, build)
