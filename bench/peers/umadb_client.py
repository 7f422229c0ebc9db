"""The client of UmaDB: threads that append through its Python client, in a separate process."""

import time
from concurrent.futures import ThreadPoolExecutor

from umadb import AppendCondition, Client, Event, Query, QueryItem

from bench.data.board import create_task_command
from bench.harness.load_result import LoadResult, measure_busy_share, summarize
from bench.harness.run_module import run_plan
from bench.harness.tally import CountedTime, Tally
from bench.peers.umadb import UmadbPlan
from domain import codec
from domain.task import TaskCreated
from infra.ids import new_id


async def run_appends(plan: UmadbPlan) -> LoadResult:
    """Append from all threads through one shared client, which is faster here than one client per thread."""
    worked, client, state = time.process_time(), Client(plan.address), _encode_created_event()
    counted = CountedTime.starting_now(plan.warm_up_s, plan.seconds)
    tallies = [Tally(counted) for _ in range(plan.threads)]
    with ThreadPoolExecutor(plan.threads) as threads:
        running = [threads.submit(_append_until, client, state, counted.ended, tally) for tally in tallies]
        busy_share = await measure_busy_share(counted)
        for one in running:
            one.result()
    return summarize(tallies, plan.seconds, busy_share, time.process_time() - worked)


def _append_until(client: Client, state: bytes, deadline: float, tally: Tally) -> None:
    """Append one event after the other, each on condition that its task has no event yet."""
    while (began := time.monotonic()) < deadline:
        tag = str(new_id())
        nothing_yet = AppendCondition(Query([QueryItem(tags=[tag])]))
        client.append([Event("TaskCreated", state, [tag])], nothing_yet)
        tally.record_success(began, time.monotonic())


def _encode_created_event() -> bytes:
    """The event of the task in `NEW_TASK`, encoded as in our log."""
    task = create_task_command(new_id())
    fields = {name: getattr(task, name) for name in ("title", "description", "priority", "due", "labels")}
    return codec.encode(TaskCreated(new_id(), new_id(), 123, "P123-123", column="todo", **fields))


if __name__ == "__main__":
    run_plan(UmadbPlan, run_appends)
