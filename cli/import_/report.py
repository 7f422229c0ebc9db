"""Prints the report of an import: tasks created, converted values, ignored fields, refused rows."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from msgspec import Struct, field

from cli.import_.importer import ImportOutcome
from cli.import_.mapping import RefusedRow
from cli.import_.shortening import shorten
from cli.output import print_line

MAX_PLACES = 5
"""Places named for refusals of one kind, without --all."""
MAX_LINE_CHARS = 200
"""Of what a line of the report says: it may quote the file."""
MAX_COUNTS = 100
"""Lines under a heading, without --all."""
INCOMPLETE_IMPORT = "The import is incomplete: run the same command again to continue."
INCOMPLETE_DRY_RUN = "The check is incomplete, and nothing was written: run the same command again to check all rows."


class ImportReport(Struct, frozen=True):
    """What the report is about: the file, the scale of its priorities, and the fields outside its task lists."""

    name: str
    row_count: int = 0
    other_fields: Counter[str] = field(default_factory=Counter)
    priority_scale: str = ""
    lists_all: bool = False
    pull_requests: int = 0


def print_report(outcome: ImportOutcome, report: ImportReport) -> None:
    """Prints the report; refused rows come last, where they are seen."""
    for line in lines_of(outcome, report):
        print_line(line)


def lines_after_stop(outcome: ImportOutcome, report: ImportReport) -> Iterator[str]:
    """The lines of the report of an import that did not reach its end, and what to do next."""
    if not outcome.row_count:
        yield f"{report.name}: stopped before the first row, so nothing was written."
        return
    yield from lines_of(outcome, report)
    yield INCOMPLETE_DRY_RUN if outcome.is_dry_run else INCOMPLETE_IMPORT


def print_stop(outcome: ImportOutcome, report: ImportReport) -> None:
    """Prints what was done by an import that did not reach its end."""
    for line in lines_after_stop(outcome, report):
        print_line(line)


def lines_of(outcome: ImportOutcome, report: ImportReport) -> Iterator[str]:
    """The lines of the report."""
    yield from _summary_lines(outcome, report)
    if report.priority_scale:
        yield report.priority_scale
    yield from _count_lines("Converted:", outcome.remarks, report)
    ignored = "Task fields not imported, as Taskledger has no such field:"
    yield from _count_lines(ignored, outcome.ignored_fields, report)
    yield from _count_lines("Other fields not imported, as they belong to no task:", report.other_fields, report)
    if outcome.refused_rows:
        yield "Refused:"
        yield from map("  {}".format, _refusal_lines(outcome.refused_rows, report))


def _summary_lines(outcome: ImportOutcome, report: ImportReport) -> Iterator[str]:
    would = "would be " if outcome.is_dry_run else ""
    created, refused = f"{outcome.created} {would}created", f"{len(outcome.refused_rows)} {would}refused"
    yield f"{report.name}: {created}, {outcome.existing} already there, {refused}."
    if outcome.is_dry_run:
        yield "Dry run: nothing was written."
    if report.pull_requests:
        yield f"Pull requests, which are no tasks and were left out: {report.pull_requests}."
    if outcome.repeated:
        yield f"Rows with the list, id and title of an earlier row, which became no second task: {outcome.repeated}."
    if outcome.repeated_otherwise:
        yield f"Of these, with other values, of which the first were kept: {outcome.repeated_otherwise}."
    if (left := report.row_count - outcome.row_count) > 0:
        yield f"Stopped early: {left} of {report.row_count} rows were not tried."
    yield from _state_lines(outcome)


def _state_lines(outcome: ImportOutcome) -> Iterator[str]:
    created = "Would be created" if outcome.is_dry_run else "Created"
    if outcome.done:
        yield f"{created} as done: {outcome.done}."
    if outcome.archived:
        yield f"{created} in the archive: {outcome.archived}."
    if outcome.trashed:
        went = "would go" if outcome.is_dry_run else "went"
        yield f"Also, tasks that the file calls deleted {went} to the trash: {outcome.trashed}."
    if outcome.changed_since:
        yield f"Existing tasks that differ from the file, left unchanged: {outcome.changed_since}."
    if outcome.sub_tasks:
        yield f"{created} below their parents: {outcome.sub_tasks}."
    if outcome.parentless:
        became = "would become" if outcome.is_dry_run else "became"
        yield (
            f"Sub-tasks of a parent that was refused, deleted, archived or moved, which {became} tasks of their own: "
            f"{outcome.parentless}; their descriptions name it."
        )


def _count_lines(heading: str, counts: Counter[str], report: ImportReport) -> Iterator[str]:
    if not counts:
        return
    yield heading
    shown = counts.most_common(None if report.lists_all else MAX_COUNTS)
    yield from (f"  {count:>6} x {shorten(what, MAX_LINE_CHARS)}" for what, count in shown)
    if len(counts) > len(shown):
        yield f"  ... and {len(counts) - len(shown)} more: --all lists them."


def _refusal_lines(refused_rows: list[RefusedRow], report: ImportReport) -> Iterator[str]:
    """A line for each kind of reason, with the first places; with --all, or where only one row has it, for each row."""
    by_kind: defaultdict[str, list[RefusedRow]] = defaultdict(list)
    for row in refused_rows:
        by_kind[row.kind or row.reason].append(row)
    if report.lists_all:
        yield from map(_refusal_of, refused_rows)
        return
    for kind, rows in by_kind.items():
        if len(rows) == 1:
            yield _refusal_of(rows[0])
            continue
        places = ", ".join(shorten(row.location) for row in rows[:MAX_PLACES])
        more = f" and {len(rows) - MAX_PLACES} more (--all lists them)" if len(rows) > MAX_PLACES else ""
        is_sentence = kind.endswith(".")
        told = f"{places}{more}: {kind}" if is_sentence else f"{shorten(kind, MAX_LINE_CHARS)}: {places}{more}"
        yield f"{len(rows):>6} x {told}"


def _refusal_of(row: RefusedRow) -> str:
    return f"{shorten(row.location)}: {shorten(row.reason, MAX_LINE_CHARS)}"
