"""Activity over HTTP: the events of a workspace."""

from typing import Annotated
from uuid import UUID

from litestar.params import QueryParameter
from msgspec import Meta

from api.function_endpoint import get
from api.http.history_items import HistoryItem
from api.http.parameters import CursorParam, LimitParam, MinPositionParam, TimeParam, parse_time
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


ActorParam = Annotated[UUID | None, QueryParameter(description="Only events caused by this user.")]
EventTypeParam = Annotated[
    str | None,
    QueryParameter(description="Only events of this type, such as TaskCompleted."),
    Meta(extra={"check": _require_event_type}),
]


@get("/workspaces/{workspace}/activity")
async def show_activity(
    workspace: UUID,
    request: AuthedRequest,
    ledger: Ledger,
    actor: ActorParam = None,
    type: EventTypeParam = None,  # noqa: A002 - the parameter's name
    since: TimeParam = None,
    until: TimeParam = None,
    limit: LimitParam = 50,
    cursor: CursorParam = None,
    min_position: MinPositionParam = None,
) -> Response[Page[HistoryItem]]:
    """List the events of a workspace, newest first, from `since` (inclusive) to `until` (exclusive)."""
    filters = ActivityFilter(actor, type, parse_time(since), parse_time(until))
    question, list_id = activity.page(workspace, filters, limit, cursor), activity.list_id(workspace, filters)
    return await ledger.activity(request, question, list_id, limit, min_position)
