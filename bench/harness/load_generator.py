"""The load generator: raw HTTP/1.1 on keep-alive sockets, in a separate process that does nothing else."""

import asyncio
import time
from collections.abc import Sequence
from functools import partial
from typing import cast

from msgspec import Struct

from bench.data.http_target import HttpTarget
from bench.harness.arrivals import Arrivals, ClosedLoop, OpenLoop
from bench.harness.client_scripts import SCRIPTS, SHARED_TARGET_SCRIPTS, HttpResponse, Script
from bench.harness.load_result import LoadResult, measure_busy_share, summarize
from bench.harness.run_module import run_plan
from bench.harness.tally import WARM_UP_S, CountedTime, Tally

DRAIN_S = 10.0
"""How long to wait for outstanding answers after the end of the load; a request without one by then has failed."""


class LoadPlan(Struct, frozen=True):
    """What clients do, on which server and for how long. With a rate, that many requests fall due each second.

    During the warm-up, which comes first, nothing is counted.
    """

    script: str
    address: str
    token: str
    clients: int
    seconds: float
    targets: Sequence[HttpTarget]
    rate: float = 0.0
    warm_up_s: float = WARM_UP_S


async def generate_load(plan: LoadPlan) -> LoadResult:
    """Execute a plan in this process; raises ConnectionError if the server closes a connection."""
    host, _, port = plan.address.removeprefix("http://").partition(":")
    loop = asyncio.get_running_loop()
    worked = time.process_time()
    counted = CountedTime.starting_now(plan.warm_up_s, plan.seconds, is_open_loop=plan.rate > 0)
    busy_share = asyncio.create_task(measure_busy_share(counted))
    pace = OpenLoop(counted.ended, plan.rate) if plan.rate else ClosedLoop(counted.ended)
    clients = [_HttpClient(script, plan.token, Tally(counted), pace, loop.create_future()) for script in _scripts(plan)]
    await asyncio.gather(*(loop.create_connection(partial(_identity, client), host, int(port)) for client in clients))
    await pace.run()
    await _drain(clients)
    tallies = [client.tally for client in clients]
    return summarize(tallies, plan.seconds, await busy_share, time.process_time() - worked, pace.unsent)


async def _drain(clients: "Sequence[_HttpClient]") -> None:
    """Wait for the outstanding answers; a request without one after `DRAIN_S` has failed."""
    await asyncio.wait([client.closed for client in clients], timeout=DRAIN_S)
    for client in clients:
        if client.closed.done():
            client.closed.result()
        else:
            client.give_up()


def _scripts(plan: LoadPlan) -> list[Script]:
    make, count = SCRIPTS[plan.script], plan.clients
    return [
        make(plan.targets if plan.script in SHARED_TARGET_SCRIPTS else plan.targets[at::count]) for at in range(count)
    ]


class _HttpClient(asyncio.Protocol):
    """One connection, one request at a time."""

    transport: asyncio.Transport

    def __init__(
        self, script: Script, token: str, tally: Tally, arrivals: Arrivals, closed: asyncio.Future[None]
    ) -> None:
        self.tally = tally
        self.closed = closed
        self._script = script
        self._next = next(script)
        self._arrivals = arrivals
        self._head = f"Host: localhost\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n".encode()
        self._received = bytearray()
        self._due = 0.0

    def send(self, due: float) -> None:
        request, self._due = self._next, due
        line = f"{request.method} {request.path} HTTP/1.1\r\nContent-Length: {len(request.body)}\r\n".encode()
        self.transport.write(line + self._head + b"\r\n" + request.body)

    def close(self) -> None:
        self.closed.set_result(None)
        self.transport.close()

    def give_up(self) -> None:
        """Close although an answer is outstanding."""
        self.tally.record_unanswered()
        self.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._arrivals.on_client_ready(self)

    def data_received(self, data: bytes) -> None:
        self._received += data
        answer = parse_response(self._received)
        if answer is None:
            return
        self._received.clear()
        self.tally.record(self._next, answer, self._due, time.monotonic())
        self._next = self._script.send(answer)
        self._arrivals.on_client_ready(self)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.closed.done():
            self.closed.set_exception(exc or ConnectionError("the server closed the connection"))


def _identity(client: _HttpClient) -> _HttpClient:
    return client


def parse_response(received: bytearray) -> HttpResponse | None:
    """The answer, once it is complete, else None; raises ValueError for one without a length."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = bytes(received[:end]).lower()
    length = int(head[head.index(b"content-length:") + 15 :].partition(b"\r\n")[0])
    if len(received) < end + 4 + length:
        return None
    return HttpResponse(int(head[9:12]), bytes(received[end + 4 :]))


if __name__ == "__main__":
    run_plan(LoadPlan, generate_load)
