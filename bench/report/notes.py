"""Remarks: what a table of rates would hide."""

from collections.abc import Iterator, Sequence
from statistics import median

from bench.harness.load_generator import Load
from bench.harness.rounds import Round
from bench.targets import number

TIRED = 0.9
"""A load generator that is busy for a larger share of the time measures itself."""
_BY_THEMSELVES = {"L1", "umadb"}
"""Where whoever asks is a part of what is measured."""


def of_rounds(rounds: Sequence[Round]) -> list[str]:
    """Of all loads, by name."""
    return [line for name in rounds[0].loads for line in of_loads(name, [one.loads[name] for one in rounds])]


def of_loads(name: str, loads: Sequence[Load]) -> Iterator[str]:
    """Who was refused, who was too busy to ask, and what fell due and was not asked."""
    refused = sum(sum(load.refused.values()) for load in loads)
    answered = sum(sum(load.answered) for load in loads)
    statuses = ", ".join(sorted({str(status) for load in loads for status in load.refused}))
    if refused:
        share = refused / (refused + answered)
        yield f"{name}: {refused} of {refused + answered} requests ({share:.1%}) were answered {statuses}."
    if max(load.busy for load in loads) > TIRED:
        tired = "whoever appends" if name in _BY_THEMSELVES else "the load generator itself"
        yield f"{name}: {tired} was the limit."
    if unsent := sum(load.unsent for load in loads):
        reached = median(load.per_second() for load in loads)
        yield f"{name}: {number(reached)}/s were reached; {unsent} requests found no client free."
