"""The outcome of a rebuild, as `taskledger projections` prints it."""

from cli.output import print_line
from infra.rebuilding.outcome import RebuildOutcome

MIN_PHASE_REPORT_S = 3.0
"""A longer rebuild is reported phase by phase."""


def print_outcome(name: str, outcome: RebuildOutcome) -> None:
    """Print what was folded, how long it took, and what differs."""
    seconds = sum(outcome.seconds.values())
    summary = f"{outcome.events} events into {outcome.documents} rows in {seconds:.1f} s"
    print_line(f"{name}: {summary}, {outcome.events_per_s():,.0f}/s.")
    if seconds > MIN_PHASE_REPORT_S:
        print_line(
            "  " + ", ".join(f"{phase} {phase_seconds:.1f} s" for phase, phase_seconds in outcome.seconds.items())
        )
    if outcome.parked:
        print_line(f"{outcome.parked} documents are parked: `taskledger projections parked {name}` shows why.")
    for cause in outcome.first:
        events = ", ".join(f"{position} {event}" for position, event in cause.events) or "no event"
        print_line(f"  {cause.document}, by {events}:")
        for field, (live, fresh) in cause.fields.items():
            print_line(f"    {field} is {live!r}, should be {fresh!r}")
    print_line(_verdict(outcome))


def _verdict(outcome: RebuildOutcome) -> str:
    difference_text = f"{outcome.differences} rows differ from the live ones"
    if outcome.switched:
        if outcome.differences:
            return f"{difference_text}; switched, as expected."
        return "Switched." if outcome.compared else "Switched; there was nothing to compare with."
    if outcome.differences:
        return (
            f"{difference_text}."
            if outcome.verify_only
            else f"{difference_text}: not switched. If that is intended, use --expect-changes."
        )
    if outcome.compared:
        return "The live rows are right."
    return f"Not compared: the live rows are {outcome.lag} events behind." if outcome.lag else "Nothing is live yet."
