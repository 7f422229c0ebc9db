"""The client of UmaDB: threads that append through its Python client, in a separate process."""

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from umadb import AppendCondition, Client, Event, Query, QueryItem

from bench.data.board import create_task_command
from bench.harness.load_generator import LoadResult
from bench.harness.run_module import run_plan
from bench.peers.umadb import UmadbPlan
from domain import codec
from domain.task import TaskCreated
from infra.ids import new_id


async def run_appends(plan: UmadbPlan) -> LoadResult:
    """Append from all threads through one shared client, which is faster here than one client per thread."""
    client, state = Client(plan.address), _encode_created_event()
    worked, began = time.process_time(), time.monotonic()
    with ThreadPoolExecutor(plan.threads) as threads:
        work = partial(_append_until, client, state, began + plan.seconds)
        latencies = [running.result() for running in [threads.submit(work) for _ in range(plan.threads)]]
    busy = (time.process_time() - worked) / (time.monotonic() - began)
    milliseconds = [round(latency * 1000, 3) for one in latencies for latency in one]
    return LoadResult(plan.seconds, [len(one) for one in latencies], {}, milliseconds, 0, round(busy, 3))


def _append_until(client: Client, state: bytes, deadline: float) -> list[float]:
    """Append one event after the other, each on condition that its task has no event yet."""
    latencies = []
    while (began := time.monotonic()) < deadline:
        tag = str(new_id())
        nothing_yet = AppendCondition(Query([QueryItem(tags=[tag])]))
        client.append([Event("TaskCreated", state, [tag])], nothing_yet)
        if (now := time.monotonic()) < deadline:
            latencies.append(now - began)
    return latencies


def _encode_created_event() -> bytes:
    """The event of the task in `NEW_TASK`, encoded as in our log."""
    task = create_task_command(new_id())
    fields = {name: getattr(task, name) for name in ("title", "description", "priority", "due", "labels")}
    return codec.encode(TaskCreated(new_id(), new_id(), 123, "P123-123", column="todo", **fields))


if __name__ == "__main__":
    run_plan(UmadbPlan, run_appends)
