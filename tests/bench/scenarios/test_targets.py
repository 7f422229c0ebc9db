"""Targets: each compares a result with its baseline, by the medians of rounds."""

from math import inf

import msgspec
import pytest
from msgspec.structs import replace

from bench import run
from bench.harness.idle_lane import IdleLaneLatencies
from bench.harness.load_result import LoadResult
from bench.harness.resource_usage import ResourceUsage
from bench.harness.rounds import RoundResult
from bench.peers.stock_projection import ProjectionTiming
from bench.report import results
from bench.scenarios import (
    catch_up,
    changes,
    cold_reads,
    creates,
    lane_beside_append,
    lane_beside_umadb,
    one_task,
    open_loop,
    overload,
    reads_during_rebuild,
    rebuild,
    visibility,
    visibility_under_load,
    warm_reads,
)
from bench.scenarios.catch_up import CatchUp
from bench.scenarios.cold_reads import ColdReads
from bench.scenarios.reads_during_rebuild import ReadsDuringRebuild
from bench.scenarios.rebuild import RebuildTiming
from bench.targets import CostLine, ScenarioReport, TargetResult

pytestmark = pytest.mark.slow

REBUILT = RebuildTiming(200_000, 1.0, 0.5, {"folding": 0.8, "verifying": 0.5}, 2**29)
COLD_COST = CostLine("R3", 40.0, {"postgres": 5_000.0})
PEER = ProjectionTiming(2_000, 1.0)


def test_a_ratio_is_the_median_of_the_rounds_own_ratios() -> None:
    (line,) = creates.report(
        [round_of(W1=rate, stock=its) for rate, its in [(100, 100), (300, 600), (900, 1_000)]]
    ).results
    assert (line.ratio, line.value, line.peer, line.low, line.high) == (0.9, 300, 600, 100, 900)


def test_the_results_file_names_work_peer_and_ratio() -> None:
    read = msgspec.to_builtins(only_result(creates.report([round_of(W1=900, stock=100)])))
    assert {name: read[name] for name in ("work", "against", "value", "unit", "peer", "ratio", "mark", "met")} == {
        "work": "W1",
        "against": "library",
        "value": 900,
        "unit": "/s",
        "peer": 100,
        "ratio": 9.0,
        "mark": 6.0,
        "met": True,
    }


def test_a_target_is_met_at_exactly_its_ratio() -> None:
    assert only_result(changes.report([round_of(W2=80, W1=100)])).met
    assert not only_result(changes.report([round_of(W2=79, W1=100)])).met


def test_an_idle_command_may_cost_at_most_1_3_appends() -> None:
    dear, cheap = IdleLaneLatencies([1.4, 1.4], [1.0, 1.0]), IdleLaneLatencies([1.2, 1.2], [1.0, 1.0])
    assert not only_result(lane_beside_append.report([replace(round_of(), idle_lane=[dear])])).met
    assert only_result(lane_beside_append.report([replace(round_of(), idle_lane=[cheap])])).met


def test_the_note_on_umadb_gives_events_per_second() -> None:
    found = lane_beside_umadb.report([round_of(W1=10, L1=30, umadb=20)])
    assert [(result.work, result.ratio) for result in found.results] == [("W1", 0.5), ("L1", 1.5)]
    assert found.notes == ["L1: 20 events/s in the log, where UmaDB writes one event for each command."]


def test_an_open_loop_that_falls_behind_fails_its_target() -> None:
    assert not only_result(open_loop.report([open_loop_round(700)])).met
    assert only_result(open_loop.report([open_loop_round(1_000)])).met


def test_slow_answers_in_an_open_loop_fail_its_target() -> None:
    slow = replace(load_of(1_000), latencies_ms=[1.0] * 980 + [11.0] * 20)
    assert not only_result(
        open_loop.report(
            [replace(open_loop_round(), loads={**open_loop_round().loads, open_loop.load_name(1_000): slow})]
        )
    ).met


def test_overload_may_double_the_latency_and_cost_a_fifth_of_the_rate() -> None:
    def ratios(p99_ms: float, rate: int) -> list[bool]:
        overloaded = replace(load_of(rate), latencies_ms=[p99_ms] * rate)
        loads = {"W1": replace(load_of(100), latencies_ms=[10.0] * 100), overload.NAME: overloaded}
        return [result.met for result in overload.report([RoundResult(loads)]).results]

    assert ratios(20.0, 80) == [True, True]
    assert ratios(20.1, 79) == [False, False]


def test_unsent_requests_count_as_infinite_latency() -> None:
    few = replace(load_of(985), unsent=15, refused={})
    assert not only_result(
        open_loop.report(
            [replace(open_loop_round(), loads={**open_loop_round().loads, open_loop.load_name(1_000): few})]
        )
    ).met
    assert few.latencies_with_failures_ms().count(inf) == 15


def test_a_refused_read_fails_the_visibility_targets() -> None:
    busy = round_of(**{"V1 under load": 200, "V1 load": 1_000})
    late = replace(busy, loads={**busy.loads, "V1 under load": replace(load_of(200), refused={503: 1})})
    slow = replace(busy, loads={**busy.loads, "V1 load": load_of(900)})
    assert all(result.met for result in visibility_under_load.report([busy]).results)
    assert not any(result.met for one in (late, slow) for result in visibility_under_load.report([one]).results)


def test_visibility_targets_are_checked_by_percentile() -> None:
    one = replace(round_of(V1=200), commit_to_row_ms=[9.0] * 90 + [60.0] * 10)
    met = {f"{result.work}, {result.what}": result.met for result in visibility.report([one]).results}
    assert met == {
        "V1, visible, idle, p50": True,
        "V1, visible, idle, p99": True,
        "V1 commit to row, idle, p50": True,
        "V1 commit to row, idle, p99": False,
    }


def test_v1_asks_until_it_has_200_answers() -> None:
    assert sum(visibility.run_until_enough_reads(lambda: load_of(90)).answered) == 270
    dead = visibility.run_until_enough_reads(lambda: load_of(0))
    assert dead.seconds == visibility.MAX_LOADS, "it does not ask for ever"


def test_a_visibility_latency_from_fewer_than_200_reads_is_not_met() -> None:
    few, enough = (replace(round_of(V1=reads), commit_to_row_ms=[1.0]) for reads in (199, 200))
    assert [result.met for result in visibility.report([few]).results][:2] == [False, False]
    assert [result.met for result in visibility.report([enough]).results][:2] == [True, True]


def test_a_read_under_way_at_the_end_is_no_visibility_failure() -> None:
    load = replace(load_of(200), under_way_ms=[700.0])
    (_, p99, *_) = visibility.report([replace(round_of(), loads={"V1": load}, commit_to_row_ms=[1.0])]).results
    assert (p99.value, p99.met) == (1.0, True)


def test_the_slowest_client_is_compared_with_the_mean() -> None:
    unfair = round_of(W2=100)
    unfair.loads["W3"] = LoadResult(1.0, [10, 50, 60], {}, [], 0, 0.1)
    line = one_task.report([unfair]).results[1]
    assert (line.value, line.peer, line.ratio, line.met) == (10, 40, 0.25, False)


def test_only_what_changed_the_contended_task_is_counted() -> None:
    assert one_task.report([round_of(W2=100)]).results[0].value == 40


def test_a_rebuild_has_a_rate_a_ratio_and_a_memory_target() -> None:
    lines = rebuild.report([REBUILT], [PEER]).results
    assert [(line.ratio, line.met) for line in lines] == [(None, True), (100.0, True), (None, True)]
    greedy = replace(REBUILT, peak_bytes=2**30 + 2**20)
    assert not rebuild.report([greedy], [PEER]).results[2].met


def test_a_rebuild_of_a_million_events_has_higher_marks() -> None:
    short, long = (replace(REBUILT, events=events, seconds=events / 100_000) for events in (100_000, 1_000_000))
    assert [line.met for line in rebuild.report([short], [PEER]).results[:2]] == [True, True]
    assert [line.met for line in rebuild.report([long], [PEER]).results[:2]] == [False, False]


def test_each_worker_count_has_a_catch_up_result() -> None:
    lines = list(catch_up.target_results([CatchUp(1, 30_000, 2.0), CatchUp(2, 30_000, 4.0), CatchUp(1, 50_000, 2.0)]))
    assert [(line.work, line.value, line.met) for line in lines] == [("P1", 20_000, True), ("P1 by 2", 7_500, False)]


def test_reads_may_be_at_most_3_times_slower_in_a_rebuild() -> None:
    assert rebuild_read_results(29)[0].met
    assert not rebuild_read_results(31)[0].met


def test_a_rebuild_that_delays_writes_fails_the_read_target() -> None:
    assert not rebuild_read_results(10, writes=400)[0].met


def test_one_wrong_answer_in_a_rebuild_fails_the_target() -> None:
    assert rebuild_read_results(10)[1].met
    assert not rebuild_read_results(10, wrong=1)[1].met


def test_a_hot_page_is_compared_with_the_cache_aside_peer() -> None:
    rates = {"R1": 1, "R1 constant": 1, "R2": 500, "R2 constant": 500, "R2 aside": 50}
    lines = warm_reads.report([round_of(**rates)]).results
    assert [(line.ratio, line.met) for line in lines if line.against == "cache_aside"] == [(10.0, True)]


def test_one_percent_of_cold_pages_may_be_slow() -> None:
    assert cold_read_result([19.0] * 399 + [900.0]).met
    assert not cold_read_result([19.0] * 390 + [21.0] * 10).met


def test_refused_or_unsent_cold_pages_fail_the_target() -> None:
    assert not cold_read_result([1.0] * 399, refused=1).met
    assert not cold_read_result([1.0] * 390).met
    assert not cold_read_result([]).met


def test_the_slowest_cold_page_is_reported() -> None:
    paths = ["/api/v1/tasks?filter=milk", "/api/v1/tasks?filter=oat%20milk"]
    notes = cold_reads.report(ColdReads(paths, LoadResult(1.0, [2], {}, [1.0, 9.0], 0, 0.1), COLD_COST)).notes
    assert "R3: 2 of 2 questions were answered, half of them within 5 ms." in notes
    assert "R3: the slowest took 9 ms: /api/v1/tasks?filter=oat milk" in notes


def test_the_longest_lag_must_be_under_five_seconds() -> None:
    assert not run.max_lag([replace(round_of(), lags_s=[0.1, 5.1]), round_of()]).met
    assert run.max_lag([replace(round_of(), lags_s=[0.1, 4.9])]).met


def test_the_results_file_has_failures_and_usage_by_process() -> None:
    used = {"W3": {"api": ResourceUsage(0.25, 2**20)}}
    load = replace(load_of(80), refused={503: 2}, under_way_ms=[3.0], cpu_s=0.5)
    found = replace(round_of(), loads={"W3": load}, resource_usage=used, wal_syncs_per_s={"W3": 700.0})
    assert results.round_to_json(found)["W3"] == {
        "per_second": round(80 * 40 / 81, 1),
        "p50_ms": 1.0,
        "p99_ms": inf,
        "refused": 2,
        "unsent": 0,
        "unanswered": 0,
        "under_way": 1,
        "client_busy_share": 0.1,
        "wal_syncs_per_s": 700.0,
        "processes": {"api": {"cpu_s": 0.25, "rss_mib": 1.0}, "load generator": {"cpu_s": 0.5, "rss_mib": 0.0}},
    }


def test_rebuilds_catch_ups_and_cold_reads_have_costs_too() -> None:
    usage = {
        "postgres": ResourceUsage(2.0, 0),
        "rebuild": ResourceUsage(1.0, 0),
        "valkey cache": ResourceUsage(0.01, 0),
    }
    (rebuilt,) = rebuild.report([replace(REBUILT, usage=usage, wal_syncs_per_s=5.0)], [PEER]).costs
    assert (rebuilt.work, rebuilt.cpu_us, rebuilt.wal_syncs_per_s) == ("P2", {"postgres": 10.0, "rebuild": 5.0}, 5.0)
    (caught_up,) = catch_up.report([CatchUp(2, 1_000, 1.0, {"worker": ResourceUsage(0.1, 0)})]).costs
    assert (caught_up.work, caught_up.cpu_us) == ("P1 by 2", {"worker": 100.0})
    assert cold_reads.report(ColdReads(["/"], load_of(1), COLD_COST)).costs == [COLD_COST]


def test_reads_and_changes_of_the_same_time_are_one_load() -> None:
    both = reads_during_rebuild.merge_traffic(load_of(100), load_of(500))
    assert (both.seconds, both.per_second(), both.all_answers()) == (1.0, 600, 600)


def only_result(report: ScenarioReport) -> TargetResult:
    (result,) = report.results
    return result


def open_loop_round(reached: int = 1_000) -> RoundResult:
    """A round that reaches every rate except, perhaps, the target rate."""
    rates = {open_loop.load_name(pace): pace for pace in open_loop.RATES_PER_S} | {
        open_loop.peer_load_name(pace): pace for pace in open_loop.PEER_RATES_PER_S
    }
    return round_of(**rates | {open_loop.load_name(open_loop.TARGET_RATE_PER_S): reached})


def cold_read_result(latencies_ms: list[float], refused: int = 0) -> TargetResult:
    """The result of 400 queries, of which these were answered."""
    found = LoadResult(10.0, [len(latencies_ms)], {400: refused} if refused else {}, latencies_ms, 0, 0.1)
    return only_result(cold_reads.report(ColdReads(["/"] * 400, found, COLD_COST)))


def rebuild_read_results(rebuild_read_ms: float, *, writes: int = 500, wrong: int = 0) -> list[TargetResult]:
    """Reads that take 10 ms, and this long during the rebuild."""
    quiet, during = (
        LoadResult(1.0, [100], {}, [each] * 100, 0, 0.1, wrong=number)
        for each, number in ((10, 0), (rebuild_read_ms, wrong))
    )
    return list(
        reads_during_rebuild.report([ReadsDuringRebuild(quiet, load_of(500), during, load_of(writes), 9.0)]).results
    )


def round_of(**rates: int) -> RoundResult:
    """A round in which W3 was acknowledged eighty times, and wrote an event half as often."""
    loads = {"W3": load_of(80), "L1": load_of(10), **{name: load_of(rate) for name, rate in rates.items()}}
    return RoundResult(loads, event_counts={"W3": 40, "L1": 20}, lags_s=[0.1])


def load_of(rate: int) -> LoadResult:
    return LoadResult(1.0, [rate // 2, rate - rate // 2], {}, [1.0] * rate, 0, 0.1)
