"""Results: a run as a JSON file, for other programs and for plots."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from bench.harness.costs import with_client
from bench.harness.machine import Machine
from bench.harness.rounds import RoundResult
from bench.targets import CostLine, TargetResult, percentile

RESULTS_DIRECTORY = Path(__file__).parents[1] / "results"
LATEST_FILE = RESULTS_DIRECTORY / "latest.json"


FORMAT = {
    "machine": "The machine, versions, durability, and what else ran: load before, and the share of other programs.",
    "marks": "The targets. `value`, `low`, `high`, `peer` are in `unit`, medians and range of the rounds; `ratio` is "
    "the median of the rounds' own ratios, and what `mark` bounds where there is a peer; `met_by` counts `rounds`.",
    "absent": "Scenarios that were not measured, and why.",
    "costs": "A line for each load and round: microseconds of processor time for each answer or event (`cpu_us`), by "
    "kind of process, answers that do not count included; syncs of PostgreSQL's log (null if the load was too short to "
    "tell); how busy the client was.",
    "rounds": "Each load of each round. Percentiles have failures as infinitely slow (null). `under_way` requests of a "
    "closed loop were answered after its end, and count as nothing.",
}
"""What each key of the file holds."""


class RunResult(Struct, frozen=True):
    """What a run found: the targets, what the loads cost, why other scenarios are absent, and all rounds."""

    name: str
    machine: Machine
    marks: Sequence[TargetResult]
    costs: Sequence[CostLine]
    absent: Mapping[str, str]
    rounds: Sequence[RoundResult]


def write_results(result: RunResult) -> None:
    """Write `bench/results/<name>.json` and a copy, `latest.json`."""
    content = {
        "about": FORMAT,
        "machine": result.machine,
        "marks": result.marks,
        "absent": result.absent,
        "costs": result.costs,
        "rounds": list(map(round_to_json, result.rounds)),
    }
    RESULTS_DIRECTORY.mkdir(exist_ok=True)
    for file in (RESULTS_DIRECTORY / f"{result.name}.json", LATEST_FILE):
        file.write_bytes(msgspec.json.format(msgspec.json.encode(content)) + b"\n")


def round_to_json(one: RoundResult) -> dict[str, Any]:
    """A round as the file has it: rates, latencies, and the resource usage of each kind of process."""
    return {name: _load_to_json(one, name) for name in one.loads}


def _load_to_json(one: RoundResult, name: str) -> dict[str, Any]:
    load = one.loads[name]
    usage = with_client(name, load, one.resource_usage.get(name, {}))
    return {
        "per_second": round(one.per_second(name), 1),
        **{f"p{at}_ms": percentile(load.latencies_with_failures_ms(), at) for at in (50, 99)},
        "refused": sum(load.refused.values()),
        "unsent": load.unsent,
        "unanswered": load.unanswered,
        "under_way": len(load.under_way_ms),
        "client_busy_share": load.busy_share,
        "wal_syncs_per_s": one.wal_syncs_per_s.get(name),
        "processes": {
            kind: {"cpu_s": round(use.cpu_s, 3), "rss_mib": round(use.rss_bytes / 2**20, 1)}
            for kind, use in usage.items()
        },
    }
