"""Marks: a figure beside its mark, by the medians of rounds."""

from msgspec.structs import replace

from bench.cold import Cold
from bench.folding import Folding
from bench.following import Followed
from bench.idle import Idle
from bench.load import Load
from bench.marks import Mark, marks
from bench.peers.projection import Projecting
from bench.rebuild import Disturbed, Rebuilt
from bench.report import remarks
from bench.works import Round

ROWS_MS = [float(each) for each in range(1, 101)]
SEEN = Load(1.0, [2], {}, [5.0, 7.0], 0, 0.1)
REBUILT = Rebuilt(200_000, 1.0, 0.5, {"folding": 0.8, "verifying": 0.5}, 2**29)
FOLDED = Folding([REBUILT], Projecting(2_000, 1.0), [Followed(1, 30_000, 2.0)], [])


def test_a_ratio_is_the_median_of_the_rounds_own_ratios() -> None:
    lines = told([round_of(W1=rate, umadb=peer) for rate, peer in [(100, 100), (300, 600), (900, 1_000)]])
    assert lines["W1 create, in 1,000 projects"].ratio == 0.9


def test_what_was_not_measured_has_no_line() -> None:
    assert not [work for work in told([round_of()]) if work.startswith(("W1", "R1", "echo", "L1"))]


def test_an_idle_command_may_cost_so_much_of_its_append_and_no_more() -> None:
    dear, cheap = Idle([1.4, 1.4], [1.0, 1.0]), Idle([1.2, 1.2], [1.0, 1.0])
    work = "L1 latency, one client, p50"
    assert not told([replace(round_of(), idle=dear)])[work].met
    assert told([replace(round_of(), idle=cheap)])[work].met


def test_a_pace_that_was_not_kept_meets_no_mark_however_quick_the_answers() -> None:
    work = "W1 at 1,000/s, open loop, p99"
    assert not told([round_of(**{"W1 paced": 700})])[work].met
    assert told([round_of(**{"W1 paced": 1_000})])[work].met


def test_a_look_that_was_refused_meets_no_mark_however_soon_the_others_saw() -> None:
    work = "V1 the same, at 1,000/s, p50"
    busy = round_of(**{"V1": 10, "V1 paced": 1_000})
    late = replace(busy, loads={**busy.loads, "V1": replace(load(10), refused={503: 1})})
    assert told([busy])[work].met
    assert not told([late])[work].met


def test_the_slowest_client_is_held_against_the_mean() -> None:
    unfair = replace(round_of(), loads={**round_of().loads, "W3": Load(1.0, [10, 50, 60], {}, [], 0, 0.1)})
    line = told([unfair])["W3 slowest client, of the mean"]
    assert (line.value, line.met) == (0.25, False)


def test_only_what_changed_the_contended_task_is_counted() -> None:
    assert told([round_of(W2=100)])["W3 16 clients change one task"].value == 40


def test_a_rebuild_is_held_against_its_peer_and_so_much_memory() -> None:
    work, lines = "P2 rebuild of the task list", marks([round_of()], SEEN, ROWS_MS, FOLDED)
    assert [(line.ratio, line.met) for line in lines if line.work == work] == [(None, True), (100.0, True)]
    greedy = replace(FOLDED, rebuilds=[replace(REBUILT, peak_bytes=2**30 + 2**20)])
    assert not told([round_of()], greedy)["P2 memory of all its processes"].met


def test_each_number_of_workers_that_follows_has_a_line() -> None:
    more = replace(FOLDED, followed=[*FOLDED.followed, Followed(2, 30_000, 4.0)])
    lines = told([round_of()], more)
    assert lines["P1 all projections, one worker"].met
    assert not lines["P1 all projections, 2 workers"].met


def test_readers_may_notice_a_rebuild_so_much_and_no_more() -> None:
    work = "P3 page of 50, during a rebuild, p99"
    assert told([round_of()], disturbed(29))[work].met
    assert not told([round_of()], disturbed(31))[work].met


def test_a_rebuild_that_holds_up_whoever_writes_meets_no_mark_however_quick_the_readers() -> None:
    assert not told([round_of()], disturbed(10, writes=400))["P3 page of 50, during a rebuild, p99"].met


def test_one_wrong_answer_during_a_rebuild_is_one_too_many() -> None:
    work = "P3 answers that were wrong, or none"
    assert told([round_of()], disturbed(10))[work].met
    assert not told([round_of()], disturbed(10, wrong=1))[work].met


def test_a_hot_page_is_held_against_the_cache_aside_stack() -> None:
    lines = marks([round_of(R2=500, **{"R2 aside": 100})], SEEN, ROWS_MS, FOLDED)
    assert [(line.ratio, line.met) for line in lines if line.against.startswith("cache-aside")] == [(5.0, True)]


def test_one_cold_page_of_a_hundred_may_be_slow_and_no_more() -> None:
    assert cold([19.0] * 399 + [900.0]).met
    assert not cold([19.0] * 390 + [21.0] * 10).met


def test_cold_pages_that_were_refused_or_came_too_late_to_be_asked_meet_no_mark() -> None:
    assert not cold([1.0] * 399, refused=1).met
    assert not cold([1.0] * 390).met
    assert not cold([]).met


def test_the_slowest_cold_page_is_told() -> None:
    asked = Cold(
        ["/api/v1/tasks?filter=milk", "/api/v1/tasks?filter=oat%20milk"], Load(1.0, [2], {}, [1.0, 9.0], 0, 0.1)
    )
    said = remarks([round_of()], FOLDED, {"load_average_before": 0.0}, asked)
    assert "R3: 2 of 2 questions were answered, half of them within 5 ms." in said
    assert "R3: the slowest took 9 ms: /api/v1/tasks?filter=oat milk" in said


def test_refusals_a_tired_generator_a_lost_pace_and_a_busy_machine_are_told() -> None:
    loads = {**round_of().loads, "W2": Load(1.0, [3], {409: 1}, [], 0, 0.95), "W1 paced": load(700)}
    said = remarks([replace(round_of(), loads=loads)], FOLDED, {"load_average_before": 3.5})
    assert "W2: 1 of 4 requests (25.0%) were answered 409." in said
    assert "W2: the load generator itself was the limit." in said
    assert "W1 paced: 700 of 1,000/s were reached; 300 requests found no client free." in said
    assert "The machine was busy before it began (load average 3.5)." in said


def told(rounds: list[Round], folded: Folding = FOLDED) -> dict[str, Mark]:
    return {mark.work: mark for mark in marks(rounds, SEEN, ROWS_MS, folded)}


def cold(latencies_ms: list[float], refused: int = 0) -> Mark:
    """Of 400 questions, those that were answered."""
    load = Load(10.0, [len(latencies_ms)], {400: refused} if refused else {}, latencies_ms, 0, 0.1)
    lines = marks([round_of()], SEEN, ROWS_MS, FOLDED, Cold(["/"] * 400, load))
    return next(line for line in lines if line.work.startswith("R3"))


def disturbed(during_ms: float, *, writes: int = 500, wrong: int = 0) -> Folding:
    """Looks that take 10 ms as a rule, and so long while it is rebuilt."""
    looks = [Load(1.0, [100], {}, [each] * 100, 0, 0.1, wrong=number) for each, number in ((10, 0), (during_ms, wrong))]
    quiet, during = looks
    return replace(FOLDED, disturbed=[Disturbed(quiet, load(500), during, load(writes), 9.0)])


def round_of(**rates: int) -> Round:
    """One in which W3 was acknowledged eighty times, and changed its task half as often."""
    loads = {"W3": load(80), "L1": load(10), **{name: load(rate) for name, rate in rates.items()}}
    return Round(loads, {"W3": 40, "L1": 20}, [0.1], None)


def load(rate: int) -> Load:
    return Load(1.0, [rate // 2, rate - rate // 2], {}, [1.0] * rate, 0, 0.1, unsent=1_000 - rate)
