"""V1: how long after its acknowledgement a task is visible, and its rows are committed, on an idle instance."""

from collections.abc import Callable, Iterator, Sequence

from bench.harness.commit_to_row import measure_commit_to_row_ms
from bench.harness.load_generator import LoadPlan
from bench.harness.load_result import LoadResult, merge_loads
from bench.harness.rounds import RoundResult, RoundRunner, per_round
from bench.harness.run_module import run_module
from bench.targets import Metric, ScenarioReport, TargetResult, at_most, percentile

MIN_READS, ROW_COUNT = 200, 100
"""How many reads are timed at least in each round, and how many rows: of fewer, a p99 is the slowest of all."""
LOAD_S, MAX_LOADS = 2.5, 8
"""How long a load lasts, and how many follow one another until there are enough reads."""
MAX_MS_BY_PERCENTILE = {50: 10.0, 99: 40.0}
"""The maximum latency, in milliseconds, by percentile."""
_READ_HOW = (
    "One client creates a task, then requests it with `min_position`. Only the second answer is timed, at least "
    "200 times in each round."
)
_ROW_HOW = (
    "From the answer to a create to the message by which a worker reports that all read models have it; 100 "
    "creates a round, 10 ms apart."
)


def run(runner: RoundRunner) -> None:
    with runner.measure_write("V1"):
        runner.result.loads["V1"] = run_until_enough_reads(lambda: run_reads(runner))
    runner.result.commit_to_row_ms.extend(measure_commit_to_row_ms(runner.ours, ROW_COUNT))


def report(rounds: Sequence[RoundResult]) -> ScenarioReport:
    return ScenarioReport([*target_results("visible, idle", rounds, "V1"), *_row_results(rounds)])


def run_reads(runner: RoundRunner) -> LoadResult:
    """One client creates a task, then reads it with `min_position`; only the read is timed."""
    plan = LoadPlan("create_then_get", runner.ours.address, runner.ours.token, 1, LOAD_S, [runner.board.one_project])
    return run_module("bench.harness.load_generator", plan, LoadResult)


def run_until_enough_reads(run_load: Callable[[], LoadResult]) -> LoadResult:
    """Run loads one after the other until there are `MIN_READS`, or `MAX_LOADS` have run; merge them."""
    loads: list[LoadResult] = []
    while sum(sum(load.answered) for load in loads) < MIN_READS and len(loads) < MAX_LOADS:
        loads.append(run_load())
    return merge_loads(loads)


def target_results(
    what: str, rounds: Sequence[RoundResult], name: str, *, is_invalid: bool = False
) -> Iterator[TargetResult]:
    """One result per percentile. Not met if any read was refused or there were too few, whatever the latencies are."""
    is_invalid |= any(per_round(rounds, name, lambda load: bool(load.refused) or sum(load.answered) < MIN_READS))
    for at, most in MAX_MS_BY_PERCENTILE.items():
        values = [percentile(one.loads[name].latencies_with_failures_ms(), at) for one in rounds]
        yield (
            Metric("V1", f"{what}, p{at}", _READ_HOW, "ms").against_threshold(values, at_most(most)).fail_if(is_invalid)
        )


def _row_results(rounds: Sequence[RoundResult]) -> Iterator[TargetResult]:
    for at, most in MAX_MS_BY_PERCENTILE.items():
        values = [percentile(one.commit_to_row_ms, at) for one in rounds]
        yield Metric("V1 commit to row", f"idle, p{at}", _ROW_HOW, "ms").against_threshold(values, at_most(most))
