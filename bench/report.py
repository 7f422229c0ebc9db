"""The report: a table for people, a file for everything else."""

import os
import platform
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median
from urllib.parse import unquote

import msgspec
from rich.console import Console
from rich.table import Table

from bench.cold import Cold
from bench.folding import Folding
from bench.load import Load
from bench.marks import Mark
from bench.rebuild import LOOKS, WRITES, Disturbed, Rebuilt
from bench.works import RATE, Round

LATEST = Path(__file__).parent / "results" / "latest.json"
_WHOLE = 100
TIRED = 0.9
"""A load generator that is busy for a larger share of the time measures itself."""
BUSY = 0.5
"""A machine with so much to do already has no latencies to tell."""
_PEERS = ("umadb", "fastapi", "sqlalchemy", "pydantic")
"""What others would build with; a newer version is another peer."""
_BY_THEMSELVES = {"L1", "umadb"}
"""Where whoever asks is a part of what is measured."""


Machine = dict[str, str | int | float]


def machine() -> Machine:
    """What it is measured on; ask before anything of ours runs."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count() or 0,
        "memory_gib": round(memory, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        **{name: version(name) for name in _PEERS},
        "load_average_before": round(os.getloadavg()[0], 2),
    }


def write(machine: Machine, marks: Sequence[Mark], rounds: Sequence[Round]) -> None:
    """Into `bench/results/latest.json`; each round's rates are kept beside the medians."""
    LATEST.parent.mkdir(exist_ok=True)
    rates = [{name: round(one.per_second(name), 1) for name in one.loads} for one in rounds]
    content = {"machine": machine, "marks": marks, "rounds": rates}
    LATEST.write_bytes(msgspec.json.format(msgspec.json.encode(content)) + b"\n")


def show(marks: Sequence[Mark], remarks: Sequence[str]) -> None:
    """On standard output, whatever its width."""
    table = Table(box=None, pad_edge=False)
    for column in ("work", "ours", "low - high", "peer", "ratio", "mark", "met"):
        table.add_column(column, justify="left" if column == "work" else "right", no_wrap=True)
    for one in marks:
        spread = f"{_number(one.low)} - {_number(one.high)}" if one.low != one.high else ""
        ratio = "" if one.ratio is None else f"{one.ratio:.2f}x"
        peer = "" if one.peer is None else f"{one.against} {_number(one.peer)}"
        ours = f"{_number(one.value)} {one.unit}"
        table.add_row(one.work, ours, spread, peer, ratio, one.mark, "yes" if one.met else "no")
    console = Console(width=160)
    console.print(table)
    for line in remarks:
        console.print(line)


def remarks(rounds: Sequence[Round], folded: Folding, machine: Machine, cold: Cold | None = None) -> list[str]:
    """What a table of rates would hide."""
    lines = [line for name in rounds[0].loads for line in _of_loads(name, [one.loads[name] for one in rounds])]
    acknowledged = sum(sum(one.loads["W3"].answered) for one in rounds)
    changed = sum(one.counted["W3"] for one in rounds)
    lines.append(f"W3: {acknowledged} acknowledged, of which {changed} changed the task; only these are counted.")
    events = median(one.counted["L1"] / one.loads["L1"].seconds for one in rounds)
    lines.append(f"L1: {_number(events)} events/s in the log, where UmaDB writes one event for each command.")
    lines += [_of_rebuild(one) for one in folded.rebuilds]
    lines += _of_cold(cold) if cold else []
    lines += [line for one in folded.disturbed for line in _of_disturbed(one)]
    if float(machine["load_average_before"]) > BUSY:
        lines.append(f"The machine was busy before it began (load average {machine['load_average_before']}).")
    return lines


def _of_loads(name: str, loads: Sequence[Load]) -> Iterator[str]:
    refused = sum(sum(load.refused.values()) for load in loads)
    answered = sum(sum(load.answered) for load in loads)
    statuses = ", ".join(sorted({str(status) for load in loads for status in load.refused}))
    if refused:
        share = refused / (refused + answered)
        yield f"{name}: {refused} of {refused + answered} requests ({share:.1%}) were answered {statuses}."
    if max(load.busy for load in loads) > TIRED:
        tired = "whoever appends" if name in _BY_THEMSELVES else "the load generator itself"
        yield f"{name}: {tired} was the limit."
    if name.endswith(" paced"):
        reached, unsent = median(load.per_second() for load in loads), sum(load.unsent for load in loads)
        yield f"{name}: {_number(reached)} of {_number(RATE)}/s were reached; {unsent} requests found no client free."


def _of_rebuild(one: Rebuilt) -> str:
    phases = ", ".join(f"{phase} {seconds:.1f} s" for phase, seconds in one.phases.items() if phase != "verifying")
    return f"P2: {one.events:,} events in {one.seconds:.1f} s ({phases}); verifying took {one.verifying_s:.1f} s more."


def _of_cold(found: Cold) -> Iterator[str]:
    """One client asks, so its latencies are in the order of the questions, unless one was refused."""
    yield from _of_loads("R3", [found.load])
    latencies = found.load.latencies_ms
    if latencies and not found.load.refused:
        slowest, where = max(zip(latencies, found.asked, strict=False))
        answered = f"{len(latencies)} of {len(found.asked)} questions were answered"
        yield f"R3: {answered}, half of them within {median(latencies):.3g} ms."
        yield f"R3: the slowest took {slowest:.3g} ms: {unquote(where)}"


def _of_disturbed(one: Disturbed) -> Iterator[str]:
    yield f"P3: the rebuild took {one.seconds:.0f} s beside what was asked for."
    for what, load, rate in (("looks", one.during, LOOKS), ("changes", one.during_writes, WRITES)):
        refused = sum(load.refused.values())
        yield f"P3: {_number(load.per_second())} of {_number(rate)}/s {what} were answered, {refused} refused."


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= _WHOLE else f"{value:.3g}"


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
