"""V1: how long after its acknowledgement a task is visible, and its rows are committed, on an idle instance."""

from collections.abc import Iterator, Sequence

from bench.harness.commit_to_row import measure_commit_to_row_ms
from bench.harness.load_generator import LoadPlan, LoadResult
from bench.harness.rounds import RoundResult, RoundRunner, per_round
from bench.harness.run_module import run_module
from bench.targets import Metric, ScenarioReport, TargetResult, at_most, percentile

VISIBILITY_LOAD_S, ROW_COUNT = 1.4, 70
"""How long the load lasts in each round, and how many rows are timed."""
MAX_MS_BY_PERCENTILE = {50: 10.0, 99: 50.0}
"""The maximum latency, in milliseconds, by percentile."""


def run(runner: RoundRunner) -> None:
    with runner.measure_write("V1"):
        runner.result.loads["V1"] = run_module(
            "bench.harness.load_generator", visibility_plan(runner, VISIBILITY_LOAD_S), LoadResult
        )
    runner.result.commit_to_row_ms.extend(measure_commit_to_row_ms(runner.ours, ROW_COUNT))


def report(rounds: Sequence[RoundResult]) -> ScenarioReport:
    return ScenarioReport([*target_results("visible, idle", rounds, "V1"), *_row_results(rounds)])


def visibility_plan(runner: RoundRunner, seconds: float) -> LoadPlan:
    """One client creates a task, then reads it with `min_position`; only the read is timed."""
    return LoadPlan("create_then_get", runner.ours.address, runner.ours.token, 1, seconds, [runner.board.one_project])


def target_results(
    what: str, rounds: Sequence[RoundResult], name: str, *, is_invalid: bool = False
) -> Iterator[TargetResult]:
    """One result per percentile. Not met if any read was refused, whatever the latencies of the others."""
    is_invalid = is_invalid or any(per_round(rounds, name, lambda load: bool(load.refused)))
    for at, most in MAX_MS_BY_PERCENTILE.items():
        values = [percentile(one.loads[name].latencies_with_failures_ms(), at) for one in rounds]
        yield Metric("V1", f"{what}, p{at}", "ms").against_threshold(values, at_most(most)).fail_if(is_invalid)


def _row_results(rounds: Sequence[RoundResult]) -> Iterator[TargetResult]:
    for at, most in MAX_MS_BY_PERCENTILE.items():
        values = [percentile(one.commit_to_row_ms, at) for one in rounds]
        yield Metric("V1 commit to row", f"idle, p{at}", "ms").against_threshold(values, at_most(most))
