"""Pace: a client that is free asks again at once, or when something falls due."""

import asyncio
import time

from bench.harness.arrivals import ClosedLoop, OpenLoop


class SlowClient:
    """Free again a while after each request."""

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
    pace = OpenLoop(time.monotonic() + 0.2, rate=100)
    client = SlowClient(pace, answer_delay_s=0.05)
    pace.on_client_ready(client)
    await pace.run()
    assert client.latencies_s[-1] > client.latencies_s[0] + 0.03, (
        "a server that is slower than the pace gets no credit for it"
    )


async def test_requests_without_a_free_client_count_as_unsent() -> None:
    pace = OpenLoop(time.monotonic() + 0.1, rate=100)
    await pace.run()
    assert 9 <= pace.unsent <= 11


async def test_all_clients_are_closed_idle_or_busy() -> None:
    pace = OpenLoop(time.monotonic() + 0.05, rate=100)
    idle, busy = SlowClient(pace, 0.0), SlowClient(pace, 0.1)
    pace.on_client_ready(busy)
    pace.on_client_ready(idle)
    await pace.run()
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
