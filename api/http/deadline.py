"""The deadline of a request: its answer comes in time, even if the handler is stuck in a driver."""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from time import monotonic

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from commands.handling.append import OutcomeUnknown
from infra import time_budget

CHECK_INTERVAL_S = 0.05
"""How much later than its deadline a request may be answered."""


class DeadlineExceeded(Exception):
    """The handler took too long, and wrote nothing."""


class Deadline:
    """When a request must be answered (by the monotonic clock), and whether it may have written something."""

    __slots__ = ("answer_by", "is_outcome_unknown")

    def __init__(self) -> None:
        self.is_outcome_unknown = False
        self.restart()

    def restart(self, extra_s: float = 0.0) -> None:
        """Give the request its whole time from now on, and this much more for a wait that its client asked for."""
        self.answer_by = monotonic() + time_budget.REQUEST_S + extra_s

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
    watch = _Watch()

    def middleware(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] != ScopeType.HTTP:
            return app(scope, receive, send)
        return _TimedCall(scope, receive, send, late_app).run(app, watch)

    return middleware


class _TimedCall:
    """The call of the application for one request; another application answers if it has not begun in time."""

    __slots__ = ("_has_begun", "_late_answer", "_late_app", "_receive", "_scope", "_send", "_task", "deadline")

    def __init__(self, scope: Scope, receive: Receive, send: Send, late_app: LateApp) -> None:
        self._scope, self._receive, self._send, self._late_app = scope, receive, send, late_app
        self._has_begun = False
        self._late_answer: asyncio.Task[None] | None = None
        self.deadline = Deadline()

    async def run(self, app: ASGIApp, watch: "_Watch") -> None:
        self._task = asyncio.current_task()
        token = _deadline.set(self.deadline)
        watch.add(self)
        try:
            await app(self._scope, self._receive, self._send_in_time)
        except BaseException:
            if self._late_answer is None:
                raise
        finally:
            _deadline.reset(token)
            watch.remove(self)
            if self._late_answer:
                await self._late_answer
                if self._task:
                    self._task.uncancel()  # the cancellation was ours

    def _send_in_time(self, message: Message) -> Awaitable[None]:
        if self._late_answer is not None:
            return _send_nothing()
        self._has_begun = True
        return self._send(message)

    def end(self) -> None:
        """Answer now, unless the answer has begun."""
        if not self._has_begun and self._late_answer is None and self._task:
            late_app = self._late_app(self._scope, self.deadline.error())
            self._late_answer = asyncio.ensure_future(late_app(self._scope, self._receive, self._send))
            self._task.cancel()


async def _send_nothing() -> None:
    """Another answer was sent."""


class _Watch:
    """Ends calls whose deadline has passed. It looks at all of them in turn: a timer for each would cost more."""

    def __init__(self) -> None:
        self._calls = set[_TimedCall]()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None

    def add(self, call: _TimedCall) -> None:
        self._calls.add(call)
        loop = asyncio.get_running_loop()
        if self._timer is None or self._loop is not loop:
            self._loop = loop
            self._schedule(loop, CHECK_INTERVAL_S)

    def remove(self, call: _TimedCall) -> None:
        self._calls.discard(call)

    def _schedule(self, loop: asyncio.AbstractEventLoop, delay_s: float, *, is_grace: bool = False) -> None:
        self._timer = loop.call_later(delay_s, self._check, loop, monotonic() + delay_s, is_grace)

    def _check(self, loop: asyncio.AbstractEventLoop, due_at: float, is_grace: bool) -> None:  # noqa: FBT001 - a callback
        now, self._timer = monotonic(), None
        if now - due_at > time_budget.STALL_GRACE_S and not is_grace:
            self._schedule(loop, time_budget.STALL_GRACE_S, is_grace=True)
            return
        for call in list(self._calls):
            if call.deadline.answer_by <= now:
                call.end()
        if self._calls:
            self._schedule(loop, CHECK_INTERVAL_S)
