"""Validates text of a row: accepted unchanged, or refused with the reason."""

import re
from typing import Final

import msgspec

from cli.import_.rows import describe_json_type
from commands.checklist import ItemText
from commands.field_types import ColumnName, CommentText, Description, LabelName, Name, Title

FIELD_TYPES: Final = {
    "title": Title,
    "description": Description,
    "label": LabelName,
    "comment": CommentText,
    "checklist item": ItemText,
    "column": ColumnName,
    "name": Name,
}
MAX_CHARS: Final = {
    "title": 500,
    "description": 50_000,
    "label": 100,
    "comment": 50_000,
    "checklist item": 500,
    "column": 100,
    "name": 100,
}


_MIN_UUID_CHARS: Final = 32
_UUID: Final = re.compile(
    r"(urn:uuid:)?\{?([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32})\}?", re.ASCII | re.IGNORECASE
)


class MalformedRow(Exception):
    """A row that cannot become a task: why, and the kind of reason, which rows with other values share."""

    def __init__(self, reason: str, *, kind: str | None = None) -> None:
        super().__init__(reason)
        self.kind = kind or reason


def require_text(name: str, value: object, field_type: str | None = None) -> str:
    """The value, if it is valid as one of `FIELD_TYPES`; raises MalformedRow otherwise."""
    field_type = field_type or name
    if not isinstance(value, str):
        raise MalformedRow(f"{name}: {describe_json_type(value)}, not text")
    if not is_valid(value, field_type):
        reason = _explain_invalid(value, field_type)
        kind = "too long" if len(value) > MAX_CHARS[field_type] else reason.partition(" is ")[2] or reason
        raise MalformedRow(f"{name}: {reason}", kind=f"{name}: {kind}")
    return value


def to_one_line(value: str) -> str:
    """The text with a space for each run of line ends and tabs, and none at its ends."""
    return re.sub(r"\s*[\r\n\t\v\f]+\s*", " ", value).strip()


def is_uuid(value: object) -> bool:
    """Whether it is text that refers to something elsewhere, and says nothing to people."""
    return isinstance(value, str) and len(value) >= _MIN_UUID_CHARS and _UUID.fullmatch(value.strip()) is not None


def is_valid(value: str, field_type: str) -> bool:
    """Whether a text may stand in a field of one of `FIELD_TYPES`."""
    if value.isascii() and value.isprintable() and value.strip() and len(value) <= MAX_CHARS[field_type]:
        return True  # the usual case, in a tenth of the time
    try:
        value.encode()
        msgspec.convert(value, FIELD_TYPES[field_type])
    except (UnicodeEncodeError, msgspec.ValidationError):
        return False
    return True


def _explain_invalid(value: str, field_type: str) -> str:
    if not value.strip():
        return "blank"
    if len(value) > MAX_CHARS[field_type]:
        return f"{len(value):,} characters, at most {MAX_CHARS[field_type]:,}"
    refused = ((at, char) for at, char in enumerate(value) if not is_valid(f"x{char}", field_type))
    at, bad = next(refused, (0, ""))
    if not bad:
        return "blank"  # each character may stand beside others, but none shows anything
    return f"character {at + 1} is U+{ord(bad):04X}, a control or invisible character"
