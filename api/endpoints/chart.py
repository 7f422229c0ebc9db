"""Charts over HTTP: what the tasks of a project were over time."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final
from uuid import UUID

from msgspec import Meta, field

from api.function_endpoint import get
from api.http.malformed_request import MalformedRequest
from api.http.parameters import ReadQuery, Time, parse_time
from api.http.response import Response
from api.http.task_parameters import Filter
from api.ledger import AuthedRequest, Ledger
from api.task_queries import filter_context, load_zone
from commands.validation import FieldError, describe
from infra import clock
from projections.charts.ageing import Ageing, ageing
from projections.charts.burndown import Burndown, burndown
from projections.charts.chart import Chart
from projections.charts.cumulative_flow import CumulativeFlow, cumulative_flow
from projections.charts.cycle_time import CycleTime, cycle_time
from projections.charts.spans import MAX_SPANS, Bucket, edges
from projections.charts.throughput import Throughput, throughput
from projections.question import Question
from projections.task_page_sql import project_scope

_DEFAULT_LENGTH: Final = timedelta(days=30)
_EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)


class ChartQuery(ReadQuery, frozen=True):
    """The parameters of a chart."""

    filter: Filter = ""
    from_: Time = field(default=None, name="from")
    to: Time = None
    bucket: Annotated[Bucket, Meta(description="The spans that the time is cut into, in your time zone.")] = "day"


async def _answer(
    request: AuthedRequest, ledger: Ledger, project: UUID, query: ChartQuery, ask: Callable[[Chart], Question]
) -> Response[Any]:
    """The chart, once the read models have what happened up to its end. Raises MalformedRequest, InTheFuture."""
    moment = await ledger.moment(request, query.to, None)
    end = parse_time(query.to) or clock.now().replace(microsecond=0) + timedelta(seconds=1)
    if end < _EARLIEST + _DEFAULT_LENGTH:
        raise _refusal("?to", f"must be in {_EARLIEST.year} or later")
    start = parse_time(query.from_) or end - _DEFAULT_LENGTH
    if start < _EARLIEST:
        raise _refusal("?from", f"must be in {_EARLIEST.year} or later")
    if start >= end:
        raise _refusal("?from", "must be before to, which is now if it is not given")
    zone = await load_zone(request, ledger, project_scope(project)) or UTC
    spans = edges(start, end, query.bucket, zone)
    if spans is None:
        raise _refusal("?bucket", f"must cut the time into at most {MAX_SPANS} spans")
    context = await filter_context(request, ledger, query.filter, project_scope(project), query.min_position)
    question = ask(Chart(project, query.filter, context, spans))
    wanted = max(query.min_position or 0, moment.required_position if moment else 0)
    return await ledger.read(request, question, wanted or None)


def _refusal(pointer: str, words: str) -> MalformedRequest:
    errors = [FieldError(pointer, "invalid_value", words)]
    return MalformedRequest("invalid_parameter", describe(errors), errors=errors)


@get("/projects/{project}/charts/cumulative-flow")
async def show_cumulative_flow(
    project: UUID, request: AuthedRequest, ledger: Ledger, query: ChartQuery
) -> Response[CumulativeFlow]:
    """Count the tasks in each column at the ends of spans of time, archived ones too.

    `from` is by default 30 days before `to`, which is by default now. Filters are about the tasks as they were. Columns
    that the project no longer has are counted by their ids.
    """
    return await _answer(request, ledger, project, query, cumulative_flow)


@get("/projects/{project}/charts/burndown")
async def show_burndown(project: UUID, request: AuthedRequest, ledger: Ledger, query: ChartQuery) -> Response[Burndown]:
    """Count the open and the done tasks, and add their estimates, at the ends of spans of time.

    The parameters are those of the cumulative flow.
    """
    return await _answer(request, ledger, project, query, burndown)


@get("/projects/{project}/charts/throughput")
async def show_throughput(
    project: UUID, request: AuthedRequest, ledger: Ledger, query: ChartQuery
) -> Response[Throughput]:
    """Count how often tasks were created, completed and reopened in spans of time.

    The parameters are those of the cumulative flow; a filter is about a task as it was right after that.
    """
    return await _answer(request, ledger, project, query, throughput)


@get("/projects/{project}/charts/cycle-time")
async def show_cycle_time(
    project: UUID, request: AuthedRequest, ledger: Ledger, query: ChartQuery
) -> Response[CycleTime]:
    """Show how long the tasks that were completed in spans of time had taken.

    The parameters are those of the cumulative flow; a filter is about a task as it was right after its completion.
    """
    return await _answer(request, ledger, project, query, cycle_time)


@get("/projects/{project}/charts/ageing")
async def show_ageing(project: UUID, request: AuthedRequest, ledger: Ledger, query: ChartQuery) -> Response[Ageing]:
    """Show how old the open tasks of each column were at the ends of spans of time.

    The parameters are those of the cumulative flow.
    """
    return await _answer(request, ledger, project, query, ageing)
