"""A connection that can be closed at any time, so that its client gets a last response: a problem says why."""

import asyncio
from math import inf
from typing import Any
from urllib.parse import unquote_to_bytes

from uvicorn._types import HTTPScope
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from api.connections.problems import REQUEST_TIMEOUT, RETRY_AFTER_S, ConnectionProblem
from api.connections.registry import ConnectionRegistry
from api.connections.request_clock import Phase, RequestClock
from api.http.cors import CorsPolicy

MAX_DISCARDED_BYTES = 256 * 1024
"""How much of a body is read after its request was answered."""
LINGER_S = 1.0
"""How long a refused client may keep sending: closing while data arrive would destroy the response on its way."""


class ClosableConnection(HttpToolsProtocol):
    """`check_deadline` is called by the registry, about once a second.

    `cycle` is the last request that was accepted. Before it, requests may wait in `pipeline` for their turn.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        registry: ConnectionRegistry,
        cors_policy: CorsPolicy | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.registry = registry
        self.cors_policy = cors_policy if cors_policy and cors_policy.allows_any() else None
        self.clock = RequestClock(self.loop.time())
        self.running: RequestResponseCycle | None = None
        self.is_refused = self.is_request_refused = self.is_for_health_only = False
        self.url = b""
        self._late_response = b""
        self._refused_at = -inf
        self._discarded_bytes = 0

    def close_after_response(self) -> None:
        """Make the response that is being prepared, if there is one, the last of this connection, and let it say so."""
        if self.cycle is not None and not self.cycle.response_started:
            self.cycle.keep_alive = False

    def check_deadline(self, now: float) -> None:
        """Close the connection, with a response if a request is incomplete, when the client takes too long."""
        self.clock.note_progress(now)
        if self.transport.get_write_buffer_size() and self.clock.is_response_unread(now):
            self.registry.stats.closed["unread_response"] += 1
            self.transport.abort()
        elif self.clock.is_idle(now):
            self.registry.stats.closed["idle"] += 1
            self.transport.close()
        elif self.clock.is_request_late(now) and not self.is_refused and not self.flow.read_paused:
            self.refuse(REQUEST_TIMEOUT)

    def refuse(self, problem: ConnectionProblem) -> None:
        """Close; with a response, unless one was sent or earlier ones are to come."""
        self.send_late_response()
        self.registry.stats.refused[problem.code] += 1
        running, is_in_body = self.running, self.clock.phase is Phase.BODY
        if running is None or running.response_complete:
            if not (is_in_body and self.is_answered()):
                self.transport.write(self._last_response(problem))
        elif running is self.cycle and is_in_body and not running.response_started:
            self.transport.write(self._last_response(problem))
            running.disconnected = True
            running.message_event.set()
        else:
            self._close_after_responses()
            return
        self._linger()

    def refuse_one(self, response: bytes) -> None:
        """Answer a request without closing; a client that was told to wait, and did not, gets the answer late."""
        now = self.loop.time()
        if now - self._refused_at < RETRY_AFTER_S:
            self._late_response = response
            self.registry.late_responses.add(self)
        else:
            self.transport.write(response)
        self._refused_at = now

    def send_late_response(self) -> None:
        """Send what waits, if anything does, and the client is still there."""
        if self._late_response and not self.transport.is_closing():
            self.transport.write(self._late_response)
        self._late_response = b""

    def shutdown(self) -> None:
        self.send_late_response()
        super().shutdown()

    def is_answered(self) -> bool:
        """Whether the request whose body arrives has its response."""
        return self.is_request_refused or self.cycle.response_complete

    def response_to(
        self, method: bytes, scope: HTTPScope | None, problem: ConnectionProblem, *, keep_alive: bool
    ) -> bytes:
        """A whole response to a request; without a scope, none of its headers has arrived."""
        fields = list(self.server_state.default_headers)
        if self.cors_policy and scope is not None:
            fields += self.cors_policy.headers_for(list(scope["headers"]))[0]
        return problem.response(fields, path=self._path_of(scope), keep_alive=keep_alive, has_body=method != b"HEAD")

    def _path_of(self, scope: HTTPScope | None) -> str:
        """The path of a request, as far as it has arrived whole; else empty."""
        if scope is not None and "path" in scope:
            return scope["path"]
        is_whole = bool(self.headers) and self.url.startswith(b"/")
        return unquote_to_bytes(self.url.partition(b"?")[0]).decode(errors="replace") if is_whole else ""

    def _last_response(self, problem: ConnectionProblem) -> bytes:
        """The response to the request that arrives, which may not have a method yet."""
        method = self.parser.get_method() if self.url else b""
        return self.response_to(method, self.scope, problem, keep_alive=False)

    def pause_writing(self) -> None:
        super().pause_writing()
        self.clock.begin_drain(self.loop.time())

    def resume_writing(self) -> None:
        super().resume_writing()
        self.clock.end_drain()

    def discard(self, count: int) -> None:
        """Drop bytes that come after a response; a client that goes on is cut."""
        self._discarded_bytes += count
        if self._discarded_bytes <= MAX_DISCARDED_BYTES:
            return
        if self.is_refused:
            self.transport.abort()
        else:
            self.registry.stats.closed["endless_body"] += 1
            self.send_late_response()
            self._linger()

    def begin_body(self) -> None:
        """The head is complete."""
        self._discarded_bytes = 0
        self.clock.begin(Phase.BODY, self.loop.time())

    def _close_after_responses(self) -> None:
        if self.pipeline and self.pipeline[0][0].more_body:
            self.pipeline.popleft()  # the refused request itself
        last = self.pipeline[0][0] if self.pipeline else self.running
        if last is not None:
            last.keep_alive = False
        self.is_refused = True

    def _linger(self) -> None:
        """Send what is written, and read on for a moment."""
        self.is_refused = True
        self._discarded_bytes = 0
        self.registry.release_bodies(self)
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(LINGER_S, self.transport.abort)
