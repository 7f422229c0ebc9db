"""Notes on loads: what a table of rates would hide."""

from collections.abc import Iterator, Sequence
from math import inf
from statistics import median

from bench.harness.load_result import LoadResult
from bench.harness.rounds import RoundResult
from bench.targets import format_number

MAX_BUSY_SHARE = 0.9
"""A load generator that is busy for a larger share of the time measures itself."""
REMARKABLY_SLOWER = 2
"""A request that does not count and took so many times as long as the slowest that does may hide a stall."""
_CLIENT_MEASURED = {"L1", "umadb"}
"""Loads whose client is part of what is measured."""


def round_notes(rounds: Sequence[RoundResult]) -> list[str]:
    """The notes on all loads, by name."""
    return [line for name in rounds[0].loads for line in load_notes(name, [one.loads[name] for one in rounds])]


def load_notes(name: str, loads: Sequence[LoadResult]) -> Iterator[str]:
    """Refused requests, a client that was the bottleneck, requests without an answer, and slow ones left out."""
    refused = sum(sum(load.refused.values()) for load in loads)
    answered = sum(sum(load.answered) for load in loads)
    statuses = ", ".join(sorted({str(status) for load in loads for status in load.refused}))
    if refused:
        share = refused / (refused + answered)
        yield f"{name}: {refused} of {refused + answered} requests ({share:.1%}) were answered {statuses}."
    if max(load.busy_share for load in loads) > MAX_BUSY_SHARE:
        bottleneck = "the appending client" if name in _CLIENT_MEASURED else "the load generator itself"
        yield f"{name}: {bottleneck} was the limit."
    if unsent := sum(load.unsent for load in loads):
        reached = median(load.per_second() for load in loads)
        yield f"{name}: {format_number(reached)}/s were reached; {unsent} requests found no client free."
    if unanswered := sum(load.unanswered for load in loads):
        yield f"{name}: {unanswered} requests were never answered."
    under_way = max((latency for load in loads for latency in load.under_way_ms), default=0.0)
    slowest = max((latency for load in loads for latency in load.latencies_ms), default=inf)
    if under_way > REMARKABLY_SLOWER * slowest:
        took = f"{format_number(under_way)} ms, the slowest that counts {format_number(slowest)}"
        yield f"{name}: a request under way at the end took {took}."
