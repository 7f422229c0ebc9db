"""R1 and R2: reads of an unchanging task and page of 50, compared with the constant and cache-aside peers."""

from collections.abc import Sequence

from bench.data.http_target import HttpTarget
from bench.harness.rounds import RoundResult, RoundRunner, rates
from bench.targets import Metric, ScenarioReport, at_least

_HOT = {
    "R1": Metric("R1", "one task, hot", "64 connections read one task that does not change, from the cache in memory."),
    "R2": Metric("R2", "a page of 50, hot", "64 connections read one page that does not change, from that cache."),
}


def run(runner: RoundRunner) -> None:
    ours, peers, board = runner.ours.address, runner.environment.peers, runner.board
    runner.take_turns(
        lambda: runner.run_reads("R1", ours, board.hot_task),
        lambda: runner.run_reads("R1 constant", peers["constant"].address, board.hot_task),
        lambda: runner.run_reads("R2", ours, board.hot_page),
        lambda: runner.run_reads("R2 constant", peers["constant"].address, board.hot_page),
        lambda: runner.run_reads("R2 aside", peers["cache_aside"].address, HttpTarget(board.hot_page.path)),
    )


def report(rounds: Sequence[RoundResult]) -> ScenarioReport:
    return ScenarioReport(
        [
            *(
                hot.against_baseline("constant", rates(rounds, name), rates(rounds, f"{name} constant"), at_least(0.7))
                for name, hot in _HOT.items()
            ),
            _HOT["R2"].against_baseline("cache_aside", rates(rounds, "R2"), rates(rounds, "R2 aside"), at_least(10)),
        ]
    )
