"""What `taskledger projections` prints: a table of all projections, and the outcome of a rebuild."""

from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.output import print_line
from infra.rebuilding.outcome import RebuildOutcome
from infra.rebuilding.projection_status import ProjectionStatus
from infra.terminal_text import escape

PIPED_WIDTH_CHARS = 160
STATUS_HEADERS = ("projection", "version", "state", "position", "lag", "seconds", "events/s", "parked", "rebuild")
MIN_PHASE_REPORT_S = 3.0
"""A longer rebuild is reported phase by phase."""


def print_table(headers: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """Print at full width if the output is piped, else at the width of the terminal."""
    table = Table(*headers, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(Text(escape(cell)) for cell in row))  # as Text: brackets are no markup
    console = Console()
    Console(width=console.width if console.is_terminal else PIPED_WIDTH_CHARS).print(table)


def print_statuses(statuses: Iterable[ProjectionStatus]) -> None:
    """Print a table with a row for each projection."""
    print_table(STATUS_HEADERS, _status_rows(statuses))


def _status_rows(statuses: Iterable[ProjectionStatus]) -> Iterator[Sequence[str]]:
    for projection_status in statuses:
        doing = (
            f"{projection_status.doing} {projection_status.share:.0%}"
            if projection_status.doing and projection_status.share is not None
            else projection_status.doing
        )
        yield (
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
