"""The throughput of a project: how many tasks were created, completed and reopened in each span of time."""

from datetime import datetime
from itertools import pairwise

from msgspec import Struct

from projections.charts.chart import Chart, in_spans
from projections.pagination import encode_answer
from projections.question import Answer, Question


class ThroughputSpan(Struct, frozen=True):
    """How often tasks were created, completed and reopened in a span, `since` included and `until` not."""

    since: datetime
    until: datetime
    created: int
    completed: int
    reopened: int


class Throughput(Struct, frozen=True):
    """What happened in each span; a task that is completed again counts again."""

    spans: list[ThroughputSpan]


class _Counts(Struct, frozen=True):
    number: int
    created: int
    completed: int
    reopened: int


def throughput(chart: Chart) -> Question:
    """What happened in each span."""

    def build(rows: list[_Counts]) -> Answer:
        found = {row.number: (row.created, row.completed, row.reopened) for row in rows}
        spans = [
            ThroughputSpan(since, until, *found.get(number, (0, 0, 0)))
            for number, (since, until) in enumerate(pairwise(chart.edges), 1)
        ]
        return encode_answer(Throughput(spans))

    sql = """select width_bucket(task.valid_from_at, %(edges)s::timestamptz[]) as number,
        count(*) filter (where before.id is null) as created,
        count(*) filter (where task.status = 'done' and before.status is distinct from 'done') as completed,
        count(*) filter (where task.status = 'open' and before.status = 'done') as reopened
        {tables} group by 1"""
    return in_spans(chart, "throughput", sql, _Counts, build)
