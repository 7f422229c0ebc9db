"""The report of an import: what is there now, what was refused and why, and what has no place yet."""

from collections import Counter
from collections.abc import Iterator

import click

from cli.import_.importer import ImportOutcome


def print_report(outcome: ImportOutcome, name: str, other_fields: Counter[str]) -> None:
    """Print it; refused rows last, where they are seen."""
    for line in _lines(outcome, name, other_fields):
        click.echo(line)


def _lines(outcome: ImportOutcome, name: str, other_fields: Counter[str]) -> Iterator[str]:
    would = "would be " if outcome.is_dry_run else ""
    created, refused = f"{outcome.created} {would}created", f"{len(outcome.refused_rows)} {would}refused"
    yield f"{name}: {created}, {outcome.existing} there already, {refused}."
    if outcome.is_dry_run:
        yield "A dry run: nothing was written."
    if outcome.changed_since:
        yield f"{outcome.changed_since} of those there already differ from the file by now, and were left as they are."
    if outcome.sub_tasks:
        became = "would become" if outcome.is_dry_run else "became"
        yield f"{outcome.sub_tasks} sub-tasks {became} tasks; their descriptions say what they are part of."
    yield from _count_lines("Kept in another way:", outcome.remarks)
    yield from _count_lines("Not carried over, as nothing here takes them:", outcome.ignored_fields)
    yield from _count_lines("Not carried over, as it stands beside the tasks:", other_fields)
    if outcome.refused_rows:
        yield "Refused:"
        yield from (f"  {refused.location}: {refused.reason}" for refused in outcome.refused_rows)


def _count_lines(heading: str, counts: Counter[str]) -> Iterator[str]:
    if counts:
        yield heading
        yield from (f"  {count:>6} x {what}" for what, count in counts.most_common())
