"""The description of an imported task: its own text, and longer texts under headings."""

from collections.abc import Iterator
from typing import Final

from cli.import_.field_names import normalize_name
from cli.import_.remarks import AddRemark
from cli.import_.rich_text import html_to_text, plain_text_of
from cli.import_.row_fields import RowFields
from cli.import_.rows import has_objects
from cli.import_.text_validation import MalformedRow, require_text

DESCRIPTION_FIELDS: Final = (
    *("description", "notes", "note", "desc", "body", "content", "textcontent", "descriptiontext"),
    *("descriptionstripped", "descriptionhtml", "htmlnotes", "bodytext"),
)
SECTION_HEADINGS: Final = {
    "details": "Details",
    "teststrategy": "Test strategy",
    "acceptancecriteria": "Acceptance criteria",
}
MAX_DESCRIPTION_CHARS: Final = 50_000


def build_description(row_fields: RowFields, add_remark: AddRemark) -> str:
    """The description as one Markdown text; a part that does not fit is left out, with a remark."""
    description = ""
    for name, part in _sections(row_fields, add_remark):
        extended = f"{description}\n\n{part}" if description else part
        if description and len(extended) > MAX_DESCRIPTION_CHARS:
            add_remark(f"{name} did not fit into the description")
        else:
            description = extended
    return require_text("description", description)


def with_parent_title(description: str, parent_title: str) -> str:
    """The description of a sub-task that cannot be below its parent: it names it, if there is room for that."""
    named = f"{description}\n\nPart of: {parent_title}".strip()
    return named if len(named) <= MAX_DESCRIPTION_CHARS else description


def _sections(row_fields: RowFields, add_remark: AddRemark) -> Iterator[tuple[str, str]]:
    name, own = _pop_own(row_fields, add_remark)
    if own not in (None, ""):
        yield name, _to_markdown(name, own)
    for name, value in row_fields.pop_all(SECTION_HEADINGS):
        if value:
            yield name, f"## {SECTION_HEADINGS[normalize_name(name)]}\n\n{_to_markdown(name, value)}"


def _pop_own(row_fields: RowFields, add_remark: AddRemark) -> tuple[str, object]:
    """The first description with text in it; rich text as plain text, with a remark. Others stay unread."""
    found: tuple[str, object] = ("description", None)
    for name, value in row_fields.pop_all(DESCRIPTION_FIELDS):
        text, kind = _text_of(name, value)
        if found[1] in (None, "") and text is not None:
            found = name, text
            if kind:
                add_remark(f"{name} is {kind}: its text was kept")
        else:
            row_fields.put_back(name, value)
    return found


def _text_of(name: str, value: object) -> tuple[object, str]:
    """The text, or list of texts, and what it was if it was not plain; None for what is no text, such as comments."""
    if isinstance(value, dict):
        return plain_text_of(value) or (None, "")
    if isinstance(value, str) and normalize_name(name).endswith("html"):
        return html_to_text(value), "HTML" if value else ""
    return (None, "") if has_objects(value) else (value, "")


def _to_markdown(name: str, value: object) -> str:
    """Text unchanged; a list of texts as a Markdown list."""
    if isinstance(value, list):
        return "\n".join(f"- {require_text(name, item, 'description')}" for item in value)
    if not isinstance(value, str):
        return require_text(name, value, "description")
    if len(value) > MAX_DESCRIPTION_CHARS:
        too_long = f"{name}: {len(value):,} characters, at most {MAX_DESCRIPTION_CHARS:,}"
        raise MalformedRow(too_long, kind=f"{name}: too long")
    return value
