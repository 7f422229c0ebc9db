"""W1 by load: creates that fall due at a fixed rate, from a light load to more than the instance can handle."""

from collections.abc import Sequence
from functools import partial
from statistics import median

from bench.harness.rounds import RoundResult, RoundRunner, per_round
from bench.targets import Metric, ScenarioReport, at_most, format_number, percentile

RATES_PER_S, PEER_RATES_PER_S = (250, 500, 1_000, 1_500, 2_000), (250, 500)
"""Creates per second; the stock application only gets the rates that it may keep up with."""
TARGET_RATE_PER_S = 1_000
MIN_ANSWERED_SHARE = 0.99
"""The share of a rate that must be answered; below it, latencies are not valid."""
_LATENCY = Metric(
    "W1",
    "create tasks, 1,000/s fall due, p99",
    "Creates fall due at even intervals, on 64 connections, and are timed from when they fell due. If less than 99 % "
    "of the rate is answered in any round, the target is missed.",
    "ms",
)


def run(runner: RoundRunner) -> None:
    runner.take_turns(
        *(partial(_run_ours, runner, pace) for pace in RATES_PER_S),
        *(partial(_run_peer, runner, pace) for pace in PEER_RATES_PER_S),
    )


def report(rounds: Sequence[RoundResult]) -> ScenarioReport:
    p99s = per_round(
        rounds, load_name(TARGET_RATE_PER_S), lambda load: percentile(load.latencies_with_failures_ms(), 99)
    )
    notes = [_note(rounds, name) for name in (*map(load_name, RATES_PER_S), *map(peer_load_name, PEER_RATES_PER_S))]
    return ScenarioReport(
        [
            _LATENCY.against_threshold(p99s, at_most(10)).fail_if(
                not keeps_up(rounds, load_name(TARGET_RATE_PER_S), TARGET_RATE_PER_S)
            )
        ],
        notes,
    )


def load_name(rate: int) -> str:
    """The name of the load of our instance at a rate."""
    return f"W1 at {rate:,}/s"


def peer_load_name(rate: int) -> str:
    """The name of the load of the stock peer at a rate."""
    return f"stock at {rate:,}/s"


def keeps_up(rounds: Sequence[RoundResult], name: str, rate: float) -> bool:
    """Whether in every round the answered rate reached `MIN_ANSWERED_SHARE` of `rate`."""
    return min(per_round(rounds, name, lambda load: load.per_second())) >= MIN_ANSWERED_SHARE * rate


def _run_ours(runner: RoundRunner, rate: int) -> None:
    runner.run_writes(load_name(rate), "create_tasks", runner.board.project_tasks, rate=rate)


def _run_peer(runner: RoundRunner, rate: int) -> None:
    runner.run_peer_creates("stock", peer_load_name(rate), rate=rate)


def _note(rounds: Sequence[RoundResult], name: str) -> str:
    reached = median(per_round(rounds, name, lambda load: load.per_second()))
    p50, p99 = (
        median(per_round(rounds, name, lambda load: percentile(load.latencies_with_failures_ms(), at)))  # noqa: B023 - used at once
        for at in (50, 99)
    )
    return (
        f"{name}: {format_number(reached)}/s were reached, "
        f"milliseconds p50 {format_number(p50)}, p99 {format_number(p99)}."
    )
