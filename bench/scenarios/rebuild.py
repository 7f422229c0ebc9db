"""P2: the time and memory that a rebuild of the task list takes."""

import time
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from bench.harness.costs import cost_line
from bench.harness.processes import start_command
from bench.harness.resource_usage import ResourceUsage, track_usage
from bench.harness.sampled_usage import sample_usage
from bench.harness.servers import EmbeddedServers
from bench.harness.wal_syncs import track_wal_syncs
from bench.peers.stock_projection import ProjectionTiming
from bench.targets import CostLine, Metric, ScenarioReport, at_least, at_most
from infra.rebuilding.outcome import RebuildOutcome

PROJECTION = "task_list"
REBUILD_COMMAND = ("projections", "rebuild", PROJECTION, "--expect-changes")
MILLION_EVENTS, MILLION_EVENTS_MARKS, SHORTER_LOG_MARKS = 1_000_000, (130_000, 80), (60_000, 40)
"""Events a second, and times the rate of the peer: starting processes is most of the rebuild of a short log."""
_VERIFYING = "verifying"
_HOW = (
    "`taskledger projections rebuild task_list` while no worker runs, from the start of the command to its end, "
    "less the comparison with the live rows; its processor time includes that. The runner of the library folds "
    "fewer events."
)
_MEMORY_HOW = "Sampled every tenth of a second: the command and all its processes; each counts what they share."
_LAST_OUTCOME_SQL = """select outcome from read.operations where projection = %s and state = 'done'
    order by ended_at desc limit 1"""


class RebuildTiming(Struct, frozen=True):
    """A rebuild. `seconds` is the whole command without its comparison with the live build (`verifying_s`)."""

    events: int
    seconds: float
    verifying_s: float
    phases: dict[str, float]
    peak_bytes: int
    usage: dict[str, ResourceUsage] = {}
    wal_syncs_per_s: float | None = None

    def per_second(self) -> float:
        return self.events / self.seconds

    def cost(self) -> CostLine:
        return cost_line("P2", self.per_second(), self.events, self.usage, self.wal_syncs_per_s)


def report(rebuilds: Sequence[RebuildTiming], peers: Sequence[ProjectionTiming]) -> ScenarioReport:
    """Compare each with a run of the library's runner beside it."""
    rates = [one.per_second() for one in rebuilds]
    min_rate, min_ratio = MILLION_EVENTS_MARKS if rebuilds[0].events >= MILLION_EVENTS else SHORTER_LOG_MARKS
    rebuilding = Metric("P2", f"rebuild, {rebuilds[0].events:,} events", _HOW, "events/s")
    memory = Metric("P2", "memory of all its processes", _MEMORY_HOW, "MiB")
    memory_mib = [one.peak_bytes / 2**20 for one in rebuilds]
    return ScenarioReport(
        [
            rebuilding.against_threshold(rates, at_least(min_rate)),
            rebuilding.against_baseline("library", rates, [peer.per_second() for peer in peers], at_least(min_ratio)),
            memory.against_threshold(memory_mib, at_most(1_024)),
        ],
        [_note(one) for one in rebuilds],
        [one.cost() for one in rebuilds],
    )


def measure_rebuild(up: EmbeddedServers) -> RebuildTiming:
    """Measure one rebuild through the command."""
    began = time.monotonic()
    with (
        track_usage(up.pids) as used,
        track_wal_syncs(up.connection) as syncs,
        start_command(up.data, *REBUILD_COMMAND) as child,
        sample_usage(child.pid) as sampled,
    ):
        code, seconds = child.wait(), time.monotonic() - began
    used["rebuild"] = ResourceUsage(sampled.cpu_s, sampled.peak_bytes)
    if code:
        raise RuntimeError("The rebuild failed.")
    came = last_outcome(up)
    verifying = came.seconds.get(_VERIFYING, 0.0)
    return RebuildTiming(
        came.events, seconds - verifying, verifying, came.seconds, sampled.peak_bytes, used, syncs.per_second()
    )


def last_outcome(up: EmbeddedServers) -> RebuildOutcome:
    """The outcome of the last rebuild."""
    row = up.connection.execute(_LAST_OUTCOME_SQL, (PROJECTION,)).fetchone()
    return msgspec.convert(row[0] if row else None, RebuildOutcome)


def _note(one: RebuildTiming) -> str:
    phases = ", ".join(f"{phase} {seconds:.1f} s" for phase, seconds in one.phases.items() if phase != _VERIFYING)
    return f"P2: {one.events:,} events in {one.seconds:.1f} s ({phases}); verifying took {one.verifying_s:.1f} s more."
