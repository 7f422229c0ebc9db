"""Pace: when a client that is free asks again."""

import asyncio
import time
from collections import deque
from typing import Protocol


class Client(Protocol):
    """Who asks, one request at a time."""

    def send(self, due: float) -> None:
        """Ask; the answer is waited for since `due`, whenever it was really sent."""

    def end(self) -> None:
        """Nothing more is asked."""


class Pace(Protocol):
    """Who says when."""

    unsent: int

    def free(self, client: Client) -> None:
        """The client has its answer, or has only come."""

    async def run(self) -> None:
        """Once all clients have come; ends when nothing more will be asked."""


class Closed:
    """Each client asks again as soon as it has its answer, until the deadline."""

    unsent = 0

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline

    def free(self, client: Client) -> None:
        now = time.monotonic()
        if now < self._deadline:
            client.send(now)
        else:
            client.end()

    async def run(self) -> None:
        pass


class Open:
    """Requests fall due at even intervals, whether or not a client is free: who waits for one has waited since then."""

    def __init__(self, deadline: float, rate: float) -> None:
        self.unsent = 0
        self._deadline = deadline
        self._interval = 1 / rate
        self._free: deque[Client] = deque()
        self._due: deque[float] = deque()
        self._ended = False

    def free(self, client: Client) -> None:
        if self._ended:
            client.end()
        elif self._due:
            client.send(self._due.popleft())
        else:
            self._free.append(client)

    async def run(self) -> None:
        due = time.monotonic()
        while due < self._deadline:
            await asyncio.sleep(due - time.monotonic())
            while due <= time.monotonic():
                self._fall_due(due)
                due += self._interval
        self._ended, self.unsent = True, len(self._due)
        for client in self._free:
            client.end()

    def _fall_due(self, due: float) -> None:
        if self._free:
            self._free.popleft().send(due)
        else:
            self._due.append(due)
