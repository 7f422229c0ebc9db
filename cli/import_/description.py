"""The description of an imported task: its own text, its parent's title, and longer texts under headings."""

from collections.abc import Iterator
from typing import Final

from cli.import_.field_values import AddRemark
from cli.import_.row_fields import RowFields
from cli.import_.rows import Row
from cli.import_.text_validation import MalformedRow, require_text

DESCRIPTION_FIELDS: Final = ("description", "notes", "note", "desc", "body", "content")
SECTION_HEADINGS: Final = {
    "details": "Details",
    "teststrategy": "Test strategy",
    "acceptancecriteria": "Acceptance criteria",
}
MAX_DESCRIPTION_CHARS: Final = 50_000


def build_description(row: Row, row_fields: RowFields, add_remark: AddRemark) -> str:
    """The description as one Markdown text; a part that does not fit is left out, with a remark."""
    description = ""
    for name, part in _sections(row, row_fields):
        extended = f"{description}\n\n{part}" if description else part
        if description and len(extended) > MAX_DESCRIPTION_CHARS:
            add_remark(f"{name} did not fit into the description")
        else:
            description = extended
    return require_text("description", description)


def _sections(row: Row, row_fields: RowFields) -> Iterator[tuple[str, str]]:
    name, own = row_fields.pop_first(DESCRIPTION_FIELDS)
    if own is not None:
        yield name, _to_markdown(name, own)
    if row.parent_titles:
        yield "its parent", f"Part of: {row.parent_titles[-1]}"
    for section, heading in SECTION_HEADINGS.items():
        name, value = row_fields.pop_first((section,))
        if value:
            yield name, f"## {heading}\n\n{_to_markdown(name, value)}"


def _to_markdown(name: str, value: object) -> str:
    """Text unchanged; a list of texts as a Markdown list."""
    if isinstance(value, list):
        return "\n".join(f"- {require_text(name, item, 'description')}" for item in value)
    if not isinstance(value, str):
        return require_text(name, value, "description")
    if len(value) > MAX_DESCRIPTION_CHARS:
        raise MalformedRow(f"{name}: {len(value):,} characters, at most {MAX_DESCRIPTION_CHARS:,}")
    return value
