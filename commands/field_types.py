"""The form of what people type: checked by type when a command is decoded, before anything is decided."""

from datetime import UTC, date, datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta

# Patterns end in `$(?!\n)`: Python's `$` also matches before a last line end, and other dialects have no `\Z`.
_UNSEEN = r"\s\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff"
LINE = rf"^(?=[^\n]*[^{_UNSEEN}])[^\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]*$(?!\n)"
"""One line with something to see on it; nothing that steers a terminal, or shows a text as another."""
TEXT = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$(?!\n)"
"""Any number of lines: tabs and line ends are the only control characters."""

Name = Annotated[str, Meta(min_length=1, max_length=100, pattern=LINE, examples=["Kitchen"])]
Title = Annotated[str, Meta(min_length=1, max_length=500, pattern=LINE, examples=["Oat milk"])]
Description = Annotated[str, Meta(max_length=50_000, pattern=TEXT, examples=["The one without sugar."])]
Label = Annotated[str, Meta(min_length=1, max_length=100, pattern=LINE, examples=["shopping"])]
MOST_LABELS, MOST_ASSIGNEES = 50, 50
"""Of one task."""
Labels = Annotated[tuple[Label, ...], Meta(max_length=MOST_LABELS, examples=[["shopping"]])]
Assignees = Annotated[tuple[UUID, ...], Meta(max_length=MOST_ASSIGNEES)]
_COLOUR = r"^#[0-9a-fA-F]{6}$(?!\n)"
_RGB = "A colour as #rrggbb, in hexadecimal digits."
_FILTER = "What `GET /tasks` takes as `filter`, kept as it is written: `me` is whoever asks."
Filter = Annotated[str, Meta(description=_FILTER, examples=["assignee:me due<now"])]
Colour = Annotated[str, Meta(pattern=_COLOUR, description=_RGB, examples=["#cc3300"])]
ColumnName = Annotated[str, Meta(min_length=1, max_length=100, pattern=LINE, examples=["doing"])]
WipLimit = Annotated[int, Meta(ge=1, le=10_000, examples=[3])]
_DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIME = r"[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?"
_OFFSET = "([Zz]|[+-][0-9]{2}:[0-5][0-9])"
_DUE = rf"^{_DAY}({_TIME}{_OFFSET})?$(?!\n)"
_WHEN = "A date, or a date-time with an offset (RFC 3339)."
Due = Annotated[str, Meta(pattern=_DUE, description=_WHEN, examples=["2026-12-01"])]
_PROJECT_KEY = r"^[A-Z][A-Z0-9]{1,9}$(?!\n)"
ProjectKeyText = Annotated[str, Meta(pattern=_PROJECT_KEY, description="2 to 10 of A-Z and 0-9.", examples=["KIT"])]
# `=?` begins an encoded word (RFC 2047): mail would read another address there.
_LABEL = r"\w([\w-]*\w)?"
_LOCAL = rf"""[^{_UNSEEN}@<>()\[\],;:\\"\x00-\x1f\x7f-\x9f]{{1,64}}"""
_EMAIL = rf"^(?!.*=\?){_LOCAL}@{_LABEL}(\.{_LABEL})*$(?!\n)"
Email = Annotated[str, Meta(max_length=254, pattern=_EMAIL, examples=["ann@example.com"])]
_SEEN = "The version that the wish was made on; `If-Match` may name it instead."
Version = Annotated[int, Meta(ge=0, le=2**53 - 1, description=_SEEN, examples=[3])]
_MEANT = {
    LINE: "one line of text, with something to see on it and no control characters",
    TEXT: "text without control characters",
    _DUE: "a date such as 2026-12-01, or a date-time with an offset",
    _COLOUR: "a colour as #rrggbb, in hexadecimal digits",
    _PROJECT_KEY: "2 to 10 of A-Z and 0-9, a letter first",
    _EMAIL: "an e-mail address",
}


def meant(message: str) -> str:
    """What a validation error says, with words for a pattern that was missed."""
    words = next((words for pattern, words in _MEANT.items() if f"matching regex {pattern!r}" in message), None)
    return f"Expected {words}" if words else message


def due(text: str | None) -> str | None:
    """The due date as it is kept, `YYYY-MM-DD` or RFC 3339 with an offset; None for none.

    Raises ValueError where the calendar has no such day or the clock no such time.
    """
    if text is None:
        return None
    if len(text) == len("YYYY-MM-DD"):
        return date.fromisoformat(text).isoformat()
    moment = datetime.fromisoformat(text.upper())
    try:
        moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("due is beyond the calendar") from error
    return moment.isoformat()


def own_id(supplied: UUID | None) -> None:
    """Raise ValueError unless an id chosen by the client is a UUIDv7: no other can meet a guard stream."""
    if supplied is not None and supplied.version != 7:  # noqa: PLR2004 - RFC 9562, section 5.7
        msg = "id must be a UUID of version 7"
        raise ValueError(msg)
