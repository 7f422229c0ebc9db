"""Tables for people: the results with their targets, and the CPU cost of each load by process."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import median

from rich.console import Console
from rich.table import Table

from bench.harness.load_result import LoadResult
from bench.harness.rounds import RoundResult, per_round
from bench.targets import TargetResult, format_number

WIDTH = 180
_BOUNDS = {"at least": ">=", "at most": "<="}
_MIN_SHOWN_CPU_US, _MIN_SHOWN_CPU_S = 1.0, 0.02
"""If the CPU time per answer or in total is below these, a cell stays empty."""


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
        ours, met = f"{format_number(one.value)} {one.unit}".rstrip(), "yes" if one.met else "no"
        table.add_row(one.work, one.what, ours, spread, one.against, peer, ratio, mark, met)
    for work, why in not_measured.items():
        table.add_row(work, why, "absent", "", "", "", "", "", "")
    console = Console(width=WIDTH)
    console.print(table)
    for line in notes:
        console.print(line, markup=False, highlight=False)


def print_usage(rounds: Sequence[RoundResult]) -> None:
    """Print the CPU microseconds per answer, and the largest memory at the end of any load of the last round."""
    console = Console(width=WIDTH)
    kinds = sorted({kind for one in rounds for used in one.resource_usage.values() for kind in used})
    table = _table("processor us per answer", "answers/s", *kinds)
    for name in rounds[0].loads:
        if name in rounds[0].resource_usage:
            cells = [_format_cpu_us(rounds, name, kind) for kind in kinds]
            table.add_row(name, format_number(median(per_round(rounds, name, LoadResult.per_second))), *cells)
    console.print("\n", table)
    resident_bytes = {
        kind: max(used[kind].rss_bytes for used in rounds[-1].resource_usage.values() if kind in used) for kind in kinds
    }
    console.print(
        "Resident, MiB: " + ", ".join(f"{kind} {size / 2**20:.0f}" for kind, size in resident_bytes.items() if size)
    )


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in columns:
        left = column in {"work", "what", "against", columns[0]}
        table.add_column(column, justify="left" if left else "right", no_wrap=True)
    return table


def _format_threshold(mark: float) -> str:
    return f"{mark:,.2g}" if mark < 1 else f"{mark:,g}"


def _format_cpu_us(rounds: Sequence[RoundResult], name: str, kind: str) -> str:
    """The CPU microseconds per answer of one kind of process; empty if it was nearly idle."""
    uses = [(one.resource_usage[name].get(kind), sum(one.loads[name].answered)) for one in rounds]
    spent = [use.cpu_s for use, _ in uses if use]
    each = [use.cpu_s * 1e6 / answered for use, answered in uses if use and answered]
    is_slight = not each or median(spent) < _MIN_SHOWN_CPU_S or median(each) < _MIN_SHOWN_CPU_US
    return "" if is_slight else format_number(median(each))
