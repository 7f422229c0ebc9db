"""Prints the report of an import: tasks created, converted values, ignored fields, refused rows."""

from collections import Counter
from collections.abc import Iterator

from cli.import_.importer import ImportOutcome
from cli.output import print_line


def print_report(outcome: ImportOutcome, name: str, other_fields: Counter[str]) -> None:
    """Prints the report; refused rows come last, where they are seen."""
    for line in _lines(outcome, name, other_fields):
        print_line(line)


def _lines(outcome: ImportOutcome, name: str, other_fields: Counter[str]) -> Iterator[str]:
    would = "would be " if outcome.is_dry_run else ""
    created, refused = f"{outcome.created} {would}created", f"{len(outcome.refused_rows)} {would}refused"
    yield f"{name}: {created}, {outcome.existing} already there, {refused}."
    if outcome.is_dry_run:
        yield "Dry run: nothing was written."
    if outcome.changed_since:
        yield f"Existing tasks that differ from the file, left unchanged: {outcome.changed_since}."
    if outcome.sub_tasks:
        became = "would become" if outcome.is_dry_run else "became"
        yield f"Sub-tasks that {became} tasks of their own: {outcome.sub_tasks}; their descriptions name the parent."
    yield from _count_lines("Converted:", outcome.remarks)
    yield from _count_lines("Task fields not imported, as Taskledger has no such field:", outcome.ignored_fields)
    yield from _count_lines("Other fields not imported, as they belong to no task:", other_fields)
    if outcome.refused_rows:
        yield "Refused:"
        yield from (f"  {refused.location}: {refused.reason}" for refused in outcome.refused_rows)


def _count_lines(heading: str, counts: Counter[str]) -> Iterator[str]:
    if counts:
        yield heading
        yield from (f"  {count:>6} x {what}" for what, count in counts.most_common())
