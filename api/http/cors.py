"""CORS: lets web pages of listed origins call the API from a browser; by default, of none.

Tokens are sent in a header, so requests with credentials of the browser (cookies) are not allowed.
"""

from typing import Final

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

ALLOWED_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE"
ALLOWED_HEADERS = (
    "Accept-Language",
    "Authorization",
    "Content-Disposition",
    "Content-Type",
    "Idempotency-Key",
    "Taskledger-Session",
    "If-Match",
    "If-None-Match",
    "If-Range",
    "Prefer",
    "Range",
    "traceparent",
    "tracestate",
)
EXPOSED_HEADERS = (
    "Accept-Ranges",
    "Age",
    "Allow",
    "Content-Disposition",
    "Content-Range",
    "ETag",
    "Idempotent-Replayed",
    "Link",
    "Location",
    "Memento-Datetime",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "Taskledger-Position",
    "Taskledger-Stale",
    "Taskledger-Zone",
    "Trace-Id",
    "WWW-Authenticate",
)
PREFLIGHT_MAX_AGE_S = 7200
"""The longest time that Chromium keeps the answer to a preflight."""
_DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}
_VARY = (b"vary", b"Origin")
_PREFLIGHT_HEADERS = [
    (b"access-control-allow-methods", ALLOWED_METHODS.encode()),
    (b"access-control-allow-headers", ", ".join(ALLOWED_HEADERS).encode()),
    (b"access-control-max-age", str(PREFLIGHT_MAX_AGE_S).encode()),
]
_Headers = list[tuple[bytes, bytes]]


class CorsPolicy:
    """The origins that may use the API, from their list in the settings; compared as a whole."""

    def __init__(self, origins: str) -> None:
        named = (_without_default_port(each.strip()) for each in origins.split(",") if each.strip())
        self._headers_by_origin: dict[bytes, _Headers] = {each.encode(): _response_headers(each) for each in named}

    def allows_any(self) -> bool:
        """Whether any origin is listed."""
        return bool(self._headers_by_origin)

    def headers_for(self, request_headers: _Headers) -> tuple[_Headers, bool]:
        """What every response to the request must have, and whether its origin is allowed."""
        for name, value in request_headers:
            if name == b"origin":
                found = self._headers_by_origin.get(value)
                return ([_VARY], False) if found is None else (found, True)
        return [_VARY], False


def with_cors(app: ASGIApp, policy: CorsPolicy) -> ASGIApp:
    """Wrap the application: preflights of allowed origins are answered here, and every response gets its headers."""

    async def middleware(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return
        headers, is_allowed = policy.headers_for(scope["headers"])  # type: ignore[arg-type]
        if is_allowed and _is_preflight(scope):
            headers = [*headers, *_PREFLIGHT_HEADERS]
            await send({"type": "http.response.start", "status": 204, "headers": headers})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *headers]
            await send(message)

        await app(scope, receive, send_with_headers)

    return middleware


def _is_preflight(scope: Scope) -> bool:
    return scope["method"] == "OPTIONS" and any(  # type: ignore[typeddict-item]
        name == b"access-control-request-method" for name, _ in scope["headers"]
    )


def _response_headers(origin: str) -> _Headers:
    exposed = ", ".join(EXPOSED_HEADERS).encode()
    return [
        (b"access-control-allow-origin", origin.encode()),
        (b"access-control-expose-headers", exposed),
        _VARY,
    ]


def _without_default_port(origin: str) -> str:
    """As browsers write it."""
    return origin.removesuffix(_DEFAULT_PORTS.get(origin.partition(":")[0], ""))
