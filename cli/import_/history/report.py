"""The report of an imported history: what it became, what was refused, and what is not carried over."""

from collections import Counter
from collections.abc import Iterator

from cli.import_.history.importer import HistoryOutcome
from cli.import_.history.intention import Notes
from cli.import_.report import MAX_COUNTS, MAX_LINE_CHARS
from cli.import_.shortening import shorten

NOT_SHOWN = "The read models do not show it yet, as no worker is up to date: start `taskledger worker`."


def lines_of(
    name: str, key: str, outcome: HistoryOutcome, notes: Notes, *, lists_all: bool, former: int
) -> Iterator[str]:
    """The lines of the report."""
    would = "would be " if outcome.is_dry_run else ""
    yield (
        f"{name}: project {key} {would}created with {outcome.tasks} tasks, {outcome.events} events; "
        f"{len(outcome.refused)} {would}refused."
    )
    if outcome.is_dry_run:
        yield "Dry run: nothing was written."
    if former:
        yield f"People who are no members of the workspace, kept by name: {former}."
    yield from _count_lines("Converted:", notes.remarks, lists_all=lists_all)
    yield from _count_lines("Set now, as no action of the file tells when:", notes.corrections, lists_all=lists_all)
    yield from _count_lines("Not carried over:", notes.not_carried, lists_all=lists_all)
    if outcome.refused:
        yield "Refused:"
        shown = outcome.refused if lists_all else outcome.refused[:MAX_COUNTS]
        yield from (f"  {shorten(where)}: {shorten(reason, MAX_LINE_CHARS)}" for where, reason in shown)
        if len(outcome.refused) > len(shown):
            yield f"  ... and {len(outcome.refused) - len(shown)} more: --all lists them."
    if not outcome.is_shown:
        yield NOT_SHOWN


def line_of_existing(name: str, key: str) -> str:
    """What is said of a file that was imported before."""
    return f"{name}: project {key} was imported from this file already: 0 created, 0 events."


def _count_lines(heading: str, counts: Counter[str], *, lists_all: bool) -> Iterator[str]:
    if not counts:
        return
    yield heading
    shown = counts.most_common(None if lists_all else MAX_COUNTS)
    yield from (f"  {count:>6} x {shorten(what, MAX_LINE_CHARS)}" for what, count in shown)
    if len(counts) > len(shown):
        yield f"  ... and {len(counts) - len(shown)} more: --all lists them."
