"""Arrivals: when an idle client sends its next request."""

import asyncio
import time
from collections import deque
from typing import Protocol

TICK_S = 0.001
"""A timer for each request would take the processors from the server; latencies count from the exact time."""


class Client(Protocol):
    """Sends one request at a time."""

    def send(self, due: float) -> None:
        """Send the next request. Its latency counts from `due`, whenever it is really sent."""

    def close(self) -> None:
        """Send no more requests."""


class Arrivals(Protocol):
    """Decides when clients send requests."""

    unsent: int

    def on_client_ready(self, client: Client) -> None:
        """The client has just connected, or has its answer."""

    async def run(self) -> None:
        """Run once all clients are connected, until no more requests will be sent."""


class ClosedLoop:
    """Each client sends its next request as soon as it has an answer, until the deadline."""

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
        await asyncio.sleep(self._deadline - time.monotonic())


class OpenLoop:
    """Requests fall due at even intervals, even if no client is idle; latency includes the wait for a client."""

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
            await asyncio.sleep(max(due - time.monotonic(), TICK_S))
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
