"""An HTTP/1.1 connection: uvicorn's, with limits on what a client may send and on how long it may take."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from api.http import connection_problems as problems
from api.http.allowed_hosts import AllowedHosts
from api.http.connection_registry import ConnectionRegistry
from api.http.cors import CorsPolicy

MAX_HEAD_BYTES = 64 * 1024
"""Of the request line and headers of a request, with its trailers; also of one chunk extension."""
MAX_HEADERS = 100
MAX_DISCARDED_BYTES = 256 * 1024
"""How much of a body is read after its request was answered."""
LINGER_S = 1.0
"""How long a refused client may keep sending: closing while data arrive would destroy the response on its way."""
HEAD_TIMEOUT_S = 10.0
BODY_TIMEOUT_S = 30.0
MIN_BODY_BYTES_PER_S = 16 * 1024
"""A body that arrives at this rate on average may take longer than `BODY_TIMEOUT_S`."""
WRITE_TIMEOUT_S = 30.0
"""How long a client may take to read the rest of a response."""
KEEP_ALIVE_S = 75.0


class RequestRefused(Exception):
    """Raised in callbacks of the parser, which then stops; `problem` is the response."""

    def __init__(self, problem: problems.ConnectionProblem) -> None:
        super().__init__(problem.title)
        self.problem = problem


class Connection(HttpToolsProtocol):
    """The parser appends to what it holds of a header each time data arrive, so data are counted before it has them.

    `check_deadline` is called by the registry, about once a second.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        registry: ConnectionRegistry,
        draining: asyncio.Event,
        cors_policy: CorsPolicy | None = None,
        hosts_by_port: Mapping[int, AllowedHosts] | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.registry = registry
        self.draining = draining
        self.cors_policy = cors_policy if cors_policy and cors_policy.allows_any() else None
        self.is_for_health_only = False
        self.is_refused = False
        self._hosts_by_port = hosts_by_port or {}
        self._allowed_hosts: AllowedHosts | None = None
        self._host = b""
        self._unparsed_bytes = self._discarded_bytes = 0
        self._head_bytes = self._header_count = self._host_count = self._authorization_count = 0
        self._head_since: float | None = None
        self._body_since: float | None = None
        self._idle_since: float | None = None
        self._body_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._head_since = self.loop.time()
        self._allowed_hosts = self._hosts_by_port.get(self.server[1]) if self.server and self.server[1] else None
        self.registry.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.registry.remove(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        for start in range(0, len(data), MAX_HEAD_BYTES):
            if self.is_refused:
                self._discard(len(data) - start)
                return
            self._feed(data[start : start + MAX_HEAD_BYTES])

    def _feed(self, data: bytes) -> None:
        self._unparsed_bytes += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # no upgrade is supported: the request is answered as if it had not asked for one
        except httptools.HttpParserError as error:
            cause = error.__context__
            self._refuse(cause.problem if isinstance(cause, RequestRefused) else problems.MALFORMED)
            return
        if self._unparsed_bytes > MAX_HEAD_BYTES:
            self._refuse(problems.HEAD_TOO_LARGE)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_bytes = self._header_count = self._host_count = self._authorization_count = 0
        self._idle_since, self._head_since = None, self.loop.time()

    def on_url(self, url: bytes) -> None:
        self._count_head_bytes(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count_head_bytes(len(name) + len(value))
        self._header_count += 1
        if self._header_count > MAX_HEADERS:
            raise RequestRefused(problems.HEAD_TOO_LARGE)
        if self._head_since is None:
            return  # a trailer: it must not become a header of a request that is already being handled
        super().on_header(name, value)
        name = self.headers[-1][0]
        if name == b"host":
            self._host_count += 1
            self._host = value
        elif name == b"authorization":
            self._authorization_count += 1

    def on_headers_complete(self) -> None:
        if self._host_count != 1 and (self._host_count or self.parser.get_http_version() == "1.1"):
            raise RequestRefused(problems.INVALID_HOST)
        if self._authorization_count > 1:
            raise RequestRefused(problems.REPEATED_AUTHORIZATION)
        if not self.url.startswith(b"/health"):  # which probes ask by the address
            if self._allowed_hosts and self._host_count and self._host not in self._allowed_hosts:
                raise RequestRefused(problems.UNKNOWN_HOST)
            if self.is_for_health_only:
                raise RequestRefused(problems.TOO_MANY_CONNECTIONS)
        super().on_headers_complete()
        self._unparsed_bytes = self._body_bytes = self._discarded_bytes = 0
        self._head_since, self._body_since = None, self.loop.time()
        if self.draining.is_set():
            self.cycle.keep_alive = False

    def on_chunk_header(self) -> None:
        self._unparsed_bytes = 0

    def on_body(self, body: bytes) -> None:
        self._unparsed_bytes = 0
        self._body_bytes += len(body)
        if self.cycle.response_complete:
            self._discarded_bytes += len(body)
            if self._discarded_bytes > MAX_DISCARDED_BYTES:
                self._linger()
            return
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._unparsed_bytes, self._body_since = 0, None
        if self.cycle.response_complete:
            self._idle_since = self.loop.time()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._unset_keepalive_if_required()  # `check_deadline` closes idle connections
        if not self.pipeline and self._body_since is None and self._head_since is None:
            self._idle_since = self.loop.time()

    def close_after_response(self) -> None:
        """Make the response that is being prepared, if there is one, the last of this connection, and let it say so."""
        if self.cycle is not None and not self.cycle.response_started:
            self.cycle.keep_alive = False

    def check_deadline(self, now: float) -> None:
        """Close the connection, with a response if a request is incomplete, when the client takes too long."""
        if self.is_refused:
            return
        if self._idle_since is not None:
            if now - self._idle_since > WRITE_TIMEOUT_S and self.transport.get_write_buffer_size():
                self.transport.abort()  # the client does not read its response
            elif now - self._idle_since > KEEP_ALIVE_S:
                self.transport.close()
        elif self.flow.read_paused:
            return  # it is not the client that takes its time
        elif self._head_since is not None and now - self._head_since > HEAD_TIMEOUT_S:
            self._refuse(problems.REQUEST_TIMEOUT)
        elif self._body_since is not None:
            elapsed = now - self._body_since
            if elapsed > max(BODY_TIMEOUT_S, self._body_bytes / MIN_BODY_BYTES_PER_S):
                self._refuse(problems.REQUEST_TIMEOUT)

    def _count_head_bytes(self, count: int) -> None:
        self._head_bytes += count
        if self._head_bytes > MAX_HEAD_BYTES:
            raise RequestRefused(problems.HEAD_TOO_LARGE)

    def _refuse(self, problem: problems.ConnectionProblem) -> None:
        """Answer, unless an earlier response is on its way, and close."""
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            self.transport.write(problem.response(self._cors_headers()))
        elif cycle.more_body and not cycle.response_started:
            self.transport.write(problem.response(self._cors_headers()))
            cycle.disconnected = True
            cycle.message_event.set()
        else:
            cycle.keep_alive = False
            self.pipeline.clear()
            self.is_refused = True
            return
        self._linger()

    def _cors_headers(self) -> Sequence[tuple[bytes, bytes]]:
        """For the request as far as its headers have arrived."""
        return self.cors_policy.headers_for(self.headers or [])[0] if self.cors_policy else ()

    def _linger(self) -> None:
        """Send what is written, and read on for a moment."""
        self.is_refused = True
        self._discarded_bytes = 0
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(LINGER_S, self.transport.abort)

    def _discard(self, count: int) -> None:
        self._discarded_bytes += count
        if self._discarded_bytes > MAX_DISCARDED_BYTES:
            self.transport.abort()
