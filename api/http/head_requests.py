"""HEAD requests: answered like the same GET, without the body (RFC 9110, section 9.3.2)."""

from collections.abc import Awaitable

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send


def with_head(app: ASGIApp) -> ASGIApp:
    """Wrap the application, so that every GET route answers HEAD too, and says so to OPTIONS."""

    def middleware(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == ScopeType.HTTP:
            if scope["method"] == "HEAD":
                return app({**scope, "method": "GET"}, receive, _without_body(send))
            if scope["method"] == "OPTIONS":
                return app(scope, receive, _allowing_head(send))
        return app(scope, receive, send)

    return middleware


def allowed_methods(framework_value: str) -> str:
    """The value of `Allow`: what the framework allows, with HEAD wherever it has GET."""
    return f"{framework_value}, HEAD" if "GET" in framework_value.split(", ") else framework_value


def _without_body(send: Send) -> Send:
    async def send_without_body(message: Message) -> None:
        if message["type"] == "http.response.body":
            message["body"] = b""
        await send(message)

    return send_without_body


def _allowing_head(send: Send) -> Send:
    async def send_allowing_head(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [
                (name, allowed_methods(value.decode()).encode() if name == b"allow" else value)
                for name, value in message["headers"]
            ]
        await send(message)

    return send_allowing_head
