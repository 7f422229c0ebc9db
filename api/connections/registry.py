"""The open connections of a process: their number and the bytes of their requests, in all and per client network."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from api.connections.late_responses import LateResponses
from api.connections.stats import ConnectionStats
from infra.identity.client_network import client_network
from infra.logs import logger

MAX_CONNECTIONS_PER_NETWORK = 1000
RESERVED_FOR_HEALTH = 16
"""How many connections beyond the maximum may still ask for the health of the process."""
MAX_BODY_BYTES, MAX_BODY_BYTES_PER_NETWORK = 64 * 2**20, 16 * 2**20
"""Of the bodies of requests that are arriving or in progress."""
CHECK_INTERVAL_S = 1.0


class RegisteredConnection(Protocol):
    """What the registry needs of a connection."""

    client: tuple[str, int] | None
    transport: asyncio.Transport
    loop: asyncio.AbstractEventLoop
    is_for_health_only: bool

    def check_deadline(self, now: float) -> None: ...


class _Share(Struct):
    """What a connection takes, and of which network it is."""

    network: str
    body_bytes: int = 0


class ConnectionRegistry:
    """At most `max_connections`, of one client network at most 1,000 unless it is a trusted proxy's.

    A network is an IPv4 address, or the /64 of an IPv6 address.
    """

    def __init__(
        self,
        max_connections: int,
        is_trusted_proxy: Callable[[str], bool],
        stats: ConnectionStats,
    ) -> None:
        self.stats = stats
        self.late_responses = LateResponses()
        self._max_connections = max_connections
        self._is_trusted_proxy = is_trusted_proxy
        self._connections: dict[RegisteredConnection, _Share] = {}
        self._count_by_network: Counter[str] = Counter()
        self._body_bytes_by_network: Counter[str] = Counter()
        self._check: asyncio.TimerHandle | None = None
        self._refused_count = 0

    def add(self, connection: RegisteredConnection) -> None:
        """Register a new connection, or abort it if there are too many."""
        share = self._connections[connection] = _Share(client_network(_address_of(connection)))
        self._count_by_network[share.network] += 1
        if self._check is None:
            self._schedule(connection.loop)
        count = self.stats.open = len(self._connections)
        connection.is_for_health_only = count > self._max_connections
        if count > self._max_connections + RESERVED_FOR_HEALTH or (
            self._count_by_network[share.network] > MAX_CONNECTIONS_PER_NETWORK
            and not self._is_trusted_proxy(_address_of(connection))
        ):
            self._refused_count += 1
            self.stats.refused["too_many_connections"] += 1
            connection.transport.abort()

    def remove(self, connection: RegisteredConnection) -> None:
        if connection not in self._connections:
            return
        self.release_bodies(connection)
        share = self._connections.pop(connection)
        self.stats.open = len(self._connections)
        _subtract(self._count_by_network, share.network, 1)

    def hold_body(self, connection: RegisteredConnection, count: int) -> bool:
        """Count bytes of a body; False if its network, or the process, has too many."""
        share = self._connections.get(connection)
        if share is None:  # it was aborted
            return False
        share.body_bytes += count
        self.stats.body_bytes += count
        self._body_bytes_by_network[share.network] += count
        return self.stats.body_bytes <= MAX_BODY_BYTES and (
            self._body_bytes_by_network[share.network] <= MAX_BODY_BYTES_PER_NETWORK
            or self._is_trusted_proxy(_address_of(connection))
        )

    def release_body(self, connection: RegisteredConnection, count: int) -> None:
        """The body of a request of this connection is no longer in memory."""
        share = self._connections.get(connection)
        if share and share.body_bytes:
            share.body_bytes -= count
            self.stats.body_bytes -= count
            _subtract(self._body_bytes_by_network, share.network, count)

    def release_bodies(self, connection: RegisteredConnection) -> None:
        """None of the bodies that this connection sent is in memory."""
        share = self._connections.get(connection)
        if share:
            self.release_body(connection, share.body_bytes)

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


def _address_of(connection: RegisteredConnection) -> str:
    return connection.client[0] if connection.client else ""


def _subtract(counts: Counter[str], address: str, count: int) -> None:
    counts[address] -= count
    if not counts[address]:
        del counts[address]
