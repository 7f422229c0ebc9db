"""W2: random changes of 10,000 tasks, each expecting the version that the client last read."""

from collections.abc import Sequence

from bench.harness.rounds import RoundResult, RoundRunner, rates
from bench.targets import Metric, ScenarioReport, at_least

_W2 = Metric(
    "W2",
    "change 10,000 tasks at random",
    "64 connections rename tasks, each expecting the version of the last answer; a refused change does not count.",
)


def run(runner: RoundRunner) -> None:
    runner.run_writes("W2", "edit_tasks", runner.ours.initial_tasks())


def report(rounds: Sequence[RoundResult]) -> ScenarioReport:
    return ScenarioReport([_W2.against_baseline("W1", rates(rounds, "W2"), rates(rounds, "W1"), at_least(0.8))])
