"""API documentation over HTTP: the OpenAPI document and its HTML page."""

from typing import Any

import msgspec
from litestar import Request, get

from api.http.authentication import PUBLIC
from api.http.response import Response
from api.openapi.document import build_document
from api.openapi.page import render_page
from api.openapi.page.css import CONTENT_SECURITY_POLICY
from api.openapi.schemas import Schema

HTML_MEDIA_TYPE = "text/html; charset=utf-8"


@get("/openapi.json", opt=PUBLIC, include_in_schema=False, sync_to_thread=True)
def show_openapi(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Show the OpenAPI document."""
    return Response(msgspec.json.encode(_openapi_document(request)))


@get("/docs", opt=PUBLIC, include_in_schema=False, sync_to_thread=True)
def show_docs(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Show the OpenAPI document as an HTML page without external resources."""
    page = render_page(_openapi_document(request)).encode()
    return Response(page, media_type=HTML_MEDIA_TYPE, headers={"Content-Security-Policy": CONTENT_SECURITY_POLICY})


def _openapi_document(request: Request[Any, Any, Any]) -> Schema:
    """The document, built once per application on first request."""
    state = request.app.state
    if "description" not in state:
        state.description = build_document(request.app)
    description: Schema = state.description
    return description
