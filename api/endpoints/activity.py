"""Activity over HTTP: the events of a workspace, and how many a project had over time."""

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from msgspec import Meta, field

from api.function_endpoint import get
from api.history import project_scope, read_activity
from api.http.conditional_response import conditional_response
from api.http.history_items import HistoryItem
from api.http.history_parameters import ActivityQuery
from api.http.malformed_request import MalformedRequest
from api.http.parameters import ReadQuery, Time, parse_time
from api.http.response import Response
from api.ledger import AuthedRequest, Ledger
from commands.command import require_found
from commands.validation import FieldError, describe
from infra import clock
from projections import activity_density
from projections.activity import ActivityScope
from projections.activity_density import ActivityDensity
from projections.pagination import Page


@get("/workspaces/{workspace}/activity")
async def show_activity(
    workspace: UUID, request: AuthedRequest, ledger: Ledger, query: ActivityQuery
) -> Response[Page[HistoryItem]]:
    """List the events of a workspace, newest first, from `since` (inclusive) to `until` (exclusive)."""
    return await read_activity(request, ledger, ActivityScope(workspace), query)


class DensityQuery(ReadQuery, frozen=True):
    """The parameters of the density of a project's activity."""

    from_: Time = field(default=None, name="from")
    to: Time = None
    buckets: Annotated[int, Meta(ge=1, le=1_000, description="The number of equal spans of time.")] = 100


@get("/projects/{project}/activity/density")
async def show_activity_density(
    project: UUID, request: AuthedRequest, ledger: Ledger, query: DensityQuery
) -> Response[ActivityDensity]:
    """Count the events of a project, and of the tasks that are in it now, in equal spans of time.

    `from` is inclusive, by default the first event of the project; `to` is exclusive, by default now.
    """
    scope = await project_scope(ledger, project)
    await ledger.permissions.require_access(request.user.user_id, scope.workspace_id, project)
    (first,) = await ledger.log.load_stream(project, 1, 1)
    start, end = parse_time(query.from_) or first.at, parse_time(query.to) or _next_second()
    if start >= end:
        errors = [_span_error(query)]
        raise MalformedRequest("invalid_parameter", describe(errors), errors=errors)
    question = activity_density.by_time(scope, start, end, query.buckets)
    found = await ledger.fetch(request, question, query.min_position)
    return conditional_response(request, require_found(found.answer), found.position, found.age_s)


def _span_error(query: DensityQuery) -> FieldError:
    """What is wrong with a span of time that ends before it begins."""
    if query.from_:
        return FieldError("?from", "invalid_value", "must be before to, which is now if it is not given")
    return FieldError("?to", "invalid_value", "must be after the first event of the project")


def _next_second() -> datetime:
    """The end of the present second, for which an answer is cached."""
    return clock.now().replace(microsecond=0) + timedelta(seconds=1)
