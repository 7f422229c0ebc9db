"""What is wrong with a text that is no JSON, in words for people who did not write it."""

import json
from typing import Final

MIDDLE: Final = "it ends in the middle"
_WORDS: Final = {
    "Unterminated string": "it has a text without a closing quote",
    "Expecting value": "a value is missing",
    "Expecting property name": "a name in double quotes is missing",
    "Expecting ':'": "a colon is missing",
    "Expecting ','": "a comma or a closing bracket is missing",
    "Extra data": "there is more after its end",
    "Invalid control character": "a text has a line end or control character in it",
    "Invalid \\": "a text has a backslash in it that stands for nothing",
    "Illegal trailing comma": "a comma stands before a closing bracket",
}
"""By how the messages of Python's parser begin."""


def describe_syntax_error(error: ValueError, *, names_line: bool = True) -> str:
    """What is wrong and where; a line of JSON Lines is named by itself."""
    if not isinstance(error, json.JSONDecodeError):
        return "it cannot be read"
    text = error.doc.rstrip()
    is_cut = error.pos >= len(text) or (error.msg.startswith("Unterminated string") and "\n" not in text[error.pos :])
    if is_cut:
        return f"{MIDDLE}, in line {text.count(chr(10)) + 1:,}" if names_line else MIDDLE
    what = next((words for start, words in _WORDS.items() if error.msg.startswith(start)), "it cannot be read")
    line = f"line {error.lineno:,}, " if names_line else ""
    return f"{what}, at {line}character {error.colno:,}"
