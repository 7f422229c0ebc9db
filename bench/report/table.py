"""Tables for people: the results with their targets, and the CPU cost of each load by process."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import median

from rich.console import Console
from rich.table import Table

from bench.harness import load_notes, machine
from bench.harness.rounds import RoundResult
from bench.report.results import RunResult
from bench.targets import CostLine, TargetResult, format_number

WIDTH = 180
_BOUNDS = {"at least": ">=", "at most": "<="}
_MIN_SHOWN_CPU_US, _MIN_SHOWN_SYNCS = 1.0, 1.0
"""Below these, a cell stays empty."""


def print_run(result: RunResult, notes: Iterable[str]) -> None:
    """Print the targets, notes on what they would hide, what each load cost, and memory."""
    all_notes = [*load_notes.round_notes(result.rounds), *notes, *machine.machine_notes(result.machine)]
    print_results(result.marks, result.absent, all_notes)
    print_costs(result.costs)
    print_memory(result.rounds)


def print_results(results: Sequence[TargetResult], not_measured: Mapping[str, str], notes: Iterable[str]) -> None:
    """Print to standard output with a fixed width, independent of the terminal."""
    table = _table("work", "what", "ours", "low - high", "against", "peer", "ratio", "mark", "met")
    for one in results:
        spread = f"{format_number(one.low)} - {format_number(one.high)}" if one.low != one.high else ""
        peer, ratio = (
            "" if one.peer is None else format_number(one.peer),
            "" if one.ratio is None else f"{one.ratio:.2f}x",
        )
        unit = one.unit if one.peer is None else "x"
        mark = f"{_BOUNDS[one.bound]} {_format_threshold(one.mark)}{'x' if unit == 'x' else ' ' + unit}".rstrip()
        ours = f"{format_number(one.value)} {one.unit}".rstrip()
        table.add_row(one.work, one.what, ours, spread, one.against, peer, ratio, mark, _format_met(one))
    for work, why in not_measured.items():
        table.add_row(work, why, "absent", "", "", "", "", "", "")
    console = Console(width=WIDTH)
    console.print(table)
    for line in notes:
        console.print(line, markup=False, highlight=False)


def print_costs(costs: Sequence[CostLine]) -> None:
    """Print the processor time of each answer by kind of process, and syncs of the log: medians of the rounds."""
    by_work: dict[str, list[CostLine]] = {}
    for one in costs:
        by_work.setdefault(one.work, []).append(one)
    kinds = sorted({kind for one in costs for kind in one.cpu_us})
    table = _table("processor us per answer", "per second", *kinds, "client busy", "WAL syncs/s")
    for work, lines in by_work.items():
        rate = format_number(median(line.per_second for line in lines))
        table.add_row(work, rate, *(_format_cpu_us(lines, kind) for kind in kinds), *_format_limits(lines))
    console = Console(width=WIDTH)
    console.print("\n", table)


def print_memory(rounds: Sequence[RoundResult]) -> None:
    """Print the largest memory at the end of any load of the last round, by kind of process."""
    kinds = sorted({kind for used in rounds[-1].resource_usage.values() for kind in used})
    resident_bytes = {
        kind: max(used[kind].rss_bytes for used in rounds[-1].resource_usage.values() if kind in used) for kind in kinds
    }
    Console(width=WIDTH).print(
        "Resident, MiB: " + ", ".join(f"{kind} {size / 2**20:.0f}" for kind, size in resident_bytes.items() if size)
    )


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in columns:
        left = column in {"work", "what", "against", columns[0]}
        table.add_column(column, justify="left" if left else "right", no_wrap=True)
    return table


def _format_met(one: TargetResult) -> str:
    """Whether the target is met, and in how many rounds, where these do not agree."""
    met = "yes" if one.met else "no"
    return met if one.met_by in {0, one.rounds} else f"{met}, {one.met_by} of {one.rounds}"


def _format_threshold(mark: float) -> str:
    return f"{mark:,.2g}" if mark < 1 else f"{mark:,g}"


def _format_cpu_us(lines: Sequence[CostLine], kind: str) -> str:
    """The median over all rounds; empty if it is less than a microsecond."""
    spent = median(line.cpu_us.get(kind, 0.0) for line in lines)
    return format_number(spent) if spent >= _MIN_SHOWN_CPU_US else ""


def _format_limits(lines: Sequence[CostLine]) -> tuple[str, str]:
    busy = [line.client_busy_share for line in lines if line.client_busy_share is not None]
    syncs = [line.wal_syncs_per_s for line in lines if line.wal_syncs_per_s is not None]
    shown_syncs = format_number(round(median(syncs))) if syncs and median(syncs) >= _MIN_SHOWN_SYNCS else ""
    return f"{median(busy):.0%}" if busy else "", shown_syncs
