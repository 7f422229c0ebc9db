"""An HTTP/1.1 connection: uvicorn's, with limits on what a client may send and on how long it may take."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, cast

import httptools
from uvicorn._types import ASGI3Application
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from api.connections import problems
from api.connections.allowed_hosts import AllowedHosts
from api.connections.problems import RequestRefused
from api.connections.registry import ConnectionRegistry
from api.connections.request_head import MAX_HEAD_BYTES, RequestHead, check_headers
from api.http.cors import CorsPolicy
from infra.admission import Admission, Place

MAX_PIPELINED_REQUESTS = 32
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
READ_METHODS = {b"GET", b"HEAD"}
ALWAYS_ADMITTED = {b"/health", b"/health/live", b"/health/ready", b"/health/detailed", b"/metrics"}
"""What an operator asks of a process that is overloaded."""


class Connection(HttpToolsProtocol):
    """The parser appends to what it holds of a header each time data arrive, so data are counted before it has them.

    `check_deadline` is called by the registry, about once a second. `cycle` is the last request that was accepted;
    before it, requests may wait in `pipeline` for their turn.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        registry: ConnectionRegistry,
        admission: Admission,
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
        self.held_body_bytes = 0
        self._admission = admission
        self._is_request_refused = self._is_just_admitted = False
        self._place: Place | None = None
        self._running: RequestResponseCycle | None = None
        self._unparsed_bytes = self._discarded_bytes = 0
        self._head = RequestHead()
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
        self.pipeline.clear()
        if self._running is not None:  # uvicorn tells only the request that arrived last
            self._running.disconnected = True
            self._running.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        for start in range(0, len(data), MAX_HEAD_BYTES):
            if self.is_refused:
                self._discard(len(data) - start)
                return
            self._feed(data[start : start + MAX_HEAD_BYTES])

    def _feed(self, data: bytes) -> None:
        self._unparsed_bytes += len(data)
        self._is_just_admitted = False
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # no upgrade is supported: the request is answered as if it had not asked for one
        except httptools.HttpParserError as error:
            self._refuse(_problem_of(error))
            return
        if self._unparsed_bytes > MAX_HEAD_BYTES:
            self._refuse(problems.HEAD_TOO_LARGE)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head = RequestHead()
        self._idle_since, self._head_since = None, self.loop.time()
        self._is_request_refused = False

    def on_url(self, url: bytes) -> None:
        self._head.add_url(url)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head.add_header(name, value)
        if self._head_since is not None:  # else a trailer: it must not become a header of a request in progress
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        check_headers(self.headers, self.parser.get_http_version())
        if not self.url.startswith(b"/health"):  # which probes ask by the address
            if self._allowed_hosts and not self._allowed_hosts.name(self.headers):
                raise RequestRefused(problems.UNKNOWN_HOST)
            if self.is_for_health_only:
                raise RequestRefused(problems.TOO_MANY_CONNECTIONS)
        if len(self.pipeline) >= MAX_PIPELINED_REQUESTS:
            raise RequestRefused(problems.OVERLOADED)
        self._unparsed_bytes = self._body_bytes = self._discarded_bytes = 0
        is_counted = self.url not in ALWAYS_ADMITTED
        if is_counted and not self._has_response_to_come() and not self._has_place():
            self._refuse_request()
        else:
            self._place = Place(self._admission) if is_counted else None
            self.scope["place"] = self._place  # type: ignore[typeddict-unknown-key]
            self._is_just_admitted = True
            super().on_headers_complete()
        self._head_since, self._body_since = None, self.loop.time()
        if self.draining.is_set():
            self.cycle.keep_alive = False

    def on_chunk_header(self) -> None:
        self._unparsed_bytes = 0

    def on_body(self, body: bytes) -> None:
        self._unparsed_bytes = 0
        self._body_bytes += len(body)
        if self._is_answered():
            self._discarded_bytes += len(body)
            if self._discarded_bytes > MAX_DISCARDED_BYTES:
                self.registry.stats.closed["endless_body"] += 1
                self._linger()
            return
        if not self.registry.hold_body(self, len(body)):
            raise RequestRefused(problems.OVERLOADED)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._unparsed_bytes = 0
        if self._is_answered():
            self._body_since = None
            self._idle_since = self.loop.time()
            return
        if self._place and self._running is self.cycle:
            if not self._is_just_admitted and not self._has_place():  # any longer
                raise RequestRefused(problems.OVERLOADED)
            self._place.take()
        self._body_since = None
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """In place of uvicorn's, whose timer for idle connections `check_deadline` makes superfluous."""
        self.server_state.total_requests += 1
        self.registry.release_body(self)
        if not self.pipeline and self._body_since is None and self._head_since is None:
            self._idle_since = self.loop.time()
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())

    def close_after_response(self) -> None:
        """Make the response that is being prepared, if there is one, the last of this connection, and let it say so."""
        if self.cycle is not None and not self.cycle.response_started:
            self.cycle.keep_alive = False

    def check_deadline(self, now: float) -> None:
        """Close the connection, with a response if a request is incomplete, when the client takes too long."""
        if self._idle_since is not None:
            if now - self._idle_since > WRITE_TIMEOUT_S and self.transport.get_write_buffer_size():
                self.registry.stats.closed["unread_response"] += 1
                self.transport.abort()
            elif now - self._idle_since > KEEP_ALIVE_S:
                self.registry.stats.closed["idle"] += 1
                self.transport.close()
        elif self.is_refused or self.flow.read_paused:
            return  # it is not the client that takes its time
        elif self._head_since is not None and now - self._head_since > HEAD_TIMEOUT_S:
            self._refuse(problems.REQUEST_TIMEOUT)
        elif self._body_since is not None:
            elapsed = now - self._body_since
            if elapsed > max(BODY_TIMEOUT_S, self._body_bytes / MIN_BODY_BYTES_PER_S):
                self._refuse(problems.REQUEST_TIMEOUT)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)
        if not cycle.more_body:  # it was pipelined
            place: Place | None = cast("Any", cycle.scope)["place"]
            if place:
                place.take()

    def _has_place(self) -> bool:
        return self._admission.has_place(is_read=self.parser.get_method() in READ_METHODS)

    def _has_response_to_come(self) -> bool:
        return self._running is not None and not self._running.response_complete

    def _is_answered(self) -> bool:
        """Whether the request whose body arrives has its response."""
        return self._is_request_refused or self.cycle.response_complete

    def _refuse_request(self) -> None:
        """Refuse a request, and go on with the next if the client may send one."""
        if self.expect_100_continue or self.flow.write_paused or not self.parser.should_keep_alive():
            raise RequestRefused(problems.OVERLOADED)
        self._is_request_refused = True
        self.registry.stats.refused[problems.OVERLOADED.code] += 1
        has_body = self.parser.get_method() != b"HEAD"
        self.transport.write(problems.OVERLOADED.response(self._cors_headers(), keep_alive=True, has_body=has_body))

    def _refuse(self, problem: problems.ConnectionProblem) -> None:
        """Close; with a response, unless one was sent or earlier ones are to come."""
        self.registry.stats.refused[problem.code] += 1
        running, is_in_body = self._running, self._body_since is not None
        if running is None or running.response_complete:
            if not (is_in_body and self._is_answered()):
                self.transport.write(problem.response(self._cors_headers()))
        elif running is self.cycle and is_in_body and not running.response_started:
            self.transport.write(problem.response(self._cors_headers()))
            running.disconnected = True
            running.message_event.set()
        else:
            self._close_after_responses()
            return
        self._linger()

    def _cors_headers(self) -> Sequence[tuple[bytes, bytes]]:
        """For the request as far as its headers have arrived."""
        return self.cors_policy.headers_for(self.headers or [])[0] if self.cors_policy else ()

    def _close_after_responses(self) -> None:
        if self.pipeline and self.pipeline[0][0].more_body:
            self.pipeline.popleft()  # the refused request itself
        last = self.pipeline[0][0] if self.pipeline else self._running
        if last is not None:
            last.keep_alive = False
        self.is_refused = True

    def _linger(self) -> None:
        """Send what is written, and read on for a moment."""
        self.is_refused = True
        self._discarded_bytes = 0
        self.registry.release_body(self)
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(LINGER_S, self.transport.abort)

    def _discard(self, count: int) -> None:
        self._discarded_bytes += count
        if self._discarded_bytes > MAX_DISCARDED_BYTES:
            self.transport.abort()


def _problem_of(error: httptools.HttpParserError) -> problems.ConnectionProblem:
    """The parser wraps what a callback raises. A variable of the caller would keep the data alive, in a cycle."""
    cause = error.__context__
    return cause.problem if isinstance(cause, RequestRefused) else problems.MALFORMED
