"""W1 with four API processes, on a separate instance with its own board."""

from collections.abc import Sequence

from bench.harness.load_generator import LoadPlan
from bench.harness.load_result import LoadResult
from bench.harness.rounds import MANY_CLIENTS, RoundResult, RoundRunner, rates
from bench.harness.run_module import run_module
from bench.targets import Metric, ScenarioReport, at_least

_FOUR = Metric(
    "W1 by four",
    "create tasks, in 1,000 projects",
    "As W1, on an instance of its own with four API processes. One of them carries out the commands of all, which the "
    "others relay to it.",
)


def run(runner: RoundRunner) -> None:
    four, seconds = runner.environment.four_processes, runner.config.write_duration_s
    if four is None:
        raise RuntimeError("There is no instance with four API processes.")
    plan = LoadPlan("create_tasks", four.address, four.token, MANY_CLIENTS, seconds, four.board.project_tasks)
    with runner.measure_write("W1 by four", four):
        runner.result.loads["W1 by four"] = run_module("bench.harness.load_generator", plan, LoadResult)


def report(rounds: Sequence[RoundResult]) -> ScenarioReport:
    return ScenarioReport(
        [_FOUR.against_baseline("one process", rates(rounds, "W1 by four"), rates(rounds, "W1"), at_least(1))]
    )
