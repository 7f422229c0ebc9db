"""Charts are what a naive count over raw events says, and what they said day by day; planted defects are noticed."""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import strategies as st
from msgspec.structs import replace

from commands.handling.command_on import CommandOn
from domain.filter import parse
from projections.charts import chart as charts
from projections.charts import spans
from projections.charts.ageing import ageing
from projections.charts.burndown import burndown
from projections.charts.chart import Chart
from projections.charts.cumulative_flow import cumulative_flow
from projections.charts.cycle_time import cycle_time
from projections.charts.throughput import throughput
from projections.engine.connection import SyncConnection
from projections.question import Question
from projections.task_list import StoredTaskRow
from tests.examples import PROJECT
from tests.law import law
from tests.planted_defects import assert_check_fails
from tests.projections import naive_past, oracle
from tests.projections.answers import answer_body
from tests.projections.engine.test_advance import reset_database
from tests.projections.naive_past import Asked, Version, meets_all
from tests.projections.test_past_filters import BEGAN, CONTEXT, append_walk, past_filters
from tests.strategies import task_walks

pytestmark = pytest.mark.slow

START = BEGAN + timedelta(hours=20)
ASKS: Sequence[Callable[[Chart], Question]] = (cumulative_flow, burndown, throughput, cycle_time, ageing)
_filters = st.sampled_from(["", "status:open", "is:overdue", "milk", "was(status:done)"])
Tasks = Mapping[UUID, Sequence[Version]]


def chart_law(database: SyncConnection, owner: SyncConnection) -> Callable[[], None]:
    @law(
        task_walks,
        st.integers(0, 99),
        st.lists(_filters | past_filters, min_size=3, max_size=3),
        st.sampled_from(["day", "hour", "week"]),
        st.sampled_from(["UTC", "Pacific/Kiritimati"]),
        examples=15,
    )
    def charts_are_what_was_so(walk: list[CommandOn], seed: int, filters: list[str], bucket: Any, zone: str) -> None:
        reset_database(owner, database)
        append_walk(database, owner, walk, seed)
        oracle.catch_up(database, 7)
        events = oracle.all_events(database)
        tasks = naive_past.versions_of(events)
        end = events[-1].at + timedelta(minutes=1)
        context = replace(CONTEXT, now=end, zone=ZoneInfo(zone))
        edges = spans.edges(START, end, bucket, ZoneInfo(zone))
        assert edges
        for text in filters:
            if "at:" not in text:  # a time that has come at the end, but not at the beginning
                chart = Chart(PROJECT, text, context, edges)
                for ask, naive in zip(ASKS, NAIVE, strict=True):
                    (found,) = answer_body(database, ask(chart)).values()
                    assert found == naive(tasks, chart), (ask.__name__, text)
                    earlier = replace(chart, edges=edges[: len(edges) // 2 + 1])
                    if len(earlier.edges) > 1:
                        (before,) = answer_body(database, ask(earlier)).values()
                        assert found[: len(before)] == before, (ask.__name__, text)

    return charts_are_what_was_so


def listed(tasks: Tasks, chart: Chart, at: datetime) -> list[StoredTaskRow]:
    """The tasks just before a time."""
    found = list[StoredTaskRow]()
    for versions in tasks.values():
        began = [place for place, version in enumerate(versions) if version.event.at < at]
        if began and not versions[began[-1]].row.trashed and meets(versions, chart, began[-1], at):
            found.append(versions[began[-1]].row)
    return found


def meets(versions: Sequence[Version], chart: Chart, place: int, before: datetime) -> bool:
    now = min(chart.context.now, before - timedelta.resolution)
    asked = Asked(replace(chart.context, now=now), place)
    return versions[place].row.project_id == PROJECT and meets_all(
        versions, parse(chart.filter), asked, shows_archive=True
    )


def changes(tasks: Tasks, chart: Chart, since: datetime, until: datetime) -> list[tuple[Sequence[Version], int]]:
    """Each version that began in a span, as its place among those of its task."""
    return [
        (versions, place)
        for versions in tasks.values()
        for place, version in enumerate(versions)
        if since <= version.event.at < until and meets(versions, chart, place, until)
    ]


def naive_flow(tasks: Tasks, chart: Chart) -> Any:
    rows = [[row.column for row in listed(tasks, chart, at)] for at in chart.edges]
    counts = [{column: columns.count(column) for column in columns} for columns in rows]
    return [{"at": shown(at), "counts": count} for at, count in zip(chart.edges, counts, strict=True)]


def naive_burndown(tasks: Tasks, chart: Chart) -> Any:
    found = list[dict[str, Any]]()
    for at in chart.edges:
        of = {status: [row for row in listed(tasks, chart, at) if row.status == status] for status in ("open", "done")}
        sums = {f"{status}_estimate": sum(row.estimate or 0 for row in rows) for status, rows in of.items()}
        found.append({"at": shown(at), **{status: len(rows) for status, rows in of.items()}, **sums})
    return found


def naive_throughput(tasks: Tasks, chart: Chart) -> Any:
    found = list[dict[str, Any]]()
    for since, until in pairwise(chart.edges):
        some = changes(tasks, chart, since, until)
        found.append(
            {
                "since": shown(since),
                "until": shown(until),
                "created": sum(not place for _, place in some),
                "completed": sum(is_completion(versions, place) for versions, place in some),
                "reopened": sum(
                    bool(place) and (versions[place - 1].row.status, versions[place].row.status) == ("done", "open")
                    for versions, place in some
                ),
            }
        )
    return found


def is_completion(versions: Sequence[Version], place: int) -> bool:
    return versions[place].row.status == "done" and not (place and versions[place - 1].row.status == "done")


def naive_cycle_time(tasks: Tasks, chart: Chart) -> Any:
    found = list[dict[str, Any]]()
    for since, until in pairwise(chart.edges):
        done = [one for one in changes(tasks, chart, since, until) if is_completion(*one)]
        leads = [versions[place].event.at - versions[0].event.at for versions, place in done]
        cycles = [versions[place].event.at - begun_at(versions, place) for versions, place in done]
        found.append(
            {
                "since": shown(since),
                "until": shown(until),
                "completed": len(done),
                "lead_time": percentiles(leads),
                "cycle_time": percentiles(cycles),
            }
        )
    return found


def begun_at(versions: Sequence[Version], place: int) -> datetime:
    left = (one for one in versions[:place] if one.row.column != versions[0].row.column)
    return next(left, versions[0]).event.at


def naive_ageing(tasks: Tasks, chart: Chart) -> Any:
    found = list[dict[str, Any]]()
    for at in chart.edges:
        rows = [row for row in listed(tasks, chart, at) if row.status == "open"]
        columns = sorted({row.column for row in rows})
        ages = {column: [at - row.created_at for row in rows if row.column == column] for column in columns}
        each = [{"column": column, "count": len(of), "age": percentiles(of)} for column, of in ages.items()]
        found.append({"at": shown(at), "columns": each})
    return found


def percentiles(durations: Sequence[timedelta]) -> Any:
    if not durations:
        return None
    ordered = sorted(durations)
    at = {f"p{share}": ordered[math.ceil(len(ordered) * share / 100) - 1] for share in (50, 85, 95)}
    return {name: round(duration.total_seconds()) for name, duration in at.items()}


def shown(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


NAIVE = (naive_flow, naive_burndown, naive_throughput, naive_cycle_time, naive_ageing)


def test_charts_are_what_was_so(database: SyncConnection, owner: SyncConnection) -> None:
    chart_law(database, owner)()


def the_filter_of_now(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(charts, "_together", lambda _, parts: [parts])


def tasks_of_the_trash(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(charts, "_AT_EDGES", charts._AT_EDGES.replace("not task.trashed", "true"))  # noqa: SLF001 - as above


def changes_without_what_was_before(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(charts, "_CHANGES", charts._CHANGES.replace("before.valid_to = task.valid_from", "false"))  # noqa: SLF001 - as above


@pytest.mark.parametrize("plant", [the_filter_of_now, tasks_of_the_trash, changes_without_what_was_before])
def test_a_planted_defect_is_noticed(
    database: SyncConnection,
    owner: SyncConnection,
    monkeypatch: pytest.MonkeyPatch,
    plant: Callable[[pytest.MonkeyPatch], None],
) -> None:
    plant(monkeypatch)
    assert_check_fails(chart_law(database, owner))
