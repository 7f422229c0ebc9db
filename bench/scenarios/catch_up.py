"""P1: what workers fold of a log that has grown while there was none, all projections on."""

import contextlib
import time
from collections.abc import Iterator, Sequence

from msgspec import Struct

from bench.data.history import History
from bench.harness.instance import folded
from bench.harness.processes import command
from bench.harness.servers import Servers
from bench.targets import Mark, Measure, at_least
from infra import log

PATIENCE_S = 300.0
LOOK_S = 0.05
_PARTITIONS = "TASKLEDGER_PARTITIONS"


class Followed(Struct, frozen=True):
    """So many workers folded so many events, in the seconds from their first commit to their last."""

    workers: int
    events: int
    seconds: float

    def per_second(self) -> float:
        return self.events / self.seconds


def marks(found: Sequence[Followed]) -> Iterator[Mark]:
    """A line for each number of workers."""
    for workers in sorted({one.workers for one in found}):
        work, many = ("P1", "one worker") if workers == 1 else (f"P1 by {workers}", f"{workers} workers")
        measure = Measure(work, f"all projections, {many}", "events/s")
        yield measure.alone([one.per_second() for one in found if one.workers == workers], at_least(10_000))


def follow(up: Servers, history: History, events: int, workers: int) -> Followed:
    """Let the log grow, then let so many workers, with as many partitions, start and catch up."""
    history.fill(up.connection, events)
    start, head = folded(up.connection), log.head(up.connection)
    with contextlib.ExitStack() as ending:
        for _ in range(workers):
            ending.enter_context(command(up.data, "worker", environment={_PARTITIONS: str(workers)}))
        first, began = _reached(up, start + 1)
        _, ended = _reached(up, head)
    return Followed(workers, log.behind(up.connection, first), ended - began)


def _reached(up: Servers, position: int) -> tuple[int, float]:
    """How far all projections were at the first look that found them there, and when; raises TimeoutError."""
    deadline = time.monotonic() + PATIENCE_S
    while (found := folded(up.connection)) < position:
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(LOOK_S)
    return found, time.monotonic()
