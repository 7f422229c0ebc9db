"""V1 while 1,000 creates fall due each second."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from bench.harness.load_generator import LoadPlan, LoadResult
from bench.harness.rounds import MANY_CLIENTS, RoundResult, RoundRunner
from bench.harness.run_module import run_module
from bench.scenarios import open_loop, visibility
from bench.targets import ScenarioReport


def run(runner: RoundRunner) -> None:
    ours, seconds = runner.ours, runner.config.write_duration_s
    creates = LoadPlan(
        "create_tasks",
        ours.address,
        ours.token,
        MANY_CLIENTS,
        seconds,
        runner.board.project_tasks,
        open_loop.TARGET_RATE_PER_S,
    )
    with runner.measure_write("V1 under load"), ThreadPoolExecutor(1) as beside:
        load = beside.submit(run_module, "bench.harness.load_generator", creates, LoadResult)
        runner.result.loads["V1 under load"] = run_module(
            "bench.harness.load_generator", visibility.visibility_plan(runner, seconds), LoadResult
        )
        runner.result.loads["V1 load"] = load.result()


def report(rounds: Sequence[RoundResult]) -> ScenarioReport:
    is_slower = not open_loop.keeps_up(rounds, "V1 load", open_loop.TARGET_RATE_PER_S)
    what = "visible, 1,000/s fall due"
    return ScenarioReport(list(visibility.target_results(what, rounds, "V1 under load", is_invalid=is_slower)))
