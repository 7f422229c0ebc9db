"""Marks: a figure beside what it is held against, by the medians of rounds."""

from math import inf

import msgspec
from msgspec.structs import replace

from bench.harness import run
from bench.harness.idle_lane import Idle
from bench.harness.load_generator import Load
from bench.harness.resource_usage import Use
from bench.harness.rounds import Round
from bench.peers.stock_projection import Projecting
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
    reads_during_rebuild,
    rebuild,
    visibility,
    visibility_under_load,
    warm_reads,
)
from bench.scenarios.catch_up import Followed
from bench.scenarios.cold_reads import Cold
from bench.scenarios.reads_during_rebuild import Disturbed
from bench.scenarios.rebuild import Rebuilt
from bench.targets import Mark, Told

REBUILT = Rebuilt(200_000, 1.0, 0.5, {"folding": 0.8, "verifying": 0.5}, 2**29)
PEER = Projecting(2_000, 1.0)


def test_a_ratio_is_the_median_of_the_rounds_own_ratios() -> None:
    (line,) = creates.told([round_of(W1=rate, stock=its) for rate, its in [(100, 100), (300, 600), (900, 1_000)]]).marks
    assert (line.ratio, line.value, line.peer, line.low, line.high) == (0.9, 300, 600, 100, 900)


def test_who_reads_the_file_finds_work_peer_and_ratio_by_name() -> None:
    read = msgspec.to_builtins(only(creates.told([round_of(W1=900, stock=100)])))
    assert {name: read[name] for name in ("work", "against", "value", "unit", "peer", "ratio", "mark", "met")} == {
        "work": "W1",
        "against": "library",
        "value": 900,
        "unit": "/s",
        "peer": 100,
        "ratio": 9.0,
        "mark": 7.0,
        "met": True,
    }


def test_a_ratio_that_is_just_reached_is_met_and_one_below_is_not() -> None:
    assert only(changes.told([round_of(W2=80, W1=100)])).met
    assert not only(changes.told([round_of(W2=79, W1=100)])).met


def test_an_idle_command_may_cost_so_much_of_its_append_and_no_more() -> None:
    dear, cheap = Idle([1.4, 1.4], [1.0, 1.0]), Idle([1.2, 1.2], [1.0, 1.0])
    assert not only(lane_beside_append.told([replace(round_of(), idle=[dear])])).met
    assert only(lane_beside_append.told([replace(round_of(), idle=[cheap])])).met


def test_events_are_told_where_the_peer_writes_one_for_each_command() -> None:
    told = lane_beside_umadb.told([round_of(W1=10, L1=30, umadb=20)])
    assert [(mark.work, mark.ratio) for mark in told.marks] == [("W1", 0.5), ("L1", 1.5)]
    assert told.remarks == ["L1: 20 events/s in the log, where UmaDB writes one event for each command."]


def test_a_pace_that_was_not_kept_meets_no_mark_however_quick_the_answers() -> None:
    assert not only(open_loop.told([paces(700)])).met
    assert only(open_loop.told([paces(1_000)])).met


def test_what_is_slow_at_a_pace_is_not_let_off() -> None:
    slow = replace(load(1_000), latencies_ms=[1.0] * 980 + [11.0] * 20)
    assert not only(open_loop.told([replace(paces(), loads={**paces().loads, open_loop.ours(1_000): slow})])).met


def test_what_was_refused_or_never_asked_is_waited_for_for_ever() -> None:
    few = replace(load(985), unsent=15, refused={})
    assert not only(open_loop.told([replace(paces(), loads={**paces().loads, open_loop.ours(1_000): few})])).met
    assert few.waited_ms().count(inf) == 15


def test_a_look_that_was_refused_meets_no_mark_however_soon_the_others_saw() -> None:
    busy = round_of(**{"V1 under load": 10, "V1 load": 1_000})
    late = replace(busy, loads={**busy.loads, "V1 under load": replace(load(10), refused={503: 1})})
    slow = replace(busy, loads={**busy.loads, "V1 load": load(900)})
    assert all(mark.met for mark in visibility_under_load.told([busy]).marks)
    assert not any(mark.met for one in (late, slow) for mark in visibility_under_load.told([one]).marks)


def test_a_look_and_a_row_may_take_so_long_and_no_longer() -> None:
    one = replace(round_of(V1=10), rows_ms=[9.0] * 90 + [60.0] * 10)
    met = {f"{mark.work}, {mark.what}": mark.met for mark in visibility.told([one]).marks}
    assert met == {
        "V1, visible, idle, p50": True,
        "V1, visible, idle, p99": True,
        "V1 commit to row, idle, p50": True,
        "V1 commit to row, idle, p99": False,
    }


def test_the_slowest_client_is_held_against_the_mean() -> None:
    unfair = round_of(W2=100)
    unfair.loads["W3"] = Load(1.0, [10, 50, 60], {}, [], 0, 0.1)
    line = one_task.told([unfair]).marks[1]
    assert (line.value, line.peer, line.ratio, line.met) == (10, 40, 0.25, False)


def test_only_what_changed_the_contended_task_is_counted() -> None:
    assert one_task.told([round_of(W2=100)]).marks[0].value == 40


def test_a_rebuild_is_held_against_its_peer_and_so_much_memory() -> None:
    lines = rebuild.told([REBUILT], PEER).marks
    assert [(line.ratio, line.met) for line in lines] == [(None, True), (100.0, True), (None, True)]
    greedy = replace(REBUILT, peak_bytes=2**30 + 2**20)
    assert not rebuild.told([greedy], PEER).marks[2].met


def test_each_number_of_workers_that_follows_has_a_line() -> None:
    lines = list(catch_up.marks([Followed(1, 30_000, 2.0), Followed(2, 30_000, 4.0), Followed(1, 50_000, 2.0)]))
    assert [(line.work, line.value, line.met) for line in lines] == [("P1", 20_000, True), ("P1 by 2", 7_500, False)]


def test_readers_may_notice_a_rebuild_so_much_and_no_more() -> None:
    assert served(29)[0].met
    assert not served(31)[0].met


def test_a_rebuild_that_holds_up_whoever_writes_meets_no_mark_however_quick_the_readers() -> None:
    assert not served(10, writes=400)[0].met


def test_one_wrong_answer_during_a_rebuild_is_one_too_many() -> None:
    assert served(10)[1].met
    assert not served(10, wrong=1)[1].met


def test_a_hot_page_is_held_against_the_cache_aside_stack() -> None:
    rates = {"R1": 1, "R1 constant": 1, "R2": 500, "R2 constant": 500, "R2 aside": 100}
    lines = warm_reads.told([round_of(**rates)]).marks
    assert [(line.ratio, line.met) for line in lines if line.against == "cache_aside"] == [(5.0, True)]


def test_one_cold_page_of_a_hundred_may_be_slow_and_no_more() -> None:
    assert asked([19.0] * 399 + [900.0]).met
    assert not asked([19.0] * 390 + [21.0] * 10).met


def test_cold_pages_that_were_refused_or_came_too_late_to_be_asked_meet_no_mark() -> None:
    assert not asked([1.0] * 399, refused=1).met
    assert not asked([1.0] * 390).met
    assert not asked([]).met


def test_the_slowest_cold_page_is_told() -> None:
    paths = ["/api/v1/tasks?filter=milk", "/api/v1/tasks?filter=oat%20milk"]
    said = cold_reads.told(Cold(paths, Load(1.0, [2], {}, [1.0, 9.0], 0, 0.1))).remarks
    assert "R3: 2 of 2 questions were answered, half of them within 5 ms." in said
    assert "R3: the slowest took 9 ms: /api/v1/tasks?filter=oat milk" in said


def test_the_longest_lag_of_all_is_told() -> None:
    assert not run.lag([replace(round_of(), lags_s=[0.1, 5.1]), round_of()]).met
    assert run.lag([replace(round_of(), lags_s=[0.1, 4.9])]).met


def test_what_each_process_used_is_written_beside_the_rate() -> None:
    used = {"W3": {"api": Use(0.25, 2**20)}}
    assert results.written(replace(round_of(), used=used))["W3"] == {
        "per_second": 40.0,
        "p50_ms": 1.0,
        "p99_ms": 1.0,
        "refused": 0,
        "unsent": 0,
        "processes": {"api": {"cpu_s": 0.25, "rss_mib": 1.0}},
    }


def only(told: Told) -> Mark:
    (mark,) = told.marks
    return mark


def paces(reached: int = 1_000) -> Round:
    """One with all paces kept but that at which the mark is."""
    rates = {open_loop.ours(pace): pace for pace in open_loop.PACES} | {
        open_loop.stock(pace): pace for pace in open_loop.PEER_PACES
    }
    return round_of(**rates | {open_loop.ours(open_loop.AT): reached})


def asked(latencies_ms: list[float], refused: int = 0) -> Mark:
    """Of 400 questions, those that were answered."""
    found = Load(10.0, [len(latencies_ms)], {400: refused} if refused else {}, latencies_ms, 0, 0.1)
    return only(cold_reads.told(Cold(["/"] * 400, found)))


def served(during_ms: float, *, writes: int = 500, wrong: int = 0) -> list[Mark]:
    """Looks that take 10 ms as a rule, and so long while it is rebuilt."""
    quiet, during = (
        Load(1.0, [100], {}, [each] * 100, 0, 0.1, wrong=number) for each, number in ((10, 0), (during_ms, wrong))
    )
    return list(reads_during_rebuild.told([Disturbed(quiet, load(500), during, load(writes), 9.0)]).marks)


def round_of(**rates: int) -> Round:
    """One in which W3 was acknowledged eighty times, and changed its task half as often."""
    loads = {"W3": load(80), "L1": load(10), **{name: load(rate) for name, rate in rates.items()}}
    return Round(loads, counted={"W3": 40, "L1": 20}, lags_s=[0.1])


def load(rate: int) -> Load:
    return Load(1.0, [rate // 2, rate - rate // 2], {}, [1.0] * rate, 0, 0.1)
