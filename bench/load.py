"""The load generator: raw HTTP/1.1 on keep-alive sockets, in a process of its own, busy with nothing else."""

import asyncio
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from functools import partial
from http import HTTPStatus
from typing import cast

import msgspec
from msgspec import Struct

from bench.scripts import SCRIPTS, SHARED, Answer, Request, Script, Target

DRAIN_S = 10.0
"""How long answers may come after the end; they are not counted."""


class Plan(Struct, frozen=True):
    """Who does what, where, for how long."""

    script: str
    address: str
    token: str
    clients: int
    seconds: float
    targets: Sequence[Target]


class Load(Struct, frozen=True):
    """What came of a plan: answers in time that said yes, by client; the others, by status."""

    seconds: float
    answered: list[int]
    refused: dict[int, int]
    latencies_ms: list[float]
    late: int
    busy: float

    def per_second(self) -> float:
        return sum(self.answered) / self.seconds


def load(plan: Plan) -> Load:
    """Carry out a plan in another process."""
    argv = [sys.executable, "-m", "bench.load"]
    done = subprocess.run(argv, input=msgspec.json.encode(plan), stdout=subprocess.PIPE, check=True)
    return msgspec.json.decode(done.stdout, type=Load)


async def generate(plan: Plan) -> Load:
    """Carry out a plan in this process; raises ConnectionError where the server hangs up."""
    host, _, port = plan.address.removeprefix("http://").partition(":")
    loop = asyncio.get_running_loop()
    worked, began = time.process_time(), time.monotonic()
    clients = [_Client(script, plan, began + plan.seconds, loop.create_future()) for script in _scripts(plan)]
    await asyncio.gather(*(loop.create_connection(partial(_given, client), host, int(port)) for client in clients))
    await asyncio.wait_for(asyncio.gather(*(client.ended for client in clients)), plan.seconds + DRAIN_S)
    busy = (time.process_time() - worked) / (time.monotonic() - began)
    return Load(
        seconds=plan.seconds,
        answered=[len(client.latencies) for client in clients],
        refused=sum((client.refused for client in clients), Counter()),
        latencies_ms=[round(latency * 1000, 3) for client in clients for latency in client.latencies],
        late=sum(client.late for client in clients),
        busy=round(busy, 3),
    )


def _scripts(plan: Plan) -> list[Script]:
    make, count = SCRIPTS[plan.script], plan.clients
    return [make(plan.targets if plan.script in SHARED else plan.targets[at::count]) for at in range(count)]


class _Client(asyncio.Protocol):
    """One connection, one request at a time."""

    transport: asyncio.Transport

    def __init__(self, script: Script, plan: Plan, deadline: float, ended: asyncio.Future[None]) -> None:
        self.latencies: list[float] = []
        self.refused: Counter[int] = Counter()
        self.late = 0
        self.ended = ended
        self._script = script
        self._deadline = deadline
        self._head = f"Host: bench\r\nAuthorization: Bearer {plan.token}\r\nContent-Type: application/json\r\n".encode()
        self._received = bytearray()
        self._sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._send(next(self._script))

    def data_received(self, data: bytes) -> None:
        self._received += data
        answer = complete(self._received)
        if answer is None:
            return
        self._received.clear()
        now = time.monotonic()
        self._count(answer, now)
        if now < self._deadline:
            self._send(self._script.send(answer))
        else:
            self.ended.set_result(None)
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_exception(exc or ConnectionError("the server hung up"))

    def _count(self, answer: Answer, now: float) -> None:
        if now >= self._deadline:
            self.late += 1
        elif answer.status < HTTPStatus.MULTIPLE_CHOICES:
            self.latencies.append(now - self._sent)
        else:
            self.refused[answer.status] += 1

    def _send(self, request: Request) -> None:
        line = f"{request.method} {request.path} HTTP/1.1\r\nContent-Length: {len(request.body)}\r\n".encode()
        self._sent = time.monotonic()
        self.transport.write(line + self._head + b"\r\n" + request.body)


def _given(client: _Client) -> _Client:
    return client


def complete(received: bytearray) -> Answer | None:
    """The answer, once all of it is there; raises ValueError for one without a length."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = bytes(received[:end]).lower()
    length = int(head[head.index(b"content-length:") + 15 :].partition(b"\r\n")[0])
    if len(received) < end + 4 + length:
        return None
    return Answer(int(head[9:12]), bytes(received[end + 4 :]))


if __name__ == "__main__":
    asked = msgspec.json.decode(sys.stdin.buffer.read(), type=Plan)
    sys.stdout.buffer.write(msgspec.json.encode(asyncio.run(generate(asked))))
