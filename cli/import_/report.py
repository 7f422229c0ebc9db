"""The report of an import: what is there now, what was refused and why, and what has no place yet."""

from collections import Counter
from collections.abc import Iterator

import click

from cli.import_.importing import Outcome


def report(outcome: Outcome, name: str, beside: Counter[str]) -> None:
    """Print it; refused rows last, where they are seen."""
    for line in _lines(outcome, name, beside):
        click.echo(line)


def _lines(outcome: Outcome, name: str, beside: Counter[str]) -> Iterator[str]:
    would = "would be " if outcome.dry else ""
    created, refused = f"{outcome.created} {would}created", f"{len(outcome.refused)} {would}refused"
    yield f"{name}: {created}, {outcome.there} there already, {refused}."
    if outcome.dry:
        yield "A dry run: nothing was written."
    if outcome.differing:
        yield f"{outcome.differing} of those there already differ from the file by now, and were left as they are."
    if outcome.parts:
        became = "would become" if outcome.dry else "became"
        yield f"{outcome.parts} sub-tasks {became} tasks of their own; their description says what they are part of."
    yield from _counted("Kept in another way:", outcome.remarks)
    yield from _counted("Not carried over, as nothing here takes them:", outcome.lost)
    yield from _counted("Not carried over, as it stands beside the tasks:", beside)
    if outcome.refused:
        yield "Refused:"
        yield from (f"  {refused.place}: {refused.reason}" for refused in outcome.refused)


def _counted(heading: str, found: Counter[str]) -> Iterator[str]:
    if found:
        yield heading
        yield from (f"  {count:>6} x {what}" for what, count in found.most_common())
