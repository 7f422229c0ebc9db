"""A run: rounds of works on one stage, then those that need an instance of their own."""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from bench.harness import machine
from bench.harness.environment import stage
from bench.harness.instance import say
from bench.harness.rounds import Round, Size, Stage, Turn
from bench.report import notes, plot, results, table
from bench.scenarios import (
    ceilings,
    changes,
    cold_reads,
    creates,
    folding,
    four_processes,
    lane_beside_append,
    lane_beside_umadb,
    one_project,
    one_task,
    open_loop,
    visibility,
    visibility_under_load,
    warm_reads,
)
from bench.scenarios.folding import Extent
from bench.scenarios.not_measured import ABSENT, ELSEWHERE
from bench.targets import Mark, Measure, Told, at_most

LAG_S = 5.0


class Run(Struct, frozen=True):
    """What is measured; the whole stage has what only some works ask for, and a whole run has plots and cold pages."""

    name: str
    size: Size
    extent: Extent
    is_whole: bool = False


QUICK = Run(
    "quick",
    Size(3, 1.5, 0.7, (creates, lane_beside_umadb, changes, one_task, warm_reads, visibility)),
    Extent(100_000, 5_000, 2),
)
FULL = Run(
    "full",
    Size(
        3,
        3.0,
        1.5,
        (
            creates,
            lane_beside_umadb,
            ceilings,
            one_project,
            four_processes,
            open_loop,
            lane_beside_append,
            changes,
            one_task,
            warm_reads,
            visibility,
            visibility_under_load,
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
    said = [*notes.of_rounds(rounds), *(line for one in told for line in one.remarks), *machine.remarks(found)]
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
        found = [cold_reads.told(cold_reads.measured(Path(folder) / "cold"))] if run.is_whole else []
        return [*found, *folding.told(folding.measured(Path(folder) / "data", run.extent))]
