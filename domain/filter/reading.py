"""Reading a filter: from its text to its terms, or to what is wrong with it, and where."""

from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import get_args
from unicodedata import category

from msgspec import Struct

from domain.errors import FilterSyntax, FilterTooLong, FilterValue, UnknownField
from domain.filter.fields import FIELDS, Comparison, fitting
from domain.filter.terms import Asked, Operator, Phrase, Term, Word

MOST_TERMS, MOST_CHARACTERS = 100, 4_000
_OPERATORS: tuple[Operator, ...] = tuple(sorted(get_args(Operator), key=len, reverse=True))
_UNQUOTED = frozenset("-_.@/#")
_REFUSED = frozenset({"Cc", "Cs"})
"""The categories of control characters and of halves of surrogate pairs: nobody types them, and no table keeps all."""


def parse(text: str) -> tuple[Term, ...]:
    """The terms of a filter in their order; none where there is nothing but spaces.

    Raises FilterSyntax, UnknownField, FilterValue or FilterTooLong, with the offset of what is wrong.
    """
    if len(text) > MOST_CHARACTERS:
        raise FilterTooLong(f"Write at most {MOST_CHARACTERS} characters.", offset=MOST_CHARACTERS)
    return tuple(_terms(text))


class _Token(Struct, frozen=True):
    """A word or a quoted text; `end` is the offset behind it."""

    text: str
    quoted: bool
    end: int


def _terms(text: str) -> Iterator[Term]:
    at, found = _past_spaces(text, 0), 0
    while at < len(text):
        if found == MOST_TERMS:
            raise FilterTooLong(f"Write at most {MOST_TERMS} terms.", offset=at)
        negated = text[at] == "-"
        asked, end = _asked(text, at + negated)
        yield Term(asked, negated, at)
        if text[end : end + 1] not in {"", " "}:
            raise _unexpected(text, end)
        at, found = _past_spaces(text, end), found + 1


def _asked(text: str, at: int) -> tuple[Asked, int]:
    """What one term asks, without its sign, and the offset behind it."""
    if text.startswith("-", at):
        raise FilterSyntax("Write a single -, or put a word that begins with one in quotes.", offset=at)
    token = _token(text, at)
    operator = next((each for each in _OPERATORS if text.startswith(each, token.end)), None)
    if token.quoted:
        return Phrase(token.text), token.end
    if operator is None:
        return Word(token.text), token.end
    return _compared(text, at, token, operator)


def _compared(text: str, at: int, name: _Token, operator: Operator) -> tuple[Asked, int]:
    field = FIELDS.get(name.text)
    if field is None:
        raise UnknownField(f"Compare one of {', '.join(FIELDS)}.", offset=at, field=name.text, expected=[*FIELDS])
    place = name.end + len(operator)
    value = _token(text, place)
    try:
        asked = field.asked(Comparison(name.text, operator, value.text, value.quoted))
    except (ValueError, OverflowError):
        raise _unfit(place, name.text, field.expected) from None
    if operator not in fitting(asked):
        raise _unfit(name.end, name.text, fitting(asked))
    return asked, value.end


def _unfit(at: int, field: str, expected: Sequence[str]) -> FilterValue:
    told = f"For {field}, write one of these here: {', '.join(expected)}."
    return FilterValue(told, offset=at, field=field, expected=[*expected])


def _token(text: str, at: int) -> _Token:
    if text.startswith('"', at):
        return _quoted(text, at)
    word = "".join(takewhile(_is_unquoted, text[at:]))
    if not word:
        raise _unexpected(text, at)
    return _Token(word, quoted=False, end=at + len(word))


def _quoted(text: str, start: int) -> _Token:
    """A text between quotes, where a backslash stands before a quote or another backslash."""
    characters, at = list[str](), start + 1
    while at < len(text) and text[at] != '"':
        escaped = text[at] == "\\"
        if escaped and text[at + 1 : at + 2] not in {'"', "\\"}:
            raise FilterSyntax('Write \\" or \\\\ in quotes; a backslash alone says nothing.', offset=at)
        if category(text[at]) in _REFUSED:
            raise _unexpected(text, at)
        characters.append(text[at + escaped])
        at += 1 + escaped
    if at == len(text):
        raise FilterSyntax("Close this quote.", offset=start)
    return _Token("".join(characters), quoted=True, end=at + 1)


def _is_unquoted(character: str) -> bool:
    return character.isalpha() or character.isdecimal() or character in _UNQUOTED


def _past_spaces(text: str, at: int) -> int:
    return at + len(text[at:]) - len(text[at:].lstrip(" "))


def _unexpected(text: str, at: int) -> FilterSyntax:
    if text[at : at + 1] in {"", " "}:
        told = "Write a word or a quoted text here."
    elif category(text[at]) in _REFUSED:
        told = "Leave this character out."
    elif '"' in text[max(at - 1, 0) : at + 1]:
        told = "Put a space here."
    else:
        told = "Put anything but letters, digits and -_.@/# in quotes."
    return FilterSyntax(told, offset=at)
