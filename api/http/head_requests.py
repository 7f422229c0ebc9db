"""HEAD requests: answered like the same GET, without the body (RFC 9110, section 9.3.2)."""

from collections.abc import Awaitable
from typing import Any, Final

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

HEAD_KEY: Final = "taskledger.head"
"""In the scope of a HEAD request: its answer need not read a body."""


def with_head(app: ASGIApp) -> ASGIApp:
    """Wrap the application, so that every GET route answers HEAD too."""

    def middleware(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == ScopeType.HTTP and scope["method"] == "HEAD":
            as_get: Any = {**scope, "method": "GET", HEAD_KEY: True}
            return app(as_get, receive, _without_body(send))
        return app(scope, receive, send)

    return middleware


def _without_body(send: Send) -> Send:
    async def send_without_body(message: Message) -> None:
        if message["type"] == "http.response.body":
            message["body"] = b""
        await send(message)

    return send_without_body
