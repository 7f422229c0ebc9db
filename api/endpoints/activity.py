"""Activity over HTTP: what happened in a workspace."""

from typing import Annotated
from uuid import UUID

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from api.http.addressing import given_id
from api.http.history import HistoryItem
from api.http.parameters import Cursor, Limit, MinPosition, Moment, moment
from api.http.problems import Malformed
from api.http.response import Response
from api.ledger import Asked, Ledger
from domain import codec
from projections import activity
from projections.activity import Chosen
from projections.pagination import Page

Actor = Annotated[UUID | None, QueryParameter(description="Only what this user did.")]
Type = Annotated[str | None, QueryParameter(description="Only events of this name, as in TaskCompleted.")]


@get("/workspaces/{workspace:str}/activity")
async def show_activity(
    workspace: FromPath[str],
    request: Asked,
    ledger: NamedDependency[Ledger],
    actor: Actor = None,
    type: Type = None,  # noqa: A002 - the parameter's name
    since: Moment = None,
    until: Moment = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    min_position: MinPosition = None,
) -> Response[Page[HistoryItem]]:
    """What happened in a workspace, newest first: from `since` on, before `until`."""
    workspace_id = given_id(workspace)
    if type is not None and type not in codec.known():
        raise Malformed("invalid_parameter", f"There is no event {type[:100]!r}.", pointer="?type")
    chosen = Chosen(actor, type, moment("since", since), moment("until", until))
    return await ledger.recounted(request, activity.page(workspace_id, chosen, limit, cursor), min_position)
