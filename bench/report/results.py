"""Results: a run as a file, for whoever reads figures by program, and for plots."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from bench.harness.machine import Machine
from bench.harness.rounds import Round
from bench.targets import Mark, percentile

FOLDER = Path(__file__).parents[1] / "results"
LATEST = FOLDER / "latest.json"


def write(
    name: str, machine: Machine, marks: Sequence[Mark], rounds: Sequence[Round], absent: Mapping[str, str]
) -> None:
    """Into `bench/results/<name>.json`, and the same into `latest.json`; the rounds are kept beside the medians."""
    content = {"machine": machine, "marks": marks, "absent": absent, "rounds": list(map(written, rounds))}
    FOLDER.mkdir(exist_ok=True)
    for file in (FOLDER / f"{name}.json", LATEST):
        file.write_bytes(msgspec.json.format(msgspec.json.encode(content)) + b"\n")


def written(one: Round) -> dict[str, Any]:
    """A round as it stands in the file: rates, and what each kind of process used."""
    return {
        name: {
            "per_second": round(one.per_second(name), 1),
            **{f"p{at}_ms": percentile(one.loads[name].latencies_ms, at) for at in (50, 99)},
            "refused": sum(one.loads[name].refused.values()),
            "unsent": one.loads[name].unsent,
            "processes": {
                kind: {"cpu_s": round(use.cpu_s, 3), "rss_mib": round(use.rss / 2**20, 1)}
                for kind, use in one.used.get(name, {}).items()
            },
        }
        for name in one.loads
    }
