"""L1 with one client: the cost of a command on an idle instance, compared with its bare append."""

from collections.abc import Sequence
from statistics import median

from bench.harness import idle_lane
from bench.harness.idle_lane import IdleLaneLatencies
from bench.harness.processes import TASKLEDGER_PYTHON
from bench.harness.rounds import RoundResult, RoundRunner
from bench.harness.run_module import run_module
from bench.targets import Metric, ScenarioReport, at_most

_LATENCY = Metric(
    "L1",
    "the lane with one client, p50",
    "A create by CommandHandler, and the append of another one, decided before, by EventLog.append on a plain "
    "connection, in turns; medians of both.",
    "ms",
)


def run(runner: RoundRunner) -> None:
    ours, (handled, appended, *_) = runner.ours, runner.board.lane_projects
    plan = idle_lane.IdleLanePlan(str(ours.data), ours.user, handled, appended, runner.config.write_duration_s)
    with runner.measure_write("L1 alone"):
        runner.result.idle_lane.append(
            run_module("bench.harness.idle_lane", plan, IdleLaneLatencies, TASKLEDGER_PYTHON)
        )


def report(rounds: Sequence[RoundResult]) -> ScenarioReport:
    found = [idle for one in rounds for idle in one.idle_lane]
    handled = [median(one.handled_ms) for one in found]
    appended = [median(one.appended_ms) for one in found]
    return ScenarioReport([_LATENCY.against_baseline("bare append", handled, appended, at_most(1.3))])
