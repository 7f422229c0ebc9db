"""W1 with all creates in one project, where every task takes the project's next number."""

from collections.abc import Sequence

from bench.harness.rounds import RoundResult, RoundRunner, rates
from bench.targets import Metric, ScenarioReport, at_least

_W1_IN_ONE_PROJECT = Metric(
    "W1 in one",
    "create tasks, in one project",
    "As W1, with all creates in one project, where each gets the next number.",
)


def run(runner: RoundRunner) -> None:
    runner.run_writes("W1 in one project", "create_tasks", [runner.board.one_project])


def report(rounds: Sequence[RoundResult]) -> ScenarioReport:
    return ScenarioReport(
        [
            _W1_IN_ONE_PROJECT.against_baseline(
                "library", rates(rounds, "W1 in one project"), rates(rounds, "stock"), at_least(6)
            )
        ]
    )
