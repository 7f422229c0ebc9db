"""An HTTP/1.1 connection: uvicorn's, with limits on what a client may send and on how much it may ask at once."""

import asyncio
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import unquote

import httptools

from api.connections import problems, request_head
from api.connections.admitting_connection import AdmittingConnection
from api.connections.allowed_hosts import AllowedHosts
from api.connections.problems import RequestRefused
from api.connections.request_clock import Phase
from api.connections.request_head import MAX_HEAD_BYTES, MAX_HEADERS
from api.connections.response_writer import ResponseWriter
from infra.admission import Place

MAX_PIPELINED_REQUESTS = 32
PIECE_BYTES = 2 * 1024
"""How much the parser gets at a time; framing exceeds its limit by less than two pieces."""
CHUNK_FRAMING_BYTES = 20
"""The size of a chunk in 16 digits, and two line ends."""
ALWAYS_ADMITTED = {b"/health", b"/health/live", b"/health/ready", b"/health/detailed", b"/metrics"}
"""What an operator asks of a process that is overloaded."""


class Connection(AdmittingConnection):
    """The parser appends to what it holds of a header each time data arrive, so data are counted before it has them."""

    def __init__(
        self,
        *uvicorn_arguments: Any,
        draining: asyncio.Event,
        hosts_by_port: Mapping[int, AllowedHosts] | None = None,
        **arguments: Any,
    ) -> None:
        super().__init__(*uvicorn_arguments, **arguments)
        self.draining = draining
        self._hosts_by_port = hosts_by_port or {}
        self._allowed_hosts: AllowedHosts | None = None
        self._is_just_admitted = False
        self._place: Place | None = None
        self._framing_bytes = 0
        self.headers = []

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._allowed_hosts = self._hosts_by_port.get(self.server[1]) if self.server and self.server[1] else None
        self.registry.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.registry.remove(self)
        self.pipeline.clear()
        self._late_response = b""
        if self.running is not None:  # uvicorn tells only the request that arrived last
            self.running.disconnected = True
            self.running.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        for start in range(0, len(data), PIECE_BYTES):
            if self.is_refused:
                self.discard(len(data) - start)
                return
            self._feed(data[start : start + PIECE_BYTES])

    def _feed(self, data: bytes) -> None:
        self._framing_bytes += len(data)
        self._is_just_admitted = False
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # no upgrade is supported: the request is answered as if it had not asked for one
        except httptools.HttpParserError as error:
            self.refuse(_problem_of(error))
            return
        if self._framing_bytes > MAX_HEAD_BYTES or len(self.headers) > MAX_HEADERS:
            self.refuse(problems.HEAD_TOO_LARGE)

    def on_message_begin(self) -> None:
        self.send_late_response()
        super().on_message_begin()
        self.clock.begin(Phase.HEAD, self.loop.time())
        self.is_request_refused = False

    def on_headers_complete(self) -> None:
        """In place of uvicorn's: start the request, or let it wait for its turn, or refuse it."""
        version, headers = self.parser.get_http_version(), self.headers
        self.headers = headers.copy()  # which trailers join: they must not become headers of a request in progress
        request_head.check(self.url, headers, version)
        if not self.url.startswith(b"/health"):  # which probes ask by the address
            if self._allowed_hosts and not self._allowed_hosts.name(headers):
                raise RequestRefused(problems.UNKNOWN_HOST)
            if self.is_for_health_only:
                raise RequestRefused(problems.TOO_MANY_CONNECTIONS)
        if len(self.pipeline) >= MAX_PIPELINED_REQUESTS:
            raise RequestRefused(problems.OVERLOADED)
        self._framing_bytes = 0
        is_counted = self.url not in ALWAYS_ADMITTED
        is_next = self.running is None or self.running.response_complete
        if is_counted and is_next and not self.has_place():
            self.refuse_request()
        else:
            self._place = Place(self.admission) if is_counted else None
            self._is_just_admitted = True
            self._complete_scope(version)
            keep_alive = version != "1.0" and not self.draining.is_set() and self.parser.should_keep_alive()
            self.cycle = ResponseWriter(self, self.on_response_complete, self._place, keep_alive=keep_alive)
            if is_next:
                self._start_asgi_task(self.cycle, self.app)
            else:
                self.flow.pause_reading()
                self.pipeline.appendleft((self.cycle, self.app))
        self.begin_body()

    def on_chunk_header(self) -> None:
        self._framing_bytes = max(0, self._framing_bytes - CHUNK_FRAMING_BYTES)

    def on_body(self, body: bytes) -> None:
        self._framing_bytes = max(0, self._framing_bytes - len(body))
        self.clock.count_body(len(body))
        if self.is_answered():
            self.discard(len(body))
            return
        cast("ResponseWriter", self.cycle).held_body_bytes += len(body)
        if not self.registry.hold_body(self, len(body)):
            raise RequestRefused(problems.OVERLOADED)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._framing_bytes = 0
        if len(self.headers) > MAX_HEADERS:
            raise RequestRefused(problems.HEAD_TOO_LARGE)
        if self.is_answered():
            self.clock.begin(Phase.IDLE, self.loop.time())
            return
        if self._place and self.running is self.cycle:
            is_upload = cast("ResponseWriter", self.cycle).is_streamed  # which had its place when it began
            if not self._is_just_admitted and not is_upload and not self.has_place():  # any longer
                raise RequestRefused(problems.OVERLOADED)
            self._place.take()
        self.clock.begin(Phase.HANDLING, self.loop.time())
        super().on_message_complete()

    def _complete_scope(self, version: str) -> None:
        url = httptools.parse_url(self.url)
        path = url.path.decode("ascii")
        self.scope["method"] = self.parser.get_method().decode("ascii")
        self.scope["http_version"] = version
        self.scope["path"] = unquote(path) if "%" in path else path
        self.scope["raw_path"] = url.path
        self.scope["query_string"] = url.query or b""


def _problem_of(error: httptools.HttpParserError) -> problems.ConnectionProblem:
    """The parser wraps what a callback raises. A variable of the caller would keep the data alive, in a cycle."""
    cause = error.__context__
    return cause.problem if isinstance(cause, RequestRefused) else problems.MALFORMED
