"""API documentation over HTTP: the OpenAPI document and its HTML page."""

from collections.abc import Callable
from typing import Any

import msgspec
from litestar import Litestar, Request

from api.function_endpoint import get
from api.http.response import Response
from api.openapi.document import build_document
from api.openapi.page import render_page
from api.openapi.page.css import CONTENT_SECURITY_POLICY
from api.openapi.schemas import Schema

DOCS_PATH, OPENAPI_PATH = "/docs", "/openapi.json"
HTML_MEDIA_TYPE = "text/html; charset=utf-8"


@get(OPENAPI_PATH, is_public=True, is_documented=False)
def show_openapi(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Show the OpenAPI document."""
    return Response(_built_once(request.app, "openapi_json", _openapi_json))


@get(DOCS_PATH, is_public=True, is_documented=False)
def show_docs(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Show the OpenAPI document as an HTML page without external resources."""
    page = _built_once(request.app, "docs_page", _docs_page)
    return Response(page, media_type=HTML_MEDIA_TYPE, headers={"Content-Security-Policy": CONTENT_SECURITY_POLICY})


def _openapi_json(app: Litestar) -> bytes:
    return msgspec.json.encode(_document(app))


def _docs_page(app: Litestar) -> bytes:
    return render_page(_document(app)).encode()


def _document(app: Litestar) -> Schema:
    document: Schema = _built_once(app, "openapi_document", lambda _: build_document(app.state.endpoints))
    return document


def _built_once(app: Litestar, name: str, build: Callable[[Litestar], Any]) -> Any:
    """What `build` makes, kept in the application after the first request."""
    if name not in app.state:
        app.state[name] = build(app)
    return app.state[name]
