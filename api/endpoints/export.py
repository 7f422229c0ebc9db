"""Export over HTTP: the history of a workspace as a file."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from litestar.datastructures import ResponseHeader
from msgspec import Meta, Struct

from api.function_endpoint import get
from api.http.conditional_response import POSITION_HEADER
from api.http.content_disposition import attachment_disposition
from api.http.history_export import MEDIA_TYPES, HistoryExport
from api.http.response import Response
from api.http.streamed_response import StreamedResponse
from api.ledger import AuthedRequest, Ledger
from commands.access import RecordExport
from domain.access import ExportFormat


class ExportQuery(Struct, frozen=True):
    """The parameters of an export."""

    format: Annotated[ExportFormat, Meta(description="Lines of JSON, or CSV with a row for each changed field.")] = (
        "jsonl"
    )


@get(
    "/workspaces/{workspace}/export",
    media_type=MEDIA_TYPES["jsonl"],
    other_media_types=[MEDIA_TYPES["csv"]],
    response_headers=[
        ResponseHeader(
            name="Content-Disposition", description="The name of the file, to save it under.", documentation_only=True
        ),
        ResponseHeader(
            name=POSITION_HEADER, description="The position that the export goes up to.", documentation_only=True
        ),
    ],
)
async def export_history(
    workspace: UUID, request: AuthedRequest, ledger: Ledger, query: ExportQuery
) -> Response[bytes]:
    """Download the whole history of a workspace, oldest first: what the activity lists, and its bookkeeping.

    Of what was purged only the fact is left. In CSV, a cell that a spreadsheet would take for a formula begins with an
    apostrophe.
    """
    await ledger.permissions.require_access(request.user.user_id, workspace)
    head = await ledger.log.head()
    await ledger.access_log.record(request.user, RecordExport(workspace_id=workspace, format=query.format))
    return StreamedResponse(
        HistoryExport(ledger.log, workspace, head, query.format),
        None,
        status_code=HTTPStatus.OK.value,
        media_type=MEDIA_TYPES[query.format],
        headers={
            "Content-Disposition": attachment_disposition(f"history.{query.format}"),
            POSITION_HEADER: str(head),
        },
    )
