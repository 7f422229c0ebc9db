"""V1 while 1,000 creates fall due each second."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from bench.harness.load_generator import LoadPlan
from bench.harness.load_result import LoadResult, merge_loads
from bench.harness.rounds import MANY_CLIENTS, RoundResult, RoundRunner
from bench.harness.run_module import run_module
from bench.harness.tally import WARM_UP_S
from bench.scenarios import open_loop, visibility
from bench.targets import ScenarioReport

AROUND_S = 0.5
"""How much longer than the reads the creates last, so that no read has the instance for itself."""


def run(runner: RoundRunner) -> None:
    creates: list[LoadResult] = []
    with runner.measure_write("V1 load"):
        runner.result.loads["V1 under load"] = visibility.run_until_enough_reads(
            lambda: _run_reads_beside_creates(runner, creates)
        )
    runner.result.loads["V1 load"] = merge_loads(creates)


def report(rounds: Sequence[RoundResult]) -> ScenarioReport:
    is_slower = not open_loop.keeps_up(rounds, "V1 load", open_loop.TARGET_RATE_PER_S)
    what = "visible, 1,000/s fall due"
    return ScenarioReport(list(visibility.target_results(what, rounds, "V1 under load", is_invalid=is_slower)))


def _run_reads_beside_creates(runner: RoundRunner, creates: list[LoadResult]) -> LoadResult:
    ours, seconds = runner.ours, visibility.LOAD_S + WARM_UP_S + AROUND_S
    tasks, rate = runner.board.project_tasks, open_loop.TARGET_RATE_PER_S
    plan = LoadPlan("create_tasks", ours.address, ours.token, MANY_CLIENTS, seconds, tasks, rate)
    with ThreadPoolExecutor(1) as beside:
        load = beside.submit(run_module, "bench.harness.load_generator", plan, LoadResult)
        reads = visibility.run_reads(runner)
        creates.append(load.result())
    return reads
