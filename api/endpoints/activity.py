"""Activity over HTTP: the events of a workspace."""

from uuid import UUID

from api.function_endpoint import get
from api.history import read_activity
from api.http.history_items import HistoryItem
from api.http.history_parameters import ActivityQuery
from api.http.response import Response
from api.ledger import AuthedRequest, Ledger
from projections.activity import ActivityScope
from projections.pagination import Page


@get("/workspaces/{workspace}/activity")
async def show_activity(
    workspace: UUID, request: AuthedRequest, ledger: Ledger, query: ActivityQuery
) -> Response[Page[HistoryItem]]:
    """List the events of a workspace, newest first, from `since` (inclusive) to `until` (exclusive)."""
    return await read_activity(request, ledger, ActivityScope(workspace), query)
