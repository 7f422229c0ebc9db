"""The cumulative flow of a project: how many tasks each column had over time, archived ones too."""

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from projections.charts.chart import Chart, at_edges
from projections.pagination import encode_answer
from projections.question import Answer, Question


class FlowPoint(Struct, frozen=True):
    """The number of tasks in each column, by its id, just before a time; columns without tasks are left out."""

    at: datetime
    counts: Mapping[str, int]


class CumulativeFlow(Struct, frozen=True):
    """The tasks in each column at the beginning of the first span and at the end of each."""

    points: list[FlowPoint]


class _Count(Struct, frozen=True):
    number: int
    column: str
    count: int


def cumulative_flow(chart: Chart) -> Question:
    """How many tasks were in each column at each edge."""

    def build(rows: list[_Count]) -> Answer:
        counts: list[dict[str, int]] = [{} for _ in chart.edges]
        for row in sorted(rows, key=lambda row: row.column):
            counts[row.number][row.column] = row.count
        return encode_answer(CumulativeFlow([*map(FlowPoint, chart.edges, counts)]))

    sql = 'select edge.number, task."column", count(*) as count {tables} group by 1, 2'
    return at_edges(chart, "cumulative flow", sql, _Count, build)
