"""The history checker accepts a consistent history and rejects every inconsistent one."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from tests.consistency import Acknowledged, Call, LogEntry, assert_consistent
from tests.examples import TASK, fixed_uuid7

OTHER_TASK = fixed_uuid7(32)
LOG = [
    LogEntry(2, TASK, 1, fixed_uuid7(101), "milk"),
    LogEntry(3, OTHER_TASK, 1, fixed_uuid7(102), "tea"),
    LogEntry(5, TASK, 2, fixed_uuid7(103), "oat milk"),
    LogEntry(6, TASK, 3, fixed_uuid7(103)),
    LogEntry(7, TASK, 4, fixed_uuid7(104), "soy milk"),
]
CALLS = [
    Call("milk", 1.0, 2.0, Acknowledged(TASK, 1, 2)),
    Call("tea", 1.5, 2.5, "unknown"),
    Call("tea", 3.0, 4.0, Acknowledged(OTHER_TASK, 1, 3)),
    Call("oat milk", 2.5, 3.5, Acknowledged(TASK, 2, 6)),
    Call("soy milk", 5.0, 6.0, "unknown"),
    Call("goat milk", 5.0, 6.0, "unknown"),
    Call("coffee", 5.0, 6.0, "refused"),
]
"""The tea is retried; the oat milk has two events; the outcomes of the soy and the goat milk stay unknown."""

Fault = Callable[[list[Call], list[LogEntry]], None]


def test_a_consistent_history_is_accepted() -> None:
    assert_consistent(CALLS, LOG)
    assert_consistent(CALLS, reversed(LOG))
    assert_consistent(CALLS + CALLS[:1], LOG)
    assert_consistent([], [])


def test_calls_that_overlap_may_happen_in_any_order() -> None:
    milk, oat = CALLS[0], CALLS[3]
    later = [
        changed(milk, answered=2.6, outcome=Acknowledged(OTHER_TASK, 1, 6)),
        changed(oat, outcome=Acknowledged(TASK, 1, 5)),
    ]
    assert_consistent(
        later,
        [LogEntry(5, TASK, 1, fixed_uuid7(101), "oat milk"), LogEntry(6, OTHER_TASK, 1, fixed_uuid7(102), "milk")],
    )


def test_a_refusal_that_came_before_an_acknowledgement_is_no_contradiction() -> None:
    assert_consistent([changed(CALLS[0], sent=0.0, answered=0.5, outcome="refused"), *CALLS], LOG)


def changed(one: Any, **fields: object) -> Any:
    return msgspec.structs.replace(one, **fields)


def replace_call(at: int, **fields: object) -> Fault:
    def plant(calls: list[Call], log: list[LogEntry]) -> None:
        calls[at] = changed(calls[at], **fields)

    return plant


def replace_entry(at: int, **fields: object) -> Fault:
    def plant(calls: list[Call], log: list[LogEntry]) -> None:
        log[at] = changed(log[at], **fields)

    return plant


def add_entry(entry: LogEntry) -> Fault:
    def plant(calls: list[Call], log: list[LogEntry]) -> None:
        log.append(entry)

    return plant


def drop_entry(at: int) -> Fault:
    def plant(calls: list[Call], log: list[LogEntry]) -> None:
        del log[at]

    return plant


FAULTS = {
    "an acknowledged command that is lost": (drop_entry(1), "but is lost"),
    "a lost event in the middle of a stream": (drop_entry(3), "not version 3"),
    "a stream that begins with 2": (replace_entry(1, version=2), "not version 1"),
    "a version twice": (replace_entry(3, version=2), "not version 3"),
    "versions not in the order of positions": (replace_entry(2, position=9), "not version 2"),
    "a position twice": (replace_entry(1, position=2), "a position used twice"),
    "an acknowledged position of another command": (
        replace_call(0, outcome=Acknowledged(TASK, 1, 3)),
        "not at the acknowledged position",
    ),
    "an acknowledged position without an event": (
        replace_call(0, outcome=Acknowledged(TASK, 1, 4)),
        "not at the acknowledged position",
    ),
    "an acknowledged version of another command": (
        replace_call(0, outcome=Acknowledged(TASK, 2, 5)),
        "stored instead of",
    ),
    "an acknowledged stream that does not exist": (
        replace_call(0, outcome=Acknowledged(fixed_uuid7(99), 1, 2)),
        "but is lost",
    ),
    "two answers that differ": (replace_call(1, outcome=Acknowledged(TASK, 1, 2)), "in two places"),
    "a command of unknown outcome that is stored twice": (
        add_entry(LogEntry(8, OTHER_TASK, 2, fixed_uuid7(105), "soy milk")),
        "stored twice",
    ),
    "a retry that is stored twice": (add_entry(LogEntry(8, OTHER_TASK, 2, fixed_uuid7(105), "tea")), "stored twice"),
    "two events of one command": (add_entry(LogEntry(8, OTHER_TASK, 2, fixed_uuid7(102), "tea")), "stored twice"),
    "a refused command that is stored": (
        add_entry(LogEntry(8, OTHER_TASK, 2, fixed_uuid7(105), "coffee")),
        "refused but is stored",
    ),
    "an unknown, then refused command that is stored": (replace_call(4, outcome="refused"), "refused but is stored"),
    "a title that no client sent": (add_entry(LogEntry(8, OTHER_TASK, 2, fixed_uuid7(105), "cocoa")), "no client sent"),
    "an order that contradicts time": (replace_call(3, sent=0.0, answered=0.5), "was sent after"),
}


@pytest.mark.parametrize(("fault", "words"), FAULTS.values(), ids=FAULTS)
def test_an_inconsistent_history_is_rejected(fault: Fault, words: str) -> None:
    calls, log = list(CALLS), list(LOG)
    fault(calls, log)
    with pytest.raises(AssertionError, match=words):
        assert_consistent(calls, log)
