"""The description of an imported task: its own text, its parent's title, and longer texts under headings."""

from collections.abc import Iterator
from typing import Final

from cli.import_.field_names import normalize_name
from cli.import_.html_text import html_to_text
from cli.import_.remarks import AddRemark
from cli.import_.row_fields import RowFields
from cli.import_.rows import Row
from cli.import_.text_validation import MalformedRow, require_text

DESCRIPTION_FIELDS: Final = (
    *("description", "notes", "note", "desc", "body", "content", "textcontent", "descriptiontext"),
    *("descriptionstripped", "descriptionhtml", "htmlnotes", "bodytext"),
)
_TEXT_MEMBERS: Final = ("content", "text", "body", "plain", "markdown", "value", "raw", "html")
"""The text of a description that is an object."""
SECTION_HEADINGS: Final = {
    "details": "Details",
    "teststrategy": "Test strategy",
    "acceptancecriteria": "Acceptance criteria",
}
MAX_DESCRIPTION_CHARS: Final = 50_000


def build_description(row: Row, row_fields: RowFields, add_remark: AddRemark) -> str:
    """The description as one Markdown text; a part that does not fit is left out, with a remark."""
    description = ""
    for name, part in _sections(row, row_fields, add_remark):
        extended = f"{description}\n\n{part}" if description else part
        if description and len(extended) > MAX_DESCRIPTION_CHARS:
            add_remark(f"{name} did not fit into the description")
        else:
            description = extended
    return require_text("description", description)


def _sections(row: Row, row_fields: RowFields, add_remark: AddRemark) -> Iterator[tuple[str, str]]:
    name, own = row_fields.pop_first(DESCRIPTION_FIELDS)
    text = _unwrap_text(name, own, add_remark)
    if text not in (None, ""):
        yield name, _to_markdown(name, text)
    if row.parent_titles:
        yield "its parent", f"Part of: {row.parent_titles[-1]}"
    for name, value in row_fields.pop_all(SECTION_HEADINGS):
        if value:
            yield name, f"## {SECTION_HEADINGS[normalize_name(name)]}\n\n{_to_markdown(name, value)}"


def _unwrap_text(name: str, value: object, add_remark: AddRemark) -> object:
    """The text of an object such as `{content, contentType}`; HTML as plain text, with a remark."""
    is_html = normalize_name(name).endswith("html")
    if isinstance(value, dict):
        member = next((key for key in _TEXT_MEMBERS if isinstance(value.get(key), str)), None)
        if member is None:
            return None if not any(value.values()) else value
        is_html = member == "html" or str(value.get("contentType") or value.get("format")).lower() in (
            "html",
            "text/html",
        )
        value = value[member]
    if is_html and isinstance(value, str):
        add_remark(f"{name} is HTML: its text was kept")
        return html_to_text(value)
    return value


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
