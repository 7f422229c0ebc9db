"""Remarks: what a table of rates would hide."""

from bench.harness import machine
from bench.harness.load_generator import Load
from bench.report.notes import of_loads


def test_refusals_a_tired_generator_and_a_lost_pace_are_told() -> None:
    assert list(of_loads("W2", [Load(1.0, [3], {409: 1}, [], 0, 0.95)])) == [
        "W2: 1 of 4 requests (25.0%) were answered 409.",
        "W2: the load generator itself was the limit.",
    ]
    slow = Load(1.0, [700], {}, [], 0, 0.1, unsent=300)
    assert list(of_loads("W1 at 1,000/s", [slow])) == [
        "W1 at 1,000/s: 700/s were reached; 300 requests found no client free."
    ]


def test_a_load_without_any_of_it_needs_no_remark() -> None:
    assert not list(of_loads("W2", [Load(1.0, [3], {}, [1.0], 0, 0.5)]))


def test_a_machine_that_was_busy_before_is_told() -> None:
    assert machine.remarks({"load_average_before": 3.5})
    assert not machine.remarks({"load_average_before": 0.1})
