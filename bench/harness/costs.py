"""Costs: what each answer of a load took of the processors, by kind of process, and the WAL syncs meanwhile."""

from collections.abc import Mapping

from bench.harness.load_result import LoadResult
from bench.harness.resource_usage import ResourceUsage
from bench.targets import CostLine

LOAD_GENERATOR, LANE, PEER = "load generator", "lane", "peer"
_LANE_LOAD = "L1"
_SHARED_KINDS = {"api", "worker", "postgres", "rebuild", "serve", "valkey broker", "valkey cache", LOAD_GENERATOR, LANE}
MIN_CPU_S = 0.02
"""Processor time below this is that of an idle process."""


def load_cost(
    name: str, load: LoadResult, usage: Mapping[str, ResourceUsage], wal_syncs_per_s: float | None
) -> CostLine:
    """The cost of an answer of a load. What is not counted as a result has been worked for, too."""
    used = with_client(name, load, usage)
    return cost_line(name, load.per_second(), load.all_answers(), used, wal_syncs_per_s, load.busy_share)


def with_client(name: str, load: LoadResult, usage: Mapping[str, ResourceUsage]) -> dict[str, ResourceUsage]:
    """The usage with the process that made the load: for L1 that is the lane itself."""
    client = LANE if name == _LANE_LOAD else LOAD_GENERATOR
    return {**usage, client: ResourceUsage(load.cpu_s, 0)}


def cost_line(  # noqa: PLR0913, PLR0917 - the columns of a line
    name: str,
    per_second: float,
    count: int,
    usage: Mapping[str, ResourceUsage],
    wal_syncs_per_s: float | None = None,
    client_busy_share: float | None = None,
) -> CostLine:
    """The cost of each of `count` answers or events; all peers share a column, as only one works at a time."""
    cpu_us: dict[str, float] = {}
    for kind, used in usage.items():
        if used.cpu_s >= MIN_CPU_S and count:
            shown = kind if kind in _SHARED_KINDS else PEER
            cpu_us[shown] = cpu_us.get(shown, 0.0) + round(used.cpu_s * 1e6 / count, 2)
    return CostLine(name, per_second, cpu_us, wal_syncs_per_s, client_busy_share)
