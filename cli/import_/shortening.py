"""Values of the file in messages: shortened, so that a long one does not hide the rest."""

from typing import Final

MAX_SHOWN_CHARS: Final = 60


def shorten(value: object) -> str:
    """The value as text, with `...` for what is past the limit; a number that Python does not print by its length."""
    try:
        text = str(value)
    except ValueError:  # more digits than Python prints
        return "a number of thousands of digits"
    return text if len(text) <= MAX_SHOWN_CHARS else f"{text[:MAX_SHOWN_CHARS]}..."


def quote(value: object) -> str:
    """The shortened value; text in quotes."""
    return repr(shorten(value)) if isinstance(value, str) else shorten(value)
