"""Pace: when a client that is free asks again."""

import asyncio
import time
from collections import deque
from typing import Protocol


class Client(Protocol):
    """Who asks, one request at a time."""

    def send(self, due: float) -> None:
        """Ask; the answer is waited for since `due`, whenever it was really sent."""

    def close(self) -> None:
        """Nothing more is asked."""


class Arrivals(Protocol):
    """Who says when."""

    unsent: int

    def on_client_ready(self, client: Client) -> None:
        """The client has its answer, or has only come."""

    async def run(self) -> None:
        """Once all clients have come; ends when nothing more will be asked."""


class ClosedLoop:
    """Each client asks again as soon as it has its answer, until the deadline."""

    unsent = 0

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline

    def on_client_ready(self, client: Client) -> None:
        now = time.monotonic()
        if now < self._deadline:
            client.send(now)
        else:
            client.close()

    async def run(self) -> None:
        pass


class OpenLoop:
    """Requests fall due at even intervals, whether or not a client is free: who waits for one has waited since then."""

    def __init__(self, deadline: float, rate: float) -> None:
        self.unsent = 0
        self._deadline = deadline
        self._interval = 1 / rate
        self._idle_clients: deque[Client] = deque()
        self._overdue: deque[float] = deque()
        self._is_over = False

    def on_client_ready(self, client: Client) -> None:
        if self._is_over:
            client.close()
        elif self._overdue:
            client.send(self._overdue.popleft())
        else:
            self._idle_clients.append(client)

    async def run(self) -> None:
        due = time.monotonic()
        while due < self._deadline:
            await asyncio.sleep(due - time.monotonic())
            while due <= time.monotonic():
                self._fall_due(due)
                due += self._interval
        self._is_over, self.unsent = True, len(self._overdue)
        for client in self._idle_clients:
            client.close()

    def _fall_due(self, due: float) -> None:
        if self._idle_clients:
            self._idle_clients.popleft().send(due)
        else:
            self._overdue.append(due)
