"""The registry: which connections and bodies count together, and until when."""

import asyncio
from typing import Any

import pytest

from api.connections import registry
from api.connections.registry import ConnectionRegistry
from api.connections.stats import ConnectionStats
from tests.api.connections.raw_http import echo_app, raw_client, raw_server
from tests.e2e.running_instance import poll_until


class IdleConnection:
    """What the registry needs of a connection."""

    is_for_health_only = False

    def __init__(self, loop: asyncio.AbstractEventLoop, address: str) -> None:
        self.client: tuple[str, int] | None = (address, 1)
        self.loop = loop
        self.transport: Any = self
        self.is_aborted = False

    def abort(self) -> None:
        self.is_aborted = True

    def check_deadline(self, now: float) -> None:
        """It is never late."""


async def test_the_addresses_of_one_ipv6_network_count_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "MAX_CONNECTIONS_PER_NETWORK", 2)
    monkeypatch.setattr(registry, "MAX_BODY_BYTES_PER_NETWORK", 100)
    open_ones = ConnectionRegistry(950, lambda _: False, ConnectionStats())
    loop = asyncio.get_running_loop()
    connections = [IdleConnection(loop, f"2001:db8::{number}") for number in range(3)]
    elsewhere = IdleConnection(loop, "2001:db8:0:1::1")
    for connection in (*connections, elsewhere):
        open_ones.add(connection)
    assert [connection.is_aborted for connection in (*connections, elsewhere)] == [False, False, True, False]
    assert [open_ones.hold_body(connection, 60) for connection in (*connections[:2], elsewhere)] == [True, False, True]


def test_the_bodies_of_pipelined_requests_are_counted_until_they_are_answered() -> None:
    stats, gates = ConnectionStats(), [asyncio.Event(), asyncio.Event()]
    loops: list[asyncio.AbstractEventLoop] = []

    async def gated(scope: Any, receive: Any, send: Any) -> None:
        loops.append(asyncio.get_running_loop())
        await gates[len(loops) - 1].wait()
        await echo_app(scope, receive, send)

    request = b"POST /read HTTP/1.1\r\nHost: test\r\nContent-Length: 1000\r\n\r\n" + b"a" * 1000
    with raw_server(app=gated, stats=stats) as served, raw_client(served) as client:
        client.sendall(request * 2)
        poll_until(lambda: stats.body_bytes == 2000)
        loops[0].call_soon_threadsafe(gates[0].set)
        poll_until(lambda: len(loops) == 2)
        assert stats.body_bytes == 1000
        loops[0].call_soon_threadsafe(gates[1].set)
        poll_until(lambda: stats.body_bytes == 0)
