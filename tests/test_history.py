"""The history checker believes a history that can be true, and refuses each that cannot."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from tests.examples import TASK, id7
from tests.history import Call, Entry, Place, assert_consistent

OTHER = id7(32)
LOG = [
    Entry(2, TASK, 1, id7(101), "milk"),
    Entry(3, OTHER, 1, id7(102), "tea"),
    Entry(5, TASK, 2, id7(103), "oat milk"),
    Entry(6, TASK, 3, id7(103)),
    Entry(7, TASK, 4, id7(104), "soy milk"),
]
CALLS = [
    Call("milk", 1.0, 2.0, Place(TASK, 1, 2)),
    Call("tea", 1.5, 2.5, "unknown"),
    Call("tea", 3.0, 4.0, Place(OTHER, 1, 3)),
    Call("oat milk", 2.5, 3.5, Place(TASK, 2, 6)),
    Call("soy milk", 5.0, 6.0, "unknown"),
    Call("goat milk", 5.0, 6.0, "unknown"),
    Call("coffee", 5.0, 6.0, "refused"),
]
"""The tea is retried; the oat milk is two events; of the soy and the goat milk nobody was told."""

Fault = Callable[[list[Call], list[Entry]], None]


def test_a_history_that_can_be_true_is_believed() -> None:
    assert_consistent(CALLS, LOG)
    assert_consistent(CALLS, reversed(LOG))
    assert_consistent(CALLS + CALLS[:1], LOG)
    assert_consistent([], [])


def test_calls_that_overlap_may_happen_in_any_order() -> None:
    milk, oat = CALLS[0], CALLS[3]
    later = [changed(milk, answered=2.6, outcome=Place(OTHER, 1, 6)), changed(oat, outcome=Place(TASK, 1, 5))]
    assert_consistent(later, [Entry(5, TASK, 1, id7(101), "oat milk"), Entry(6, OTHER, 1, id7(102), "milk")])


def test_a_refusal_that_came_before_an_acknowledgement_is_no_contradiction() -> None:
    assert_consistent([changed(CALLS[0], sent=0.0, answered=0.5, outcome="refused"), *CALLS], LOG)


def changed(one: Any, **fields: object) -> Any:
    return msgspec.structs.replace(one, **fields)


def a_call(at: int, **fields: object) -> Fault:
    def plant(calls: list[Call], log: list[Entry]) -> None:
        calls[at] = changed(calls[at], **fields)

    return plant


def an_entry(at: int, **fields: object) -> Fault:
    def plant(calls: list[Call], log: list[Entry]) -> None:
        log[at] = changed(log[at], **fields)

    return plant


def one_more(entry: Entry) -> Fault:
    def plant(calls: list[Call], log: list[Entry]) -> None:
        log.append(entry)

    return plant


def one_less(at: int) -> Fault:
    def plant(calls: list[Call], log: list[Entry]) -> None:
        del log[at]

    return plant


FAULTS = {
    "an acknowledged command that is lost": (one_less(1), "is lost"),
    "a lost event in the middle of a stream": (one_less(3), "not version 3"),
    "a stream that begins with 2": (an_entry(1, version=2), "not version 1"),
    "a version twice": (an_entry(3, version=2), "not version 3"),
    "versions against positions": (an_entry(2, position=9), "not version 2"),
    "a position twice": (an_entry(1, position=2), "a position taken twice"),
    "an acknowledged position of another command": (a_call(0, outcome=Place(TASK, 1, 3)), "not where it was said"),
    "an acknowledged position of nothing": (a_call(0, outcome=Place(TASK, 1, 4)), "not where it was said"),
    "an acknowledged version of another command": (a_call(0, outcome=Place(TASK, 2, 5)), "in the place of"),
    "an acknowledged stream that has not begun": (a_call(0, outcome=Place(id7(99), 1, 2)), "is lost"),
    "two answers that differ": (a_call(1, outcome=Place(TASK, 1, 2)), "at two places"),
    "an unknown outcome that happened twice": (one_more(Entry(8, OTHER, 2, id7(105), "soy milk")), "happened twice"),
    "a retry that happened twice": (one_more(Entry(8, OTHER, 2, id7(105), "tea")), "happened twice"),
    "twice by one command": (one_more(Entry(8, OTHER, 2, id7(102), "tea")), "happened twice"),
    "a refused command that is there": (one_more(Entry(8, OTHER, 2, id7(105), "coffee")), "refused and is there"),
    "an unknown, then refused, that is there": (a_call(4, outcome="refused"), "refused and is there"),
    "what nobody sent": (one_more(Entry(8, OTHER, 2, id7(105), "cocoa")), "nobody sent"),
    "an order against time": (a_call(3, sent=0.0, answered=0.5), "was sent after"),
}


@pytest.mark.parametrize(("fault", "words"), FAULTS.values(), ids=FAULTS)
def test_a_history_that_cannot_be_true_is_refused(fault: Fault, words: str) -> None:
    calls, log = list(CALLS), list(LOG)
    fault(calls, log)
    with pytest.raises(AssertionError, match=words):
        assert_consistent(calls, log)
