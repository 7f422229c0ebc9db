"""Overload: creates that fall due three times as fast as the instance can handle them."""

from collections.abc import Sequence
from statistics import median

from bench.harness.load_generator import LoadPlan
from bench.harness.rounds import RoundResult, RoundRunner, per_round, rates
from bench.targets import Metric, ScenarioReport, at_least, at_most, format_number, percentile

NAME, CLIENTS, TIMES_CAPACITY, WARM_UP_S = "W1 overloaded", 900, 3, 1.5
MAX_P99_RATIO, MIN_CAPACITY_RATIO = 2, 0.8
_HOW = "900 connections, on which creates fall due at three times the rate of W1, and did so for 1.5 s before."
_LATENCY = Metric("P16", "create tasks, three times capacity: p99 of accepted, by that of W1", _HOW, "x")
_RATE = Metric("P16", "create tasks, three times capacity: accepted, by W1", _HOW, "x")


def run(runner: RoundRunner) -> None:
    """The capacity is the rate of W1, in the round before if this round has not come to it yet."""
    ours, rate = runner.ours, TIMES_CAPACITY * runner.latest_rate("W1")
    tasks, duration_s = runner.board.project_tasks, runner.config.write_duration_s
    plan = LoadPlan("create_tasks", ours.address, ours.token, CLIENTS, duration_s, tasks, rate, WARM_UP_S)
    runner.run_write_plan(NAME, plan)


def report(rounds: Sequence[RoundResult]) -> ScenarioReport:
    p99s, normal_p99s = (
        per_round(rounds, name, lambda load: percentile(load.latencies_ms, 99)) for name in (NAME, "W1")
    )
    accepted, normal = rates(rounds, NAME), rates(rounds, "W1")
    refused_p99 = median(per_round(rounds, NAME, lambda load: percentile(load.refused_latencies_ms, 99)))
    return ScenarioReport(
        [
            _LATENCY.against_threshold(_ratios(p99s, normal_p99s), at_most(MAX_P99_RATIO)),
            _RATE.against_threshold(_ratios(accepted, normal), at_least(MIN_CAPACITY_RATIO)),
        ],
        [f"{NAME}: refusals took {format_number(refused_p99)} ms, p99; the load generator shares the processors."],
    )


def _ratios(values: Sequence[float], normal: Sequence[float]) -> list[float]:
    return [value / usual for value, usual in zip(values, normal, strict=True)]
