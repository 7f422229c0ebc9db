"""Load notes: facts that a table of rates would hide."""

import pytest

from bench.harness.load_notes import load_notes
from bench.harness.load_result import LoadResult

pytestmark = pytest.mark.slow


def test_refusals_a_busy_generator_and_unsent_requests_are_noted() -> None:
    assert list(load_notes("W2", [LoadResult(1.0, [3], {409: 1}, [], 0, 0.95)])) == [
        "W2: 1 of 4 requests (25.0%) were answered 409.",
        "W2: the load generator itself was the limit.",
    ]
    slow = LoadResult(1.0, [700], {}, [], 0, 0.1, unsent=300)
    assert list(load_notes("W1 at 1,000/s", [slow])) == [
        "W1 at 1,000/s: 700/s were reached; 300 requests found no client free."
    ]


def test_unanswered_requests_and_slow_ones_left_out_are_noted() -> None:
    hung = LoadResult(1.0, [1], {}, [5.0], 2, 0.1, under_way_ms=[4.0, 700.0])
    assert list(load_notes("V1", [hung])) == [
        "V1: 2 requests were never answered.",
        "V1: a request under way at the end took 700 ms, the slowest that counts 5.",
    ]
    assert not list(load_notes("V1", [LoadResult(1.0, [1], {}, [5.0], 0, 0.1, under_way_ms=[9.0])]))


def test_a_normal_load_has_no_notes() -> None:
    assert not list(load_notes("W2", [LoadResult(1.0, [3], {}, [1.0], 0, 0.5)]))
