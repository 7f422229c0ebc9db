"""The burndown of a project: how much was open and how much was done over time, archived tasks too."""

from datetime import datetime

from msgspec import Struct

from projections.charts.chart import Chart, at_edges
from projections.pagination import encode_answer
from projections.question import Answer, Question


class BurndownPoint(Struct, frozen=True):
    """The number of open and done tasks just before a time, and the sums of their estimates, in minutes."""

    at: datetime
    open: int
    done: int
    open_estimate: int
    done_estimate: int


class Burndown(Struct, frozen=True):
    """What was open, and what was done, at the beginning of the first span and at the end of each."""

    points: list[BurndownPoint]


class _Sums(Struct, frozen=True):
    number: int
    open: int
    done: int
    open_estimate: int
    done_estimate: int


def burndown(chart: Chart) -> Question:
    """What was open, and what was done, at each edge."""

    def build(rows: list[_Sums]) -> Answer:
        found = {row.number: row for row in rows}
        sums = [found.get(number, _Sums(number, 0, 0, 0, 0)) for number in range(len(chart.edges))]
        points = [
            BurndownPoint(at, row.open, row.done, row.open_estimate, row.done_estimate)
            for at, row in zip(chart.edges, sums, strict=True)
        ]
        return encode_answer(Burndown(points))

    sql = """select edge.number, count(*) filter (where task.status = 'open') as open,
        count(*) filter (where task.status = 'done') as done,
        coalesce(sum(task.estimate) filter (where task.status = 'open'), 0)::bigint as open_estimate,
        coalesce(sum(task.estimate) filter (where task.status = 'done'), 0)::bigint as done_estimate
        {tables} group by 1"""
    return at_edges(chart, "burndown", sql, _Sums, build)
