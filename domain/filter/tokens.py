"""The tokens of a filter: words, quoted texts, operators."""

from itertools import takewhile
from typing import get_args
from unicodedata import category

import regex
from msgspec import Struct

from domain.errors import FilterSyntax
from domain.filter.terms import Operator

_OPERATORS: tuple[Operator, ...] = tuple(sorted(get_args(Operator), key=len, reverse=True))
_WORD_CHARACTER = regex.compile(
    r"[[\p{L}\p{M}\p{Nd}\-_.@/#\u2010-\u2015\p{Default_Ignorable_Code_Point}]--[\p{Cc}\p{Cs}\p{Cn}]]", regex.V1
)
_FORBIDDEN_CATEGORIES = frozenset({"Cc", "Cs"})
"""Control characters and lone surrogates: not typed by people, and not all storable in PostgreSQL."""


CUSTOM_FIELD_PREFIX = "field."
"""Before the name of a custom field, which stands in quotes if it is more than a word."""


class Token(Struct, frozen=True):
    """A word or a quoted text; `end_offset` is the offset after it."""

    text: str
    quoted: bool
    end_offset: int


def read_token(text: str, offset: int, *, is_value: bool = False) -> Token:
    """The word or quoted text at an offset; a value may be two words with a `+` between them. Raises FilterSyntax."""
    if text.startswith('"', offset):
        return _read_quoted(text, offset)
    word = _read_word(text, offset)
    end = offset + len(word)
    if is_value and text.startswith("+", end):
        word += "+" + _read_word(text, end + 1)
    return Token(word, quoted=False, end_offset=offset + len(word))


def read_name(text: str, offset: int) -> Token:
    """As `read_token`, but the name of a custom field may stand in quotes after its prefix."""
    token = read_token(text, offset)
    if token.quoted or token.text.lower() != CUSTOM_FIELD_PREFIX or not text.startswith('"', token.end_offset):
        return token
    name = _read_quoted(text, token.end_offset)
    return Token(token.text + name.text, quoted=False, end_offset=name.end_offset)


def custom_field_name(name: str) -> str | None:
    """The name of the custom field that a name in a filter stands for."""
    prefix = name[: len(CUSTOM_FIELD_PREFIX)]
    return name[len(CUSTOM_FIELD_PREFIX) :] if prefix.lower() == CUSTOM_FIELD_PREFIX else None


def operator_at(text: str, offset: int) -> Operator | None:
    """The operator at an offset, if there is one."""
    return next((each for each in _OPERATORS if text.startswith(each, offset)), None)


def skip_spaces(text: str, offset: int) -> int:
    return offset + len(text[offset:]) - len(text[offset:].lstrip(" "))


def _read_word(text: str, offset: int) -> str:
    word = "".join(takewhile(_WORD_CHARACTER.match, text[offset:]))
    if not word:
        raise syntax_error(text, offset)
    return word


def _read_quoted(text: str, offset: int) -> Token:
    """A quoted text, in which a backslash escapes a quote or another backslash."""
    characters, at = list[str](), offset + 1
    while at < len(text) and text[at] != '"':
        escaped = text[at] == "\\"
        if escaped and text[at + 1 : at + 2] not in {'"', "\\"}:
            raise FilterSyntax('Write \\" or \\\\ in quotes; a single backslash is not allowed.', offset=at)
        if category(text[at]) in _FORBIDDEN_CATEGORIES:
            raise syntax_error(text, at)
        characters.append(text[at + escaped])
        at += 1 + escaped
    if at == len(text):
        raise FilterSyntax("Close this quote.", offset=offset)
    return Token("".join(characters), quoted=True, end_offset=at + 1)


def syntax_error(text: str, offset: int) -> FilterSyntax:
    """What is wrong with the character at an offset, or with the end."""
    if text[offset : offset + 1] in {"", " ", ")"}:
        message = "Write a word or a quoted text here."
    elif category(text[offset]) in _FORBIDDEN_CATEGORIES:
        message = "Leave this character out."
    elif text[offset] == "*" and text[offset - 1 : offset] in {"", " ", "(", "-"}:
        message = "Write the beginning of a word before the *."
    elif {'"', "(", "*"} & {*text[max(offset - 1, 0) : offset + 1]}:
        message = "Put a space here."
    else:
        message = "Put anything but letters, digits and -_.@/# in quotes."
    return FilterSyntax(message, offset=offset)
