"""The writer of a response: uvicorn's, with the head checked and written as a whole instead of field by field."""

import asyncio
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, cast

from uvicorn._types import ASGI3Application, ASGIReceiveEvent, ASGISendEvent
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from api.http import streamed_body
from api.http.streamed_response import ClientDisconnected
from infra import admission
from infra.admission import Place

BODILESS_STATUSES = {204, 304}


class StreamingConnection(Protocol):
    """What a writer tells its connection of a body that is streamed."""

    def stream_body(self) -> None: ...

    def release_consumed(self, writer: "ResponseWriter", count: int) -> None: ...


class ResponseWriter(RequestResponseCycle):
    """Calls the application for a request, which has its `place` until then, and sends one response.

    Names of fields are in lower case, as ASGI wants them.
    """

    def __init__(
        self,
        connection: HttpToolsProtocol,
        on_response: Callable[[], None],
        place: Place | None,
        *,
        keep_alive: bool,
    ) -> None:
        super().__init__(
            connection.scope,
            connection.transport,
            connection.flow,
            connection.logger,
            connection.access_logger,
            False,  # noqa: FBT003 - uvicorn's access log
            connection.server_state.default_headers,
            asyncio.Event(),
            connection.expect_100_continue,
            keep_alive,
            on_response,
        )
        self.place = place
        self.held_body_bytes = 0
        self.is_streamed = False
        self._connection = weakref.ref(cast("StreamingConnection", connection))

    async def run_asgi(self, app: ASGI3Application) -> None:
        """As uvicorn does."""
        if self.more_body:
            streamed_body.let_begin(self._stream_body)
        if self.place is None:
            await super().run_asgi(app)
            return
        admission.begin(self.place)
        try:
            await super().run_asgi(app)
        finally:
            self.place.end()

    async def receive(self) -> ASGIReceiveEvent:
        """As uvicorn does; of a streamed body, what is received is no longer in memory a moment later."""
        message = await super().receive()
        connection = self._connection()
        if self.is_streamed and connection and message["type"] == "http.request":
            connection.release_consumed(self, len(message["body"]))
        return message

    def _stream_body(self) -> None:
        connection = self._connection()
        if connection:
            self.is_streamed = True
            connection.stream_body()

    async def send(self, message: ASGISendEvent) -> None:
        """Send the head here, and bodies as uvicorn does. Raises RuntimeError for a field that is not one line.

        While the client does not read, another request may have the place of this one.
        """
        if self.flow.write_paused and self.place:
            self.place.leave()
        if self.response_started or message["type"] != "http.response.start":
            await super().send(message)
            if self.disconnected and message.get("more_body"):
                raise ClientDisconnected
            return
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        self.response_started = True
        self.waiting_for_100_continue = False
        self.transport.write(self._head(message["status"], [*self.default_headers, *message.get("headers", ())]))

    def _head(self, status: int, headers: Sequence[tuple[bytes, bytes]]) -> bytes:
        lines = [name + b": " + value for name, value in headers]
        lines += self._frame(status, dict(headers))
        head = STATUS_LINE[status] + b"\r\n".join(lines) + b"\r\n\r\n"
        line_ends = len(lines) + 2
        if head.count(b"\n") != line_ends or head.count(b"\r") != line_ends or b"\0" in head:
            raise RuntimeError("a header contains a line end or NUL")
        return head

    def _frame(self, status: int, fields: Mapping[bytes, bytes]) -> list[bytes]:
        """Find out where the body ends, and whether the connection does; the lines that are missing for it."""
        missing = []
        if fields.get(b"transfer-encoding", b"").lower() == b"chunked":
            self.chunked_encoding = True
        elif b"content-length" in fields:
            self.chunked_encoding = False
            self.expected_content_length = int(fields[b"content-length"])
        elif self.scope["method"] != "HEAD" and status not in BODILESS_STATUSES:
            self.chunked_encoding = True
            missing.append(b"transfer-encoding: chunked")
        if b"close" in fields.get(b"connection", b"").lower():
            self.keep_alive = False
        elif not self.keep_alive:
            missing.append(b"connection: close")
        return missing
