"""Ceilings: creates without a store, and bare creates and reads, on the same server."""

from collections.abc import Sequence

from bench.harness.rounds import RoundResult, RoundRunner, rates
from bench.scenarios.creates import W1
from bench.targets import Metric, ScenarioReport, TargetResult, at_least

_ECHO = Metric(
    "echo",
    "create tasks without a store",
    "As W1, by our endpoint without a store: the cost of the framework, authentication and validation.",
)
_CONSTANT_HOW = "As R1 and R2, with the bytes of our answers from memory: the cost of the framework and authentication."
_CONSTANT = {
    "R1": Metric("constant", "one task", _CONSTANT_HOW),
    "R2": Metric("constant", "a page of 50", _CONSTANT_HOW),
}


def run(runner: RoundRunner) -> None:
    raw, board = runner.environment.peers["raw_asgi"].address, runner.board
    runner.take_turns(
        lambda: runner.run_peer_creates("echo", "echo"),
        lambda: runner.run_peer_creates("raw_asgi", "echo raw"),
        lambda: runner.run_reads("R1 raw", raw, board.hot_task),
        lambda: runner.run_reads("R2 raw", raw, board.hot_page),
    )


def report(rounds: Sequence[RoundResult]) -> ScenarioReport:
    echo = rates(rounds, "echo")
    return ScenarioReport(
        [
            W1.against_baseline("echo", rates(rounds, "W1"), echo, at_least(0.4)),
            _ECHO.against_baseline("raw_asgi", echo, rates(rounds, "echo raw"), at_least(0.5)),
            *(_constant(rounds, name, measure) for name, measure in _CONSTANT.items()),
        ]
    )


def _constant(rounds: Sequence[RoundResult], name: str, metric: Metric) -> TargetResult:
    ours, theirs = rates(rounds, f"{name} constant"), rates(rounds, f"{name} raw")
    return metric.against_baseline("raw_asgi", ours, theirs, at_least(0.6))
