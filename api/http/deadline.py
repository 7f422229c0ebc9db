"""The deadline of a request: its answer comes in time, even if the handler is stuck in a driver."""

import asyncio
from collections.abc import Callable
from contextvars import ContextVar

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from commands.handling.append import OutcomeUnknown
from infra import time_budget


class DeadlineExceeded(Exception):
    """The handler took too long, and wrote nothing."""


class Deadline:
    """When a request must be answered (by the clock of the event loop), and whether it may have written something."""

    __slots__ = ("answer_by", "is_outcome_unknown")

    def __init__(self) -> None:
        self.is_outcome_unknown = False
        self.restart()

    def restart(self, extra_s: float = 0.0) -> None:
        """Give the request its whole time from now on, and this much more for a wait that its client asked for."""
        self.answer_by = asyncio.get_running_loop().time() + time_budget.REQUEST_S + extra_s

    def suspend(self) -> None:
        """Stop the clock, while the body of the request arrives at the pace of its client."""
        self.answer_by = float("inf")

    def error(self) -> Exception:
        """What a late answer says."""
        return OutcomeUnknown() if self.is_outcome_unknown else DeadlineExceeded()


_deadline: ContextVar[Deadline | None] = ContextVar("deadline", default=None)
LateApp = Callable[[Scope, Exception], ASGIApp]
"""Makes the application that answers a request with an error."""


def current_deadline() -> Deadline:
    """The deadline of the current request; outside of requests, one without effect."""
    return _deadline.get() or Deadline()


def with_deadline(app: ASGIApp, late_app: LateApp) -> ASGIApp:
    """Answer 503 when the deadline has passed, and cancel the handler without waiting until it has ended."""

    async def middleware(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP:
            await _TimedCall(scope, receive, send, late_app).run(app)
        else:
            await app(scope, receive, send)

    return middleware


class _TimedCall:
    """The call of the application for one request; a timer answers in its place if it has not begun in time."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, late_app: LateApp) -> None:
        self._scope, self._receive, self._send, self._late_app = scope, receive, send, late_app
        self._deadline = Deadline()
        self._has_begun = False
        self._late_answer: asyncio.Task[None] | None = None
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_at(self._deadline.answer_by, self._on_timer)
        self._task = asyncio.current_task()

    async def run(self, app: ASGIApp) -> None:
        token = _deadline.set(self._deadline)
        try:
            await app(self._scope, self._receive, self._send_in_time)
        except BaseException:
            if self._late_answer is None:
                raise
        finally:
            _deadline.reset(token)
            self._timer.cancel()
            if self._late_answer:
                await self._late_answer
                if self._task:
                    self._task.uncancel()  # the cancellation was ours

    async def _send_in_time(self, message: Message) -> None:
        if self._late_answer is None:
            self._has_begun = True
            await self._send(message)

    def _on_timer(self) -> None:
        now = self._loop.time()
        if now - self._timer.when() > time_budget.STALL_GRACE_S:
            self._timer = self._loop.call_at(now + time_budget.STALL_GRACE_S, self._on_timer)
        elif self._deadline.answer_by > now:
            self._timer = self._loop.call_at(min(self._deadline.answer_by, now + time_budget.REQUEST_S), self._on_timer)
        elif not self._has_begun and self._task:
            late_app = self._late_app(self._scope, self._deadline.error())
            self._late_answer = self._loop.create_task(late_app(self._scope, self._receive, self._send))  # type: ignore[arg-type]
            self._task.cancel()
