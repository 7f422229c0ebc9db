"""Results: a run as a JSON file, for other programs and for plots."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from bench.harness.machine import Machine
from bench.harness.rounds import RoundResult
from bench.targets import TargetResult, percentile

RESULTS_DIRECTORY = Path(__file__).parents[1] / "results"
LATEST_FILE = RESULTS_DIRECTORY / "latest.json"


def write_results(
    name: str,
    machine: Machine,
    results: Sequence[TargetResult],
    rounds: Sequence[RoundResult],
    not_measured: Mapping[str, str],
) -> None:
    """Write `bench/results/<name>.json` and a copy, `latest.json`, with the medians and all rounds."""
    content = {"machine": machine, "marks": results, "absent": not_measured, "rounds": list(map(round_to_json, rounds))}
    RESULTS_DIRECTORY.mkdir(exist_ok=True)
    for file in (RESULTS_DIRECTORY / f"{name}.json", LATEST_FILE):
        file.write_bytes(msgspec.json.format(msgspec.json.encode(content)) + b"\n")


def round_to_json(one: RoundResult) -> dict[str, Any]:
    """A round as the file has it: rates, latencies, and the resource usage of each kind of process."""
    return {
        name: {
            "per_second": round(one.per_second(name), 1),
            **{f"p{at}_ms": percentile(one.loads[name].latencies_ms, at) for at in (50, 99)},
            "refused": sum(one.loads[name].refused.values()),
            "unsent": one.loads[name].unsent,
            "processes": {
                kind: {"cpu_s": round(use.cpu_s, 3), "rss_mib": round(use.rss_bytes / 2**20, 1)}
                for kind, use in one.resource_usage.get(name, {}).items()
            },
        }
        for name in one.loads
    }
