"""Description over HTTP: what this instance can be asked, for programs and for people."""

from typing import Any

import msgspec
from litestar import Request, Response, get

from api.http.authentication import PUBLIC
from api.openapi.document import build_document
from api.openapi.page import render_page
from api.openapi.schemas import Schema


@get("/openapi.json", opt=PUBLIC, include_in_schema=False, sync_to_thread=True)
def show_openapi(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The OpenAPI description."""
    return Response(msgspec.json.encode(_openapi_document(request)), media_type="application/json")


@get("/docs", opt=PUBLIC, include_in_schema=False, sync_to_thread=True)
def show_docs(request: Request[Any, Any, Any]) -> Response[str]:
    """The same as a page that loads nothing from anywhere."""
    return Response(render_page(_openapi_document(request)), media_type="text/html; charset=utf-8")


def _openapi_document(request: Request[Any, Any, Any]) -> Schema:
    """Made once for each application, when somebody first asks for it."""
    state = request.app.state
    if "description" not in state:
        state.description = build_document(request.app)
    description: Schema = state.description
    return description
