"""Tables: the marks for people, and what each work cost by process."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import median

from rich.console import Console
from rich.table import Table

from bench.harness.load_generator import Load
from bench.harness.rounds import Round, each
from bench.targets import Mark, number

WIDTH = 180
_BOUNDS = {"at least": ">=", "at most": "<="}
_SLIGHT_US, _SLIGHT_S = 1.0, 0.02
"""Processor time that is not worth a word."""


def show(marks: Sequence[Mark], absent: Mapping[str, str], remarks: Iterable[str]) -> None:
    """On standard output, whatever its width."""
    table = _table("work", "what", "ours", "low - high", "against", "peer", "ratio", "mark", "met")
    for one in marks:
        spread = f"{number(one.low)} - {number(one.high)}" if one.low != one.high else ""
        peer, ratio = "" if one.peer is None else number(one.peer), "" if one.ratio is None else f"{one.ratio:.2f}x"
        unit = one.unit if one.peer is None else "x"
        mark = f"{_BOUNDS[one.bound]} {_limit(one.mark)}{'x' if unit == 'x' else ' ' + unit}".rstrip()
        ours, met = f"{number(one.value)} {one.unit}".rstrip(), "yes" if one.met else "no"
        table.add_row(one.work, one.what, ours, spread, one.against, peer, ratio, mark, met)
    for work, why in absent.items():
        table.add_row(work, why, "absent", "", "", "", "", "", "")
    console = Console(width=WIDTH)
    console.print(table)
    for line in remarks:
        console.print(line, markup=False, highlight=False)


def show_usage(rounds: Sequence[Round]) -> None:
    """Microseconds of processor time for each answer, and the most memory that a work of the last round ended with."""
    console = Console(width=WIDTH)
    kinds = sorted({kind for one in rounds for used in one.used.values() for kind in used})
    table = _table("processor us per answer", "answers/s", *kinds)
    for name in rounds[0].loads:
        if name in rounds[0].used:
            cells = [_microseconds(rounds, name, kind) for kind in kinds]
            table.add_row(name, number(median(each(rounds, name, Load.per_second))), *cells)
    console.print("\n", table)
    held = {kind: max(used[kind].rss for used in rounds[-1].used.values() if kind in used) for kind in kinds}
    console.print("Resident, MiB: " + ", ".join(f"{kind} {size / 2**20:.0f}" for kind, size in held.items() if size))


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in columns:
        left = column in {"work", "what", "against", columns[0]}
        table.add_column(column, justify="left" if left else "right", no_wrap=True)
    return table


def _limit(mark: float) -> str:
    return f"{mark:,.2g}" if mark < 1 else f"{mark:,g}"


def _microseconds(rounds: Sequence[Round], name: str, kind: str) -> str:
    """Of one kind of process; nothing where it had nothing to do."""
    uses = [(one.used[name].get(kind), sum(one.loads[name].answered)) for one in rounds]
    spent = [use.cpu_s for use, _ in uses if use]
    each = [use.cpu_s * 1e6 / answered for use, answered in uses if use and answered]
    is_slight = not each or median(spent) < _SLIGHT_S or median(each) < _SLIGHT_US
    return "" if is_slight else number(median(each))
