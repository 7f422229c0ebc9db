"""The home page: the addresses of what a server has, for people; its `Link` header has them for programs."""

from html import escape

from api.function_endpoint import get
from api.http.response import Response
from api.ledger import BASE_PATH
from api.openapi.event_schema import EVENT_SCHEMAS_PATH
from api.openapi.page.css import CONTENT_SECURITY_POLICY, CSS
from api.openapi.page.html import render_table
from api.system.docs import DOCS_PATH, HTML_MEDIA_TYPE, OPENAPI_PATH
from api.system.problem_pages import PROBLEMS_PATH

HOME_PATH = "/"
ADDRESSES = {
    DOCS_PATH: "The documentation of the HTTP API, with an example of every request.",
    OPENAPI_PATH: "The same for programs (OpenAPI 3.1): generate a client from it.",
    PROBLEMS_PATH: "Every error code, and what to do about it.",
    EVENT_SCHEMAS_PATH: "The JSON Schema of every event that the log can hold.",
    "/health": "Whether this server answers.",
}
"""What everyone may read, and what it is."""
LINKS = {"service-doc": DOCS_PATH, "service-desc": OPENAPI_PATH, "status": "/health"}
"""The relations of the `Link` header (RFC 8631)."""


@get(HOME_PATH, is_public=True, is_documented=False)
async def show_home() -> Response[bytes]:
    """Show what this server has, with links."""
    headers = {
        "Content-Security-Policy": CONTENT_SECURITY_POLICY,
        "Link": ", ".join(f'<{path}>; rel="{relation}"' for relation, path in LINKS.items()),
    }
    return Response(_PAGE, media_type=HTML_MEDIA_TYPE, headers=headers)


def _render_page() -> str:
    rows = [(f"<a href={path}>{path}</a>", escape(text)) for path, text in ADDRESSES.items()]
    return (
        "<!doctype html><html lang=en><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width, initial-scale=1'>"
        f"<title>Taskledger</title><style>{CSS}</style><body><nav><b>Taskledger</b></nav><main><h1>Taskledger</h1>"
        "<p>A task backend that never loses an edit and never forgets. "
        f"The API is below <code>{BASE_PATH}</code>; these addresses need no token.</p>{render_table(rows)}</main>"
    )


_PAGE = _render_page().encode()
