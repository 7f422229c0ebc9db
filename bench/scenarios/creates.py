"""W1: creates of tasks over HTTP in 1,000 projects, compared with the stock application."""

from collections.abc import Sequence

from bench.harness.rounds import RoundResult, RoundRunner, rates
from bench.targets import Metric, ScenarioReport, at_least

W1 = Metric(
    "W1",
    "create tasks, in 1,000 projects",
    "64 connections create tasks in projects chosen at random; each sends its next request when it has its answer.",
)


def run(runner: RoundRunner) -> None:
    runner.take_turns(
        lambda: runner.run_writes("W1", "create_tasks", runner.board.project_tasks),
        lambda: runner.run_peer_creates("stock", "stock"),
    )


def report(rounds: Sequence[RoundResult]) -> ScenarioReport:
    return ScenarioReport([W1.against_baseline("library", rates(rounds, "W1"), rates(rounds, "stock"), at_least(6))])
