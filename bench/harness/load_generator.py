"""The load generator: raw HTTP/1.1 on keep-alive sockets, in a separate process that does nothing else."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial
from http import HTTPStatus
from math import inf
from typing import cast

from msgspec import Struct

from bench.data.http_target import HttpTarget
from bench.harness.arrivals import Arrivals, ClosedLoop, OpenLoop
from bench.harness.client_scripts import SCRIPTS, SHARED_TARGET_SCRIPTS, HttpResponse, Script
from bench.harness.run_module import run_plan

DRAIN_S = 10.0
"""How long to wait for outstanding answers after the end of the load; a closed loop counts them as late."""


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
    warm_up_s: float = 0.0


class LoadResult(Struct, frozen=True):
    """The result of a plan: successful answers in time, by client; refused requests, by status, and their latencies.

    `unsent` requests fell due, but no client became idle before the end; `wrong` answers succeeded with a body other
    than the expected one.
    """

    seconds: float
    answered: list[int]
    refused: dict[int, int]
    latencies_ms: list[float]
    late: int
    busy_share: float
    unsent: int = 0
    wrong: int = 0
    refused_latencies_ms: list[float] = []

    def per_second(self) -> float:
        return sum(self.answered) / self.seconds

    def latencies_with_failures_ms(self) -> list[float]:
        """The latency of every request that fell due: infinite for a request that failed or was never sent."""
        never = sum(self.refused.values()) + self.unsent + self.late + self.wrong
        return [*self.latencies_ms, *[inf] * never]


def merge_loads(loads: Sequence[LoadResult]) -> LoadResult:
    """Merge consecutive loads, with the same number of clients, into a single one."""
    return LoadResult(
        seconds=sum(load.seconds for load in loads),
        answered=[sum(answers) for answers in zip(*(load.answered for load in loads), strict=True)],
        refused=sum((Counter(load.refused) for load in loads), Counter()),
        latencies_ms=[latency for load in loads for latency in load.latencies_ms],
        late=sum(load.late for load in loads),
        busy_share=max(load.busy_share for load in loads),
        unsent=sum(load.unsent for load in loads),
        wrong=sum(load.wrong for load in loads),
        refused_latencies_ms=[latency for load in loads for latency in load.refused_latencies_ms],
    )


async def generate_load(plan: LoadPlan) -> LoadResult:
    """Execute a plan in this process; raises ConnectionError if the server closes a connection."""
    host, _, port = plan.address.removeprefix("http://").partition(":")
    loop = asyncio.get_running_loop()
    worked, began = time.process_time(), time.monotonic()
    deadline = began + plan.warm_up_s + plan.seconds
    pace = OpenLoop(deadline, plan.rate) if plan.rate else ClosedLoop(deadline)
    clients = [_HttpClient(script, plan, deadline, pace, loop.create_future()) for script in _scripts(plan)]
    await asyncio.gather(*(loop.create_connection(partial(_identity, client), host, int(port)) for client in clients))
    await pace.run()
    await asyncio.wait_for(
        asyncio.gather(*(client.closed for client in clients)), plan.warm_up_s + plan.seconds + DRAIN_S
    )
    busy = (time.process_time() - worked) / (time.monotonic() - began)
    return LoadResult(
        seconds=plan.seconds,
        answered=[len(client.latencies) for client in clients],
        refused=sum((client.refused for client in clients), Counter()),
        latencies_ms=_in_ms(latency for client in clients for latency in client.latencies),
        late=sum(client.late for client in clients),
        busy_share=round(busy, 3),
        unsent=pace.unsent,
        wrong=sum(client.wrong for client in clients),
        refused_latencies_ms=_in_ms(latency for client in clients for latency in client.refused_latencies),
    )


def _in_ms(latencies_s: Iterable[float]) -> list[float]:
    return [round(latency * 1000, 3) for latency in latencies_s]


def _scripts(plan: LoadPlan) -> list[Script]:
    make, count = SCRIPTS[plan.script], plan.clients
    return [
        make(plan.targets if plan.script in SHARED_TARGET_SCRIPTS else plan.targets[at::count]) for at in range(count)
    ]


class _HttpClient(asyncio.Protocol):
    """One connection, one request at a time."""

    transport: asyncio.Transport

    def __init__(
        self, script: Script, plan: LoadPlan, deadline: float, arrivals: Arrivals, closed: asyncio.Future[None]
    ) -> None:
        self.latencies: list[float] = []
        self.refused: Counter[int] = Counter()
        self.refused_latencies: list[float] = []
        self.late = 0
        self.wrong = 0
        self.closed = closed
        self._script = script
        self._next = next(script)
        # In an open loop, a request that fell due in time counts even if its answer is late. Otherwise the slowest
        # answers would be left out.
        self._counted_from = deadline - plan.seconds
        self._deadline = deadline + DRAIN_S if plan.rate else deadline
        self._arrivals = arrivals
        self._head = (
            f"Host: localhost\r\nAuthorization: Bearer {plan.token}\r\nContent-Type: application/json\r\n".encode()
        )
        self._received = bytearray()
        self._due = 0.0

    def send(self, due: float) -> None:
        request, self._due = self._next, due
        line = f"{request.method} {request.path} HTTP/1.1\r\nContent-Length: {len(request.body)}\r\n".encode()
        self.transport.write(line + self._head + b"\r\n" + request.body)

    def close(self) -> None:
        self.closed.set_result(None)
        self.transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._arrivals.on_client_ready(self)

    def data_received(self, data: bytes) -> None:
        self._received += data
        answer = parse_response(self._received)
        if answer is None:
            return
        self._received.clear()
        self._count(answer, time.monotonic())
        self._next = self._script.send(answer)
        self._arrivals.on_client_ready(self)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.closed.done():
            self.closed.set_exception(exc or ConnectionError("the server closed the connection"))

    def _count(self, answer: HttpResponse, now: float) -> None:
        if self._due < self._counted_from:
            return
        if now >= self._deadline:
            self.late += 1
        elif answer.status >= HTTPStatus.MULTIPLE_CHOICES:
            self.refused[answer.status] += 1
            self.refused_latencies.append(now - self._due)
        elif self._next.expected_body not in {None, answer.body}:
            self.wrong += 1
        elif self._next.is_counted:
            self.latencies.append(now - self._due)


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
