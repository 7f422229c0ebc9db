"""The ageing of a project: how old its open tasks were over time, by column."""

from datetime import datetime

from msgspec import Struct

from projections.charts.chart import Chart, at_edges
from projections.charts.durations import Durations, percentiles_sql
from projections.pagination import encode_answer
from projections.question import Answer, Question


class ColumnAge(Struct, frozen=True):
    """The open tasks of a column, by its id: how many, and how long ago they were created."""

    column: str
    count: int
    age: Durations


class AgeingPoint(Struct, frozen=True):
    """The open tasks of each column just before a time; columns without any are left out."""

    at: datetime
    columns: list[ColumnAge]


class Ageing(Struct, frozen=True):
    """The open tasks at the beginning of the first span and at the end of each."""

    points: list[AgeingPoint]


class _Ages(Struct, frozen=True):
    number: int
    column: str
    count: int
    ages: list[float]


def ageing(chart: Chart) -> Question:
    """How old the open tasks of each column were at each edge."""

    def build(rows: list[_Ages]) -> Answer:
        columns: list[list[ColumnAge]] = [[] for _ in chart.edges]
        for row in sorted(rows, key=lambda row: row.column):
            columns[row.number].append(ColumnAge(row.column, row.count, Durations.of(row.ages)))
        return encode_answer(Ageing([*map(AgeingPoint, chart.edges, columns)]))

    ages = percentiles_sql("edge.at - task.created_at")
    sql = f"""select edge.number, task."column", count(*) as count, {ages} as ages
        {{tables}} and task.status = 'open' group by 1, 2"""
    return at_edges(chart, "ageing", sql, _Ages, build)
