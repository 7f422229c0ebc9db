"""Arrivals: a ready client sends its next request at once, or when one falls due."""

import asyncio
import time

import pytest

from bench.harness.arrivals import ClosedLoop, OpenLoop

pytestmark = pytest.mark.slow


class SlowClient:
    """A client that is ready again some time after each request."""

    def __init__(self, arrivals: OpenLoop, answer_delay_s: float) -> None:
        self.latencies_s: list[float] = []
        self.is_closed = False
        self._arrivals = arrivals
        self._answer_delay_s = answer_delay_s

    def send(self, due: float) -> None:
        asyncio.get_running_loop().call_later(self._answer_delay_s, self._answer, due)

    def close(self) -> None:
        self.is_closed = True

    def _answer(self, due: float) -> None:
        self.latencies_s.append(time.monotonic() - due)
        self._arrivals.on_client_ready(self)


async def test_open_loop_latency_starts_when_the_request_falls_due() -> None:
    arrivals = OpenLoop(time.monotonic() + 0.2, rate=100)
    client = SlowClient(arrivals, answer_delay_s=0.05)
    arrivals.on_client_ready(client)
    await arrivals.run()
    assert client.latencies_s[-1] > client.latencies_s[0] + 0.03, (
        "a server slower than the arrival rate gets no credit for it"
    )


async def test_requests_without_a_free_client_count_as_unsent() -> None:
    arrivals = OpenLoop(time.monotonic() + 0.1, rate=100)
    await arrivals.run()
    assert 9 <= arrivals.unsent <= 11


async def test_all_clients_are_closed_idle_or_busy() -> None:
    arrivals = OpenLoop(time.monotonic() + 0.05, rate=100)
    idle, busy = SlowClient(arrivals, 0.0), SlowClient(arrivals, 0.1)
    arrivals.on_client_ready(busy)
    arrivals.on_client_ready(idle)
    await arrivals.run()
    await asyncio.sleep(0.15)
    assert (idle.is_closed, busy.is_closed) == (True, True)


def test_a_closed_loop_sends_until_its_deadline() -> None:
    asked: list[str] = []

    class Client:
        def send(self, due: float) -> None:
            asked.append("again" if due else "")

        def close(self) -> None:
            asked.append("end")

    ClosedLoop(time.monotonic() + 60).on_client_ready(Client())
    ClosedLoop(time.monotonic()).on_client_ready(Client())
    assert asked == ["again", "end"]
