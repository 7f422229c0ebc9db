"""P1: how fast workers catch up with a log that grew while no worker ran, with all projections."""

import contextlib
import time
from collections.abc import Iterator, Sequence

from msgspec import Struct

from bench.data.history import History
from bench.harness.costs import cost_line
from bench.harness.instance import folded_position
from bench.harness.processes import start_command
from bench.harness.resource_usage import ResourceUsage, track_usage
from bench.harness.servers import EmbeddedServers
from bench.harness.wal_syncs import track_wal_syncs
from bench.targets import CostLine, Metric, ScenarioReport, TargetResult, at_least
from infra import log

MAX_CATCH_UP_S = 300.0
POLL_INTERVAL_S = 0.05
_PARTITIONS = "TASKLEDGER_PARTITIONS"
_HOW = (
    "Events are copied into the log while no worker runs. Then one worker starts, or two with a partition each: "
    "from their first commit to their last, three times each."
)


class CatchUp(Struct, frozen=True):
    """How many workers projected how many events, the seconds from their first commit to their last, and the cost."""

    workers: int
    events: int
    seconds: float
    usage: dict[str, ResourceUsage] = {}
    wal_syncs_per_s: float | None = None

    def per_second(self) -> float:
        return self.events / self.seconds

    def work(self) -> str:
        return "P1" if self.workers == 1 else f"P1 by {self.workers}"

    def cost(self) -> CostLine:
        return cost_line(self.work(), self.per_second(), self.events, self.usage, self.wal_syncs_per_s)


def report(catch_ups: Sequence[CatchUp]) -> ScenarioReport:
    return ScenarioReport(list(target_results(catch_ups)), costs=[one.cost() for one in catch_ups])


def target_results(catch_ups: Sequence[CatchUp]) -> Iterator[TargetResult]:
    """One result for each number of workers."""
    for workers in sorted({one.workers for one in catch_ups}):
        work, many = ("P1", "one worker") if workers == 1 else (f"P1 by {workers}", f"{workers} workers")
        measure = Metric(work, f"all projections, {many}", _HOW, "events/s")
        yield measure.against_threshold(
            [one.per_second() for one in catch_ups if one.workers == workers], at_least(15_000)
        )


def measure_catch_up(up: EmbeddedServers, history: History, events: int, workers: int) -> CatchUp:
    """Write events, then start workers, with as many partitions as workers, and wait until they catch up."""
    history.write_next(up.connection, events)
    start, head = folded_position(up.connection), log.head(up.connection)
    pids = dict(up.pids)
    with contextlib.ExitStack() as ending:
        for number in range(workers):
            command = start_command(up.data, "worker", environment={_PARTITIONS: str(workers)})
            pids[f"worker {number}"] = ending.enter_context(command).pid
        first, began = _wait_for_position(up, start + 1)
        with track_usage(pids) as used, track_wal_syncs(up.connection) as syncs:
            _, ended = _wait_for_position(up, head)
    events = log.count_after(up.connection, first)
    return CatchUp(workers, events, ended - began, used, syncs.per_second())


def _wait_for_position(up: EmbeddedServers, position: int) -> tuple[int, float]:
    """Poll until all projections have reached `position`; return the position found and when. Raises TimeoutError."""
    deadline = time.monotonic() + MAX_CATCH_UP_S
    while (found := folded_position(up.connection)) < position:
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(POLL_INTERVAL_S)
    return found, time.monotonic()
