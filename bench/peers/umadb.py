"""The UmaDB peer: its server as its wheel brings it, and threads that append through its own Python client."""

import contextlib
import socket
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from msgspec import Struct
from umadb import AppendCondition, Client, Event, Query, QueryItem

from bench.board import new_task
from bench.elsewhere import answer
from bench.load import Load
from bench.processes import FOR_STOPPING_S, wait
from domain import codec
from domain.task import TaskCreated
from infra import ports
from infra.embedded.process import spawn, stop
from infra.ids import new_id


class Plan(Struct, frozen=True):
    """How many threads append at which server, for how long."""

    address: str
    threads: int
    seconds: float


@contextlib.contextmanager
def server(folder: Path) -> Iterator[str]:
    """A server that answers at the address yielded; everything as it is by default, so durable."""
    folder.mkdir()
    port = ports.free()
    argv: list[str | Path] = [Path(sys.executable).with_name("umadb"), "--db-path", folder]
    with (folder / "log").open("wb") as log, contextlib.ExitStack() as ending:
        child = spawn([*argv, "--listen", f"{ports.LOOPBACK}:{port}"], log=log)
        ending.callback(stop, [child], FOR_STOPPING_S)
        wait(child, lambda: _listens(port))
        yield f"http://{ports.LOOPBACK}:{port}"


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((ports.LOOPBACK, port), timeout=1):
        return True
    return False


async def fill(plan: Plan) -> Load:
    """All threads share a client, which is faster here than one for each."""
    client, state = Client(plan.address), _created()
    worked, began = time.process_time(), time.monotonic()
    with ThreadPoolExecutor(plan.threads) as threads:
        work = partial(_append_until, client, state, began + plan.seconds)
        latencies = [running.result() for running in [threads.submit(work) for _ in range(plan.threads)]]
    busy = (time.process_time() - worked) / (time.monotonic() - began)
    milliseconds = [round(latency * 1000, 3) for one in latencies for latency in one]
    return Load(plan.seconds, [len(one) for one in latencies], {}, milliseconds, 0, round(busy, 3))


def _append_until(client: Client, state: bytes, deadline: float) -> list[float]:
    """One event after the other, each if there is none of its task yet."""
    latencies = []
    while (began := time.monotonic()) < deadline:
        tag = str(new_id())
        nothing_yet = AppendCondition(Query([QueryItem(tags=[tag])]))
        client.append([Event("TaskCreated", state, [tag])], nothing_yet)
        if (now := time.monotonic()) < deadline:
            latencies.append(now - began)
    return latencies


def _created() -> bytes:
    """The event of the task that every create asks for, as our log keeps it."""
    task = new_task(new_id())
    fields = {name: getattr(task, name) for name in ("title", "description", "priority", "due", "labels")}
    return codec.encode(TaskCreated(new_id(), new_id(), 123, "P123-123", column="todo", **fields))


if __name__ == "__main__":
    answer(Plan, fill)
