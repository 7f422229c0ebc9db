"""Text of a row: taken as it is, or refused with the reason; never altered."""

from typing import Final

import msgspec

from cli.import_.rows import kind
from commands.field_types import Description, LabelName, Title

FORMS: Final = {"title": Title, "description": Description, "label": LabelName}
_LONGEST: Final = {"title": 500, "description": 50_000, "label": 100}


class Malformed(Exception):
    """This row cannot become a task."""


def text(name: str, value: object, form: str | None = None) -> str:
    """The value, if it is text of that form: `title`, `description` or `label`; raises Malformed."""
    form = form or name
    if not isinstance(value, str):
        raise Malformed(f"{name}: {kind(value)}, not text")
    if not _fits(value, form):
        raise Malformed(f"{name}: {_why_not(value, form)}")
    return value


def _fits(value: str, form: str) -> bool:
    try:
        value.encode()
        msgspec.convert(value, FORMS[form])
    except (UnicodeEncodeError, msgspec.ValidationError):
        return False
    return True


def _why_not(value: str, form: str) -> str:
    if not value.strip():
        return "only spaces"
    if len(value) > _LONGEST[form]:
        return f"{len(value):,} characters, {_LONGEST[form]:,} at most"
    at, bad = next((at, char) for at, char in enumerate(value) if not _fits(f"x{char}", form))
    return f"character {at + 1} is U+{ord(bad):04X}, which steers machines and says nothing"
