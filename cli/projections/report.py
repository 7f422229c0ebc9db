"""What `taskledger projections` prints: a table of all projections, and the outcome of a rebuild."""

from collections.abc import Iterable

import click
from rich.table import Table

from infra.rebuilding.outcome import RebuildOutcome
from infra.rebuilding.projection_status import ProjectionStatus

TABLE_HEADERS = ("projection", "version", "state", "position", "lag", "seconds", "events/s", "parked", "rebuild")
MIN_PHASE_REPORT_S = 3.0
"""A longer rebuild is reported phase by phase."""


def status_table(statuses: Iterable[ProjectionStatus]) -> Table:
    """A table with a row for each projection."""
    lines = Table(*TABLE_HEADERS, box=None, pad_edge=False)
    for projection_status in statuses:
        doing = (
            f"{projection_status.doing} {projection_status.share:.0%}"
            if projection_status.doing and projection_status.share is not None
            else projection_status.doing
        )
        lines.add_row(
            projection_status.name,
            str(projection_status.version),
            doing or projection_status.state,
            f"{projection_status.position} of {projection_status.head}",
            str(projection_status.lag_events),
            f"{projection_status.lag_seconds:.1f}",
            f"{projection_status.events_per_s:.0f}",
            str(projection_status.parked),
            f"{projection_status.rebuild_seconds:.0f} s",
        )
    return lines


def print_outcome(name: str, outcome: RebuildOutcome) -> None:
    """Print what was folded, how long it took, and what differs."""
    seconds = sum(outcome.seconds.values())
    summary = f"{outcome.events} events into {outcome.documents} rows in {seconds:.1f} s"
    click.echo(f"{name}: {summary}, {outcome.events_per_s():,.0f}/s.")
    if seconds > MIN_PHASE_REPORT_S:
        click.echo(
            "  " + ", ".join(f"{phase} {phase_seconds:.1f} s" for phase, phase_seconds in outcome.seconds.items())
        )
    if outcome.parked:
        click.echo(f"{outcome.parked} documents are parked: `taskledger projections parked {name}` shows why.")
    for cause in outcome.first:
        events = ", ".join(f"{position} {event}" for position, event in cause.events) or "no event"
        click.echo(f"  {cause.document}, by {events}:")
        for field, (live, fresh) in cause.fields.items():
            click.echo(f"    {field} is {live!r}, should be {fresh!r}")
    click.echo(_verdict(outcome))


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
