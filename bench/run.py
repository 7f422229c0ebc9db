"""A run: rounds of works on one stage, then those that need an instance of their own."""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from bench import machine, plot, remarks, results, table
from bench.instance import say
from bench.mark import Mark, Measure, Told, at_most
from bench.stage import stage
from bench.turn import Round, Size, Stage, Turn
from bench.works import (
    alone,
    appends,
    ceilings,
    changes,
    cold,
    contended,
    creates,
    crowded,
    folding,
    four,
    looks,
    paced,
    visible,
    visible_under_load,
)
from bench.works.absent import ABSENT, ELSEWHERE
from bench.works.folding import Extent

LAG_S = 5.0


class Run(Struct, frozen=True):
    """What is measured; the whole stage has what only some works ask for, and a whole run has plots and cold pages."""

    name: str
    size: Size
    extent: Extent
    is_whole: bool = False


QUICK = Run(
    "quick", Size(3, 1.5, 0.7, (creates, appends, changes, contended, looks, visible)), Extent(100_000, 5_000, 2)
)
FULL = Run(
    "full",
    Size(
        3,
        3.0,
        1.5,
        (
            creates,
            appends,
            ceilings,
            crowded,
            four,
            paced,
            alone,
            changes,
            contended,
            looks,
            visible,
            visible_under_load,
        ),
    ),
    Extent(1_000_000, 20_000, rebuilds=2, following=110_000, disturbed=2),
    is_whole=True,
)


def measure(run: Run) -> None:
    """Measure, print and write it down."""
    began, found = time.monotonic(), machine.machine()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, stage(Path(folder), is_whole=run.is_whole) as up:
        say(f"Ready after {time.monotonic() - began:.0f} s.")
        found |= machine.server(up.ours.connection)
        rounds = [_round(up, run.size, began) for _ in range(run.size.rounds)]
    told, absent = [work.told(rounds) for work in run.size.works], ABSENT | ELSEWHERE
    results.write(run.name, found, _marks(told, rounds), rounds, absent)  # whatever becomes of the rest
    told += _apart(run)
    marks = _marks(told, rounds)
    results.write(run.name, found, marks, rounds, absent)
    said = [*remarks.of_rounds(rounds), *(line for one in told for line in one.remarks), *machine.remarks(found)]
    table.show(marks, absent, said)
    table.show_usage(rounds)
    if run.is_whole:
        plot.latencies(rounds)
    say(f"Done in {time.monotonic() - began:.0f} s: {results.LATEST}")


def lag(rounds: Sequence[Round]) -> Mark:
    """The longest of all."""
    longest = max(lag for one in rounds for lag in one.lags_s)
    return Measure("lag", "of all projections after writing, the longest", "s").alone([longest], at_most(LAG_S))


def _marks(told: Sequence[Told], rounds: Sequence[Round]) -> list[Mark]:
    return [*(mark for one in told for mark in one.marks), lag(rounds)]


def _round(up: Stage, size: Size, began: float) -> Round:
    turn = Turn(up, size, Round())
    for work in size.works:
        work.turn(turn)
    say(f"A round of {size.rounds} is done after {time.monotonic() - began:.0f} s.")
    return turn.round


def _apart(run: Run) -> list[Told]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        found = [cold.told(cold.measured(Path(folder) / "cold"))] if run.is_whole else []
        return [*found, *folding.told(folding.measured(Path(folder) / "data", run.extent))]
