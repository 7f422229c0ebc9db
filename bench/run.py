"""A run: rounds of scenarios in one environment, then the scenarios that need their own instance."""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from bench.environment import start_environment
from bench.harness import machine
from bench.harness.instance import print_progress
from bench.harness.rounds import Environment, RoundConfig, RoundResult, RoundRunner
from bench.report import plot, results, table
from bench.report.results import RunResult
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
    overload,
    visibility,
    visibility_under_load,
    warm_reads,
)
from bench.scenarios.folding import FoldingConfig
from bench.scenarios.not_measured import MEASURED_BY_OTHER_COMMANDS, NOT_YET_MEASURED
from bench.targets import Metric, ScenarioReport, TargetResult, at_most

MAX_LAG_S = 5.0


class RunConfig(Struct, frozen=True):
    """What a run measures. A full run has the complete environment, the cold reads and the plots."""

    name: str
    round_config: RoundConfig
    folding_config: FoldingConfig
    is_full: bool = False


QUICK = RunConfig(
    "quick",
    RoundConfig(3, 1.2, 0.5, (creates, lane_beside_umadb, changes, one_task, warm_reads, visibility)),
    FoldingConfig(100_000, 5_000, 2),
)
FULL = RunConfig(
    "full",
    RoundConfig(
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
            overload,
            lane_beside_append,
            changes,
            one_task,
            warm_reads,
            visibility,
            visibility_under_load,
        ),
    ),
    FoldingConfig(1_000_000, 20_000, rebuilds=2, catch_up_events=110_000, disturbed_rebuilds=2),
    is_full=True,
)


def measure(run: RunConfig) -> None:
    """Measure, print the results and write them to files."""
    began, processors, found = time.monotonic(), machine.ProcessorClock(), machine.describe_machine()
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        start_environment(Path(folder), is_full=run.is_full) as up,
    ):
        print_progress(f"Ready after {time.monotonic() - began:.0f} s.")
        found |= machine.describe_postgresql(up.ours.connection)
        rounds: list[RoundResult] = []
        for _ in range(run.round_config.rounds):
            rounds.append(run_round(up, run.round_config, rounds))
            print_progress(f"Round {len(rounds)} is done after {time.monotonic() - began:.0f} s.")
    reports = [scenario.report(rounds) for scenario in run.round_config.scenarios]
    results.write_results(_run_result(run, found, reports, rounds))  # in case a later scenario fails
    reports += _run_on_own_instances(run)
    found["others_cpu_share"] = processors.others_share()
    result = _run_result(run, found, reports, rounds)
    results.write_results(result)
    table.print_run(result, [line for one in reports for line in one.notes])
    if run.is_full:
        plot.plot_latencies(rounds)
    print_progress(f"Done in {time.monotonic() - began:.0f} s: {results.LATEST_FILE}")


def run_round(environment: Environment, config: RoundConfig, earlier: Sequence[RoundResult]) -> RoundResult:
    runner = RoundRunner(environment, config, RoundResult(), earlier)
    runner.run_all()
    return runner.result


def max_lag(rounds: Sequence[RoundResult]) -> TargetResult:
    """The longest lag of any projection after a write."""
    longest = max(lag for one in rounds for lag in one.lags_s)
    how = "After each load that writes: the time until all projections have read the whole log."
    lag = Metric("lag", "of all projections after writing, the longest", how, "s")
    return lag.against_threshold([longest], at_most(MAX_LAG_S))


def _run_on_own_instances(run: RunConfig) -> list[ScenarioReport]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        found = [cold_reads.report(cold_reads.measure(Path(folder) / "cold"))] if run.is_full else []
        return [*found, *folding.reports(folding.measure(Path(folder) / "data", run.folding_config))]


def _run_result(
    run: RunConfig, found: machine.Machine, reports: Sequence[ScenarioReport], rounds: Sequence[RoundResult]
) -> RunResult:
    marks = [*(mark for one in reports for mark in one.results), max_lag(rounds)]
    costs = [*(line for one in rounds for line in one.costs()), *(line for one in reports for line in one.costs)]
    return RunResult(run.name, found, marks, costs, NOT_YET_MEASURED | MEASURED_BY_OTHER_COMMANDS, rounds)
