"""The load generator: what it counts of a real server's answers, at the end of a load above all."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from math import inf

import pytest

from bench.data.http_target import HttpTarget
from bench.harness import load_generator
from bench.harness.load_generator import LoadPlan, generate_load
from bench.targets import percentile

pytestmark = pytest.mark.slow

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class SlowServer:
    """A server that answers each request of a connection with the next of some delays; None stands for never."""

    def __init__(self, delays_s: list[float | None]) -> None:
        self.request_count = 0
        self.connections = set[asyncio.Task[None] | None]()
        self._delays_s = delays_s

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.add(asyncio.current_task())
        delays = iter(self._delays_s)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                self.request_count += 1
                delay = next(delays, 0.02)
                if delay is None:
                    await reader.read()
                    break
                await asyncio.sleep(delay)
                writer.write(ANSWER)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


@contextlib.asynccontextmanager
async def serving(server: SlowServer) -> AsyncIterator[str]:
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listening:
        host, port = listening.sockets[0].getsockname()
        yield f"http://{host}:{port}"
        await asyncio.wait([connection for connection in server.connections if connection])


def plan(address: str, *, rate: float = 0.0, seconds: float = 0.3, warm_up_s: float = 0.0) -> LoadPlan:
    return LoadPlan("get_repeatedly", address, "", 1, seconds, [HttpTarget("/")], rate, warm_up_s)


async def test_what_is_under_way_at_the_end_of_a_closed_loop_is_no_failure() -> None:
    async with serving(SlowServer([0.01, 0.5])) as address:
        load = await generate_load(plan(address))
    assert load.answered == [1]
    (under_way,) = load.under_way_ms
    assert under_way >= 500, "its whole latency is reported, but apart"
    assert percentile(load.latencies_with_failures_ms(), 99) < inf


async def test_a_late_answer_of_an_open_loop_counts_with_its_latency() -> None:
    async with serving(SlowServer([0.01, 0.5])) as address:
        load = await generate_load(plan(address, rate=10))
    assert max(load.latencies_ms) >= 500
    assert not load.under_way_ms
    assert sum(load.answered) + load.unsent in {3, 4}


@pytest.mark.parametrize("rate", [0.0, 10.0])
async def test_a_request_that_is_never_answered_has_failed(rate: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_generator, "DRAIN_S", 0.1)
    async with serving(SlowServer([0.01, None])) as address:
        load = await generate_load(plan(address, rate=rate))
    assert load.unanswered == 1
    assert percentile(load.latencies_with_failures_ms(), 99) == inf


async def test_answers_of_the_warm_up_do_not_count() -> None:
    server = SlowServer([0.25])
    async with serving(server) as address:
        load = await generate_load(plan(address, warm_up_s=0.3))
    assert load.warm_up_answers >= 1
    assert max(load.latencies_ms) < 250
    assert load.all_answers() == server.request_count
    assert load.cpu_s > 0
