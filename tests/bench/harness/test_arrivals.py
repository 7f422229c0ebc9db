"""Pace: a client that is free asks again at once, or when something falls due."""

import asyncio
import time

from bench.harness.arrivals import Closed, Open


class Slow:
    """Free again a while after each request."""

    def __init__(self, pace: Open, answers_after: float) -> None:
        self.waited: list[float] = []
        self.ended = False
        self._pace = pace
        self._after = answers_after

    def send(self, due: float) -> None:
        asyncio.get_running_loop().call_later(self._after, self._answer, due)

    def end(self) -> None:
        self.ended = True

    def _answer(self, due: float) -> None:
        self.waited.append(time.monotonic() - due)
        self._pace.free(self)


async def test_who_waits_for_a_client_has_waited_since_the_request_fell_due() -> None:
    pace = Open(time.monotonic() + 0.2, rate=100)
    client = Slow(pace, answers_after=0.05)
    pace.free(client)
    await pace.run()
    assert client.waited[-1] > client.waited[0] + 0.03, "a server that is slower than the pace gets no credit for it"


async def test_what_no_client_was_free_for_is_told() -> None:
    pace = Open(time.monotonic() + 0.1, rate=100)
    await pace.run()
    assert 9 <= pace.unsent <= 11


async def test_all_clients_end_free_or_not() -> None:
    pace = Open(time.monotonic() + 0.05, rate=100)
    idle, busy = Slow(pace, 0.0), Slow(pace, 0.1)
    pace.free(busy)
    pace.free(idle)
    await pace.run()
    await asyncio.sleep(0.15)
    assert (idle.ended, busy.ended) == (True, True)


def test_a_closed_loop_asks_again_until_its_deadline() -> None:
    asked: list[str] = []

    class Client:
        def send(self, due: float) -> None:
            asked.append("again" if due else "")

        def end(self) -> None:
            asked.append("end")

    Closed(time.monotonic() + 60).free(Client())
    Closed(time.monotonic()).free(Client())
    assert asked == ["again", "end"]
