"""The trash of a workspace over HTTP."""

from typing import Annotated
from uuid import UUID

from litestar.params import QueryParameter

from api.function_endpoint import get
from api.http.parameters import CursorParam, LimitParam, MinPositionParam
from api.http.response import Response
from api.ledger import AuthedRequest, Ledger
from projections import trash
from projections.pagination import Page
from projections.trash import Trashed, TrashKind

KindParam = Annotated[TrashKind | None, QueryParameter(description="Only tasks or only projects.")]


@get("/workspaces/{workspace}/trash")
async def show_trash(
    workspace: UUID,
    request: AuthedRequest,
    ledger: Ledger,
    kind: KindParam = None,
    limit: LimitParam = 50,
    cursor: CursorParam = None,
    min_position: MinPositionParam = None,
) -> Response[Page[Trashed]]:
    """List the trash of a workspace, newest first, with the time of permanent deletion.

    The tasks of a project in the trash are not listed one by one.
    """
    question = trash.page(workspace, kind, ledger.settings.trash_days, limit, cursor)
    return await ledger.read(request, question, min_position)
