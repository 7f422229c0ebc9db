"""P2: a rebuild of the task list, how long it takes and how much memory."""

import time
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from bench.harness import memory
from bench.harness.processes import command
from bench.harness.servers import Servers
from bench.peers.stock_projection import Projecting
from bench.targets import Measure, Told, at_least, at_most
from infra.rebuilding.outcome import Outcome

NAME = "task_list"
REBUILD = ("projections", "rebuild", NAME, "--expect-changes")
_VERIFYING = "verifying"
_OUTCOME = """select outcome from read.operations where projection = %s and state = 'done'
    order by ended_at desc limit 1"""


class Rebuilt(Struct, frozen=True):
    """From the command's first instant to its last, without the comparison with what was live, which is apart."""

    events: int
    seconds: float
    verifying_s: float
    phases: dict[str, float]
    peak_bytes: int

    def per_second(self) -> float:
        return self.events / self.seconds


def told(rebuilds: Sequence[Rebuilt], peer: Projecting) -> Told:
    """Beside the library's runner."""
    rates = [one.per_second() for one in rebuilds]
    rebuilding = Measure("P2", f"rebuild, {rebuilds[0].events:,} events", "events/s")
    memory_mib = [one.peak_bytes / 2**20 for one in rebuilds]
    return Told(
        [
            rebuilding.alone(rates, at_least(100_000)),
            rebuilding.beside("library", rates, [peer.per_second()] * len(rates), at_least(40)),
            Measure("P2", "memory of all its processes", "MiB").alone(memory_mib, at_most(1_024)),
        ],
        [_remark(one) for one in rebuilds],
    )


def rebuild(up: Servers) -> Rebuilt:
    """By the command."""
    began = time.monotonic()
    with command(up.data, *REBUILD) as child, memory.watched(child.pid) as peak:
        code, seconds = child.wait(), time.monotonic() - began
    if code:
        raise RuntimeError("The rebuild did not switch.")
    came = outcome(up)
    verifying = came.seconds.get(_VERIFYING, 0.0)
    return Rebuilt(came.events, seconds - verifying, verifying, came.seconds, peak.bytes)


def outcome(up: Servers) -> Outcome:
    """What came of the last one."""
    row = up.connection.execute(_OUTCOME, (NAME,)).fetchone()
    return msgspec.convert(row[0] if row else None, Outcome)


def _remark(one: Rebuilt) -> str:
    phases = ", ".join(f"{phase} {seconds:.1f} s" for phase, seconds in one.phases.items() if phase != _VERIFYING)
    return f"P2: {one.events:,} events in {one.seconds:.1f} s ({phases}); verifying took {one.verifying_s:.1f} s more."
