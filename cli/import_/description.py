"""Description: a row's own, the task that it is part of, and its longer texts under headings."""

from collections.abc import Iterator
from typing import Final

from cli.import_.fields import Say
from cli.import_.left import Left
from cli.import_.rows import Row
from cli.import_.text import Malformed, text

OWN: Final = ("description", "notes", "note", "desc", "body", "content")
SECTIONS: Final = {"details": "Details", "teststrategy": "Test strategy", "acceptancecriteria": "Acceptance criteria"}
LONGEST: Final = 50_000


def describe(row: Row, left: Left, say: Say) -> str:
    """All of it as one Markdown text; what does not fit is left out, with a remark."""
    whole = ""
    for name, part in _parts(row, left):
        longer = f"{whole}\n\n{part}" if whole else part
        if whole and len(longer) > LONGEST:
            say(f"{name} did not fit into the description")
        else:
            whole = longer
    return text("description", whole)


def _parts(row: Row, left: Left) -> Iterator[tuple[str, str]]:
    name, own = left.take(OWN)
    if own is not None:
        yield name, _lines(name, own)
    if row.parents:
        yield "its parent", f"Part of: {row.parents[-1]}"
    for section, heading in SECTIONS.items():
        name, value = left.take((section,))
        if value:
            yield name, f"## {heading}\n\n{_lines(name, value)}"


def _lines(name: str, value: object) -> str:
    """Text as it is; a list of texts as a list."""
    if isinstance(value, list):
        return "\n".join(f"- {text(name, item, 'description')}" for item in value)
    if not isinstance(value, str):
        return text(name, value, "description")
    if len(value) > LONGEST:
        raise Malformed(f"{name}: {len(value):,} characters, {LONGEST:,} at most")
    return value
