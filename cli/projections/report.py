"""What is said of projections: a table of all, and what came of a rebuild."""

from collections.abc import Iterable

import click
from rich.table import Table

from infra.rebuilding.outcome import RebuildOutcome
from projections.engine.status import ProjectionStatus

COLUMNS = ("projection", "version", "state", "position", "lag", "seconds", "events/s", "parked", "rebuild")
LONG_S = 3.0
"""What took longer is told phase by phase."""


def table(found: Iterable[ProjectionStatus]) -> Table:
    """A line for each projection."""
    lines = Table(*COLUMNS, box=None, pad_edge=False)
    for one in found:
        doing = f"{one.doing} {one.share:.0%}" if one.doing and one.share is not None else one.doing
        lines.add_row(
            one.name,
            str(one.version),
            doing or one.state,
            f"{one.position} of {one.head}",
            str(one.lag_events),
            f"{one.lag_seconds:.1f}",
            f"{one.events_per_s:.0f}",
            str(one.parked),
            f"{one.rebuild_seconds:.0f} s",
        )
    return lines


def say(name: str, outcome: RebuildOutcome) -> None:
    """What was folded, how long it took, and what differs."""
    seconds = sum(outcome.seconds.values())
    made = f"{outcome.events} events into {outcome.documents} rows in {seconds:.1f} s"
    click.echo(f"{name}: {made}, {outcome.events_per_s():,.0f}/s.")
    if seconds > LONG_S:
        click.echo("  " + ", ".join(f"{phase} {each:.1f} s" for phase, each in outcome.seconds.items()))
    if outcome.parked:
        click.echo(f"{outcome.parked} documents are parked: `taskledger projections parked {name}` says why.")
    for cause in outcome.first:
        events = ", ".join(f"{position} {event}" for position, event in cause.events) or "no event"
        click.echo(f"  {cause.document}, by {events}:")
        for field, (live, fresh) in cause.fields.items():
            click.echo(f"    {field} is {live!r}, should be {fresh!r}")
    click.echo(_verdict(outcome))


def _verdict(outcome: RebuildOutcome) -> str:
    many = f"{outcome.differences} rows differ from the live ones"
    if outcome.switched:
        if outcome.differences:
            return f"{many}; switched, as expected."
        return "Switched." if outcome.compared else "Switched; there was nothing to compare with."
    if outcome.differences:
        return f"{many}." if outcome.verify_only else f"{many}: not switched. If that is meant, say --expect-changes."
    if outcome.compared:
        return "The live rows are right."
    return f"Not compared: the live rows are {outcome.lag} events behind." if outcome.lag else "Nothing is live yet."
