"""Activity over HTTP: the events of a workspace."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta

from api.function_endpoint import get
from api.http.history_items import HistoryItem
from api.http.parameters import PageQuery, Time, parse_time
from api.http.response import Response
from api.ledger import AuthedRequest, Ledger
from commands.validation import suggestion
from domain import codec
from projections import activity
from projections.activity import ActivityFilter
from projections.pagination import Page


def _require_event_type(name: str) -> None:
    known = codec.all_event_types()
    if name not in known:
        meant = suggestion(name, list(known))
        raise ValueError("is no type of event" + (f": did you mean {meant}?" if meant else ""))


class ActivityQuery(PageQuery, frozen=True):
    """The parameters of the activity: which events to list."""

    actor: Annotated[UUID | None, Meta(description="Only events caused by this user.")] = None
    type: Annotated[
        str | None,
        Meta(description="Only events of this type, such as TaskCompleted.", extra={"check": _require_event_type}),
    ] = None
    since: Time = None
    until: Time = None


@get("/workspaces/{workspace}/activity")
async def show_activity(
    workspace: UUID, request: AuthedRequest, ledger: Ledger, query: ActivityQuery
) -> Response[Page[HistoryItem]]:
    """List the events of a workspace, newest first, from `since` (inclusive) to `until` (exclusive)."""
    filters = ActivityFilter(query.actor, query.type, parse_time(query.since), parse_time(query.until))
    question = activity.page(workspace, filters, query.limit, query.cursor)
    list_id = activity.list_id(workspace, filters)
    return await ledger.activity(request, question, list_id, query.limit, query.min_position)
