"""API documentation over HTTP: the OpenAPI document and its HTML page."""

from typing import Any

import msgspec
from litestar import Request, Response, get

from api.http.authentication import PUBLIC
from api.openapi.document import build_document
from api.openapi.page import render_page
from api.openapi.schemas import Schema


@get("/openapi.json", opt=PUBLIC, include_in_schema=False, sync_to_thread=True)
def show_openapi(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Show the OpenAPI document."""
    return Response(msgspec.json.encode(_openapi_document(request)), media_type="application/json")


@get("/docs", opt=PUBLIC, include_in_schema=False, sync_to_thread=True)
def show_docs(request: Request[Any, Any, Any]) -> Response[str]:
    """Show the OpenAPI document as an HTML page without external resources."""
    return Response(render_page(_openapi_document(request)), media_type="text/html; charset=utf-8")


def _openapi_document(request: Request[Any, Any, Any]) -> Schema:
    """The document, built once per application on first request."""
    state = request.app.state
    if "description" not in state:
        state.description = build_document(request.app)
    description: Schema = state.description
    return description
