"""Tracing: the trace of a request, from its `traceparent` (W3C Trace Context) or a new one; security headers.

The commands of a work session, which a header names, belong to that session instead.
"""

import re
from collections.abc import Awaitable
from contextvars import ContextVar
from typing import Any
from uuid import UUID

from litestar import Request
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from api.http import headers
from api.http.malformed_request import MalformedRequest
from domain.event import UNTRACED, Trace
from infra.ids import new_id

_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(-.*)?")
_SESSION = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_trace: ContextVar[Trace] = ContextVar("trace", default=UNTRACED)

SECURITY_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
]


def current_trace() -> Trace:
    """The trace of the current request."""
    return _trace.get()


def current_trace_id() -> str:
    """The trace id of the current request; 32 hexadecimal digits."""
    correlation = _trace.get().correlation_id
    return correlation.hex if correlation else ""


def command_trace(request: Request[Any, Any, Any]) -> Trace:
    """What is stored of the origin of the commands of a request: the trace, or the work session, caused by the trace.

    Raises MalformedRequest for a session that is no id.
    """
    sent = headers.lines(request, b"taskledger-session")
    if not sent:
        return current_trace()
    if len(sent) > 1 or not _SESSION.fullmatch(sent[0]):
        raise MalformedRequest("invalid_session", "A Taskledger-Session is one UUID that you choose.")
    return Trace(UUID(sent[0]), current_trace_id() or None)


def with_tracing(app: ASGIApp) -> ASGIApp:
    """Wrap the application, so that every response has a trace id and the security headers."""

    def middleware(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] != ScopeType.HTTP:
            return app(scope, receive, send)
        _trace.set(_trace_of(scope))

        def send_with_headers(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message["headers"],
                    *SECURITY_HEADERS,
                    (b"trace-id", current_trace_id().encode()),
                ]
            return send(message)

        return app(scope, receive, send_with_headers)

    return middleware


def _trace_of(scope: Scope) -> Trace:
    for name, value in scope["headers"]:
        if name == b"traceparent":
            match = _TRACEPARENT.fullmatch(value.decode("latin-1"))
            return Trace(UUID(match[1]), match[2]) if match else Trace(new_id())
    return Trace(new_id())
