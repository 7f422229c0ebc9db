"""The open connections of a process: how many there are in all and per address, and the check of their deadlines."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Protocol

from infra.logs import logger

MAX_CONNECTIONS_PER_ADDRESS = 1000
RESERVED_FOR_HEALTH = 16
"""How many connections beyond the maximum may still ask for the health of the process."""
CHECK_INTERVAL_S = 1.0


class RegisteredConnection(Protocol):
    """What the registry needs of a connection."""

    client: tuple[str, int] | None
    transport: asyncio.Transport
    loop: asyncio.AbstractEventLoop
    is_for_health_only: bool

    def check_deadline(self, now: float) -> None: ...


class ConnectionRegistry:
    """At most `max_connections`, of one address at most 1,000 unless it is a trusted proxy's."""

    def __init__(self, max_connections: int, is_trusted_proxy: Callable[[str], bool]) -> None:
        self._max_connections = max_connections
        self._is_trusted_proxy = is_trusted_proxy
        self._connections: set[RegisteredConnection] = set()
        self._count_by_address: Counter[str] = Counter()
        self._check: asyncio.TimerHandle | None = None
        self._refused_count = 0

    def add(self, connection: RegisteredConnection) -> None:
        """Register a new connection, or abort it if there are too many."""
        address = connection.client[0] if connection.client else ""
        self._connections.add(connection)
        self._count_by_address[address] += 1
        if self._check is None:
            self._schedule(connection.loop)
        count = len(self._connections)
        connection.is_for_health_only = count > self._max_connections
        if count > self._max_connections + RESERVED_FOR_HEALTH or (
            self._count_by_address[address] > MAX_CONNECTIONS_PER_ADDRESS and not self._is_trusted_proxy(address)
        ):
            self._refused_count += 1
            connection.transport.abort()

    def remove(self, connection: RegisteredConnection) -> None:
        if connection not in self._connections:
            return
        address = connection.client[0] if connection.client else ""
        self._connections.remove(connection)
        self._count_by_address[address] -= 1
        if not self._count_by_address[address]:
            del self._count_by_address[address]

    def _schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        self._check = loop.call_later(CHECK_INTERVAL_S, self._check_deadlines, loop)

    def _check_deadlines(self, loop: asyncio.AbstractEventLoop) -> None:
        self._check = None
        if self._refused_count:
            logger.warning("refused {} connections: too many are open", self._refused_count)
            self._refused_count = 0
        now = loop.time()
        for connection in list(self._connections):
            connection.check_deadline(now)
        if self._connections:
            self._schedule(loop)
