"""Checkouts: which connections are in use, since when; those of a stuck driver are cut off from outside."""

import os
import socket
import time
from typing import Any

from psycopg import AsyncConnection

from infra import time_budget


class Checkouts:
    """The connections that a pool has given out."""

    def __init__(self) -> None:
        self._started_at: dict[AsyncConnection[Any], float] = {}
        self.cut_count = 0

    def __len__(self) -> int:
        return len(self._started_at)

    def start(self, connection: AsyncConnection[Any]) -> None:
        """Record that a connection is in use from now on."""
        self._started_at[connection] = time.monotonic()

    def end(self, connection: AsyncConnection[Any]) -> None:
        """Record that it is no longer in use."""
        self._started_at.pop(connection, None)

    def cut_overdue(self) -> None:
        """Cut off each connection that has been in use for longer than its budget."""
        self._cut_started_before(time.monotonic() - time_budget.DATABASE_CHECKOUT_S)

    def cut_all(self) -> None:
        """Cut off every connection in use."""
        self._cut_started_before(time.monotonic())

    def _cut_started_before(self, deadline: float) -> None:
        for connection in [one for one, started_at in self._started_at.items() if started_at <= deadline]:
            self._started_at[connection] = float("inf")  # once
            self.cut_count += 1
            cut(connection)


def cut(connection: AsyncConnection[Any]) -> None:
    """Shut down the socket of a connection: whatever waits for the server then fails at once."""
    if connection.closed:
        return
    descriptor = os.dup(connection.fileno())  # the driver closes its own
    with socket.socket(fileno=descriptor) as duplicate:
        try:
            duplicate.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # the server was faster
