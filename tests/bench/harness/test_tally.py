"""A tally: each request counts as exactly one thing, by when it fell due and when it was answered."""

import pytest
from hypothesis import strategies as st

from bench.harness.client_scripts import HttpRequest, HttpResponse
from bench.harness.load_result import summarize
from bench.harness.tally import CountedTime, Tally
from tests.law import law
from tests.planted_defects import assert_check_fails

pytestmark = pytest.mark.slow

REQUEST, BEGAN, ENDED = HttpRequest("GET", "/", expected_body=b"milk"), 10.0, 20.0
ANSWERS = st.tuples(
    st.floats(0, 30),  # when the request fell due
    st.floats(0, 15),  # how long it took
    st.sampled_from([(200, b"milk"), (200, b"beer"), (503, b"")]),
)


def tally_of(answers: list[tuple[float, float, tuple[int, bytes]]], *, is_open_loop: bool) -> Tally:
    tally = Tally(CountedTime(BEGAN, ENDED, is_open_loop))
    for due, taken, (status, body) in answers:
        if due < ENDED:  # nothing is sent later
            tally.record(REQUEST, HttpResponse(status, body), due, due + taken)
    return tally


def counts(tally: Tally) -> dict[str, int]:
    return {
        "answered": len(tally.latencies),
        "refused": sum(tally.refused.values()),
        "wrong": tally.wrong,
        "under way": len(tally.under_way_latencies),
        "warm-up": tally.warm_up_answers,
        "unanswered": tally.unanswered,
    }


@law(st.lists(ANSWERS), st.booleans(), examples=150)
def check_each_answer_counts_once(answers: list[tuple[float, float, tuple[int, bytes]]], is_open_loop: bool) -> None:  # noqa: FBT001 - drawn
    sent = [one for one in answers if one[0] < ENDED]
    tally = tally_of(answers, is_open_loop=is_open_loop)
    assert sum(counts(tally).values()) == len(sent), "an answer counts as two things, or as none"


@law(st.lists(ANSWERS), examples=150)
def check_a_closed_loop_counts_answers_in_time(answers: list[tuple[float, float, tuple[int, bytes]]]) -> None:
    tally = tally_of(answers, is_open_loop=False)
    sent = [(due, due + taken) for due, taken, _ in answers if due < ENDED]
    found = counts(tally)
    in_time = sum(BEGAN <= came < ENDED for _, came in sent)
    assert found["answered"] + found["refused"] + found["wrong"] == in_time
    assert found["under way"] == sum(came >= ENDED for _, came in sent), "neither answered nor failed"
    latencies = summarize([tally], ENDED - BEGAN, 0.1, 0.1).latencies_with_failures_ms()
    assert len(latencies) == in_time, "what was under way at the end is no failure"


@law(st.lists(ANSWERS), examples=150)
def check_an_open_loop_counts_what_fell_due(answers: list[tuple[float, float, tuple[int, bytes]]]) -> None:
    found = counts(tally_of(answers, is_open_loop=True))
    in_time = sum(BEGAN <= due < ENDED for due, *_ in answers)
    assert found["answered"] + found["refused"] + found["wrong"] == in_time, "the slowest answers must not be left out"
    assert found["under way"] == 0


def test_each_answer_counts_as_exactly_one_thing() -> None:
    check_each_answer_counts_once()


def test_a_closed_loop_counts_the_answers_that_come_in_time() -> None:
    check_a_closed_loop_counts_answers_in_time()


def test_an_open_loop_counts_the_requests_that_fall_due_in_time() -> None:
    check_an_open_loop_counts_what_fell_due()


def test_requests_that_only_prepare_others_are_not_counted() -> None:
    tally, preparing = Tally(CountedTime(BEGAN, ENDED)), HttpRequest("POST", "/", is_counted=False)
    for now in (5.0, 15.0, 25.0):
        tally.record(preparing, HttpResponse(201, b""), now - 1, now)
    assert not any(counts(tally).values())
    tally.record(preparing, HttpResponse(503, b""), 14.0, 15.0)
    assert counts(tally)["refused"] == 1, "unless they are refused"


def test_late_answers_that_count_as_failures_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tally, "_record_out_of_time", lambda tally, *_: tally.record_unanswered())
    assert_check_fails(check_a_closed_loop_counts_answers_in_time)


def test_a_closed_loop_that_counts_late_answers_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tally, "_is_in_time", lambda _tally, due, now: due < ENDED and now >= BEGAN)
    assert_check_fails(check_a_closed_loop_counts_answers_in_time)


def test_an_open_loop_without_its_slowest_answers_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tally, "_is_in_time", lambda _tally, due, now: due >= BEGAN and now < ENDED)
    assert_check_fails(check_an_open_loop_counts_what_fell_due)


def test_answers_that_count_as_nothing_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tally, "_record_out_of_time", lambda *_: None)
    assert_check_fails(check_each_answer_counts_once)
