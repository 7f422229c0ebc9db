"""Late responses: a client that ignores Retry-After gets its refusals late, so that it takes less from the others."""

import asyncio
from collections import deque
from typing import Protocol

DELAY_S = 0.04
TICK_S = 0.005


class LateClient(Protocol):
    """What is told when its time has come."""

    loop: asyncio.AbstractEventLoop

    def send_late_response(self) -> None: ...


class LateResponses:
    """The connections of a process that wait for a refusal, in the order in which they are due."""

    def __init__(self) -> None:
        self._due: deque[tuple[float, LateClient]] = deque()

    def add(self, connection: LateClient) -> None:
        """Call its `send_late_response` after `DELAY_S`, or up to a tick later."""
        if not self._due:
            connection.loop.call_later(DELAY_S, self._send, connection.loop)
        self._due.append((connection.loop.time() + DELAY_S, connection))

    def _send(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        try:
            while self._due and self._due[0][0] <= now:
                self._due.popleft()[1].send_late_response()
        finally:
            if self._due:
                loop.call_later(TICK_S, self._send, loop)
