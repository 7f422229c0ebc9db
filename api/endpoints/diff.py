"""Diff over HTTP: what differs between two moments."""

from litestar.datastructures import ResponseHeader

from api.diff import read_diff
from api.function_endpoint import get
from api.http.diff_page import DiffPage
from api.http.diff_parameters import DiffQuery
from api.http.response import Response
from api.ledger import AuthedRequest, Ledger


@get(
    "/diff",
    response_headers=[
        ResponseHeader(name="Content-Language", description="The language of `sentences`.", documentation_only=True)
    ],
)
async def show_diff(request: AuthedRequest, ledger: Ledger, query: DiffQuery) -> Response[DiffPage]:
    """List what differs in a task, a project or a workspace between two moments, each with the events responsible.

    Each moment is a time or a position of the log: by default before the first event, and now, which stays the same on
    all pages. What is in the trash is not there, nor is a task in another project; what was purged since is left out.
    Permissions are those of today. `sentences` say the same in the language of `Accept-Language`: `en` or `ru`.
    """
    return await read_diff(request, ledger, query)
