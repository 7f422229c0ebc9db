"""A connection that admits requests: each takes a place when its turn comes, or is refused, and the next may follow."""

from typing import Any, cast

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from api.connections.closable_connection import ClosableConnection
from api.connections.problems import OVERLOADED, RequestRefused
from api.connections.request_clock import Phase
from api.connections.response_writer import ResponseWriter
from infra.admission import Admission

READ_METHODS = {b"GET", b"HEAD"}


class AdmittingConnection(ClosableConnection):
    """Its requests are handled one after the other; those that were pipelined wait for their turn."""

    def __init__(self, *uvicorn_arguments: Any, admission: Admission, **arguments: Any) -> None:
        super().__init__(*uvicorn_arguments, **arguments)
        self.admission = admission

    def on_response_complete(self) -> None:
        """In place of uvicorn's, whose timer for idle connections `check_deadline` makes superfluous."""
        self.server_state.total_requests += 1
        self._release_body(self.running)
        if not self.transport.is_closing():
            self.flow.resume_reading()
            self._start_next()
        if self.is_answered() and self.clock.phase is Phase.HANDLING:
            self.clock.begin(Phase.IDLE, self.loop.time())

    def _start_next(self) -> None:
        """Start the next request of the pipeline for which there is a place; refuse those before it."""
        while self.pipeline and not self.transport.is_closing():
            cycle, app = self.pipeline.pop()
            is_read = cycle.scope["method"].encode() in READ_METHODS
            if cast("ResponseWriter", cycle).place is None or self.admission.has_place(is_read=is_read):
                self._start_asgi_task(cycle, app)
                return
            self._refuse_pipelined(cycle)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self.running = cycle
        super()._start_asgi_task(cycle, app)
        if not cycle.more_body:  # it was pipelined
            place = cast("ResponseWriter", cycle).place
            if place:
                place.take()

    def _refuse_pipelined(self, cycle: RequestResponseCycle) -> None:
        """Answer a request whose turn has come, without calling the application."""
        self._release_body(cycle)
        self.running = cycle
        keep_alive = cycle.keep_alive and not cycle.waiting_for_100_continue
        cycle.response_started = cycle.response_complete = True
        self.registry.stats.refused[OVERLOADED.code] += 1
        method = cycle.scope["method"].encode()
        self.transport.write(self.response_to(method, cycle.scope, OVERLOADED, keep_alive=keep_alive))
        if not keep_alive:
            self.transport.close()

    def refuse_request(self) -> None:
        """Refuse a request, and go on with the next if the client may send one."""
        if self.expect_100_continue or self.flow.write_paused or not self.parser.should_keep_alive():
            raise RequestRefused(OVERLOADED)
        self.is_request_refused = True
        self.registry.stats.refused[OVERLOADED.code] += 1
        self.refuse_one(self.response_to(self.parser.get_method(), self.scope, OVERLOADED, keep_alive=True))

    def has_place(self) -> bool:
        return self.admission.has_place(is_read=self.parser.get_method() in READ_METHODS)

    def stream_body(self) -> None:
        """The handler of the running request consumes its body as it arrives."""
        if self.running is self.cycle:
            self.clock.stream_body(self.loop.time())

    def release_consumed(self, writer: ResponseWriter, count: int) -> None:
        """The handler has consumed so many bytes of a body."""
        writer.held_body_bytes -= count
        self.registry.release_body(self, count)

    def _release_body(self, cycle: RequestResponseCycle | None) -> None:
        writer = cast("ResponseWriter | None", cycle)
        if writer and writer.held_body_bytes:
            self.registry.release_body(self, writer.held_body_bytes)
            writer.held_body_bytes = 0
