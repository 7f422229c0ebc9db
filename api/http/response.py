"""The response: status, headers and a JSON body, encoded once and sent without further layers."""

from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

import litestar
import msgspec
from litestar.types import Receive, Scope, Send

from api.http.rate_limiting import rate_limit_fields

T = TypeVar("T")
NO_STORE = {"Cache-Control": "no-store"}
_BODILESS_STATUSES = frozenset({204, 304})
_encode = msgspec.json.Encoder().encode


@cache
def _encode_name(name: str) -> bytes:
    return name.lower().encode("latin-1")


def encode_field(name: str, value: str) -> tuple[bytes, bytes]:
    """A header as it is sent."""
    return _encode_name(name), value.encode("latin-1")


class Response(litestar.Response[T]):
    """The framework's response without cookies, encoders and background tasks, which were most of its cost.

    Content that is None is no body. The response is not stored by clients and proxies, unless `headers` say so: most
    answers are private.
    """

    media_type: str

    def __init__(
        self,
        content: T,
        *,
        status_code: int | None = None,
        media_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.content = content
        self.status_code = status_code
        self.media_type = media_type
        self.headers = {**NO_STORE, **(headers or {})}

    def to_asgi_response(self, app: Any, request: Any, *, status_code: int | None = None, **more: Any) -> Any:
        """The ASGI callable that sends it, with the handler's status unless it has its own: for the framework."""
        del app, request, more

        async def send_response(scope: Scope, receive: Receive, send: Send) -> None:
            del receive
            await self.send(scope, send, status_code or 200)

        return send_response

    async def send(self, scope: Scope, send: Send, status: int) -> None:
        """Send it, with this status unless it has its own."""
        status = self.status_code or status
        fields = [encode_field(name, value) for name, value in self.headers.items()]
        body = b""
        if status not in _BODILESS_STATUSES:
            if self.content is not None:
                body = self.content if isinstance(self.content, bytes) else _encode(self.content)
                fields.append((b"content-type", self.media_type.encode()))
            fields.append((b"content-length", b"%d" % len(body)))
        fields += rate_limit_fields(scope, status)
        await send({"type": "http.response.start", "status": status, "headers": fields})
        await send({"type": "http.response.body", "body": body, "more_body": False})
