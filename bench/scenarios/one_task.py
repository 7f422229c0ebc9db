"""W3: sixteen clients change one task, without an expected version."""

from collections.abc import Sequence

from bench.harness.load_result import LoadResult
from bench.harness.rounds import FEW_CLIENTS, RoundResult, RoundRunner, per_round, rates
from bench.targets import Metric, ScenarioReport, at_least

_W3 = Metric(
    "W3",
    "16 clients change one task",
    "16 connections complete or reopen one task at random and name no version. Only answers that changed it count.",
)
_SLOWEST = Metric(
    "W3", "16 clients change one task, the slowest", "As W3: the client with the fewest answers, beside the mean."
)


def run(runner: RoundRunner) -> None:
    before = runner.ours.change_count(runner.board.one_task)
    runner.run_writes("W3", "toggle_task", [runner.board.one_task], FEW_CLIENTS)
    runner.result.event_counts["W3"] = runner.ours.change_count(runner.board.one_task) - before


def report(rounds: Sequence[RoundResult]) -> ScenarioReport:
    acknowledged = sum(per_round(rounds, "W3", LoadResult.all_answers))
    changed = sum(one.event_counts["W3"] for one in rounds)
    return ScenarioReport(
        [
            _W3.against_baseline("W2", rates(rounds, "W3"), rates(rounds, "W2"), at_least(0.5)),
            _SLOWEST.against_baseline(
                "mean",
                per_round(rounds, "W3", _slowest_client_rate),
                per_round(rounds, "W3", _mean_client_rate),
                at_least(1 / 3),
            ),
        ],
        [f"W3: {acknowledged} acknowledged, of which {changed} changed the task; only these are counted as its rate."],
    )


def _slowest_client_rate(load: LoadResult) -> float:
    return min(load.answered) / load.seconds


def _mean_client_rate(load: LoadResult) -> float:
    """The mean rate of a client; never zero, because it is a divisor."""
    return max(1, sum(load.answered)) / len(load.answered) / load.seconds
