"""The trash of a workspace over HTTP."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta

from api.function_endpoint import get
from api.http.parameters import PageQuery
from api.http.response import Response
from api.ledger import AuthedRequest, Ledger
from projections import trash
from projections.pagination import Page
from projections.trash import Trashed, TrashKind


class TrashQuery(PageQuery, frozen=True):
    """The parameters of the trash."""

    kind: Annotated[TrashKind | None, Meta(description="Only tasks or only projects.")] = None


@get("/workspaces/{workspace}/trash")
async def show_trash(
    workspace: UUID, request: AuthedRequest, ledger: Ledger, query: TrashQuery
) -> Response[Page[Trashed]]:
    """List the trash of a workspace, newest first, with the time of permanent deletion.

    The tasks of a project in the trash are not listed one by one.
    """
    question = trash.page(workspace, query.kind, ledger.settings.trash_days, query.limit, query.cursor)
    return await ledger.read(request, question, query.min_position)
