"""L1, the lane in a separate process without HTTP, and W1, both compared with UmaDB."""

from collections.abc import Sequence
from statistics import median

from bench.harness import lane
from bench.harness.load_result import LoadResult
from bench.harness.processes import TASKLEDGER_PYTHON
from bench.harness.rounds import MANY_CLIENTS, RoundResult, RoundRunner, rates
from bench.harness.run_module import run_module
from bench.peers import umadb
from bench.scenarios.creates import W1
from bench.targets import Metric, ScenarioReport, at_least, format_number

_L1 = Metric(
    "L1",
    "the lane in process, 64 waiting",
    "CommandHandler and EventLog in a process of their own, with the event loop and the pool of the API. 64 coroutines "
    "create tasks in 100 projects that were read before, and wait for each; workers fold meanwhile.",
)


def run(runner: RoundRunner) -> None:
    runner.take_turns(lambda: _run_lane(runner), lambda: _run_umadb(runner))


def report(rounds: Sequence[RoundResult]) -> ScenarioReport:
    theirs = rates(rounds, "umadb")
    events = median(one.events_per_second("L1") for one in rounds)
    return ScenarioReport(
        [
            W1.against_baseline("umadb", rates(rounds, "W1"), theirs, at_least(0.3)),
            _L1.against_baseline("umadb", rates(rounds, "L1"), theirs, at_least(1.2)),
        ],
        [f"L1: {format_number(events)} events/s in the log, where UmaDB writes one event for each command."],
    )


def _run_lane(runner: RoundRunner) -> None:
    ours, before = runner.ours, runner.ours.log_head()
    plan = lane.LanePlan(
        str(ours.data), ours.user, ours.board.lane_projects, MANY_CLIENTS, runner.config.write_duration_s
    )
    with runner.measure_write("L1"):
        runner.result.loads["L1"] = run_module("bench.harness.lane", plan, LoadResult, TASKLEDGER_PYTHON)
    runner.result.event_counts["L1"] = ours.log_head() - before


def _run_umadb(runner: RoundRunner) -> None:
    plan = umadb.UmadbPlan(runner.environment.peers["umadb"].address, MANY_CLIENTS, runner.config.write_duration_s)
    with runner.measure_usage("umadb"):
        runner.result.loads["umadb"] = run_module("bench.peers.umadb_client", plan, LoadResult)
