"""Values of the file in messages: shortened, so that a long one does not hide the rest."""

from typing import Final

MAX_SHOWN_CHARS: Final = 60


def shorten(value: object, max_chars: int = MAX_SHOWN_CHARS) -> str:
    """The value as text, with `...` for what is past the limit."""
    try:
        text = str(value)
    except ValueError:  # more digits than Python prints
        return "a number of thousands of digits"
    return text if len(text) <= max_chars else f"{text[:max_chars]}..."


def quote(value: object) -> str:
    """The shortened value; text in quotes."""
    return repr(shorten(value)) if isinstance(value, str) else shorten(value)
