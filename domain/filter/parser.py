"""Parsing a filter: from its text to its terms, or to an error with its offset."""

from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import get_args
from unicodedata import category

from msgspec import Struct

from domain.errors import FilterSyntax, FilterTooLong, FilterValue, UnknownField
from domain.filter.fields import FILTER_FIELDS, Comparison, allowed_operators
from domain.filter.terms import Operator, Phrase, Predicate, Term, Word

MAX_TERMS, MAX_CHARACTERS = 100, 4_000
_OPERATORS: tuple[Operator, ...] = tuple(sorted(get_args(Operator), key=len, reverse=True))
_UNQUOTED_PUNCTUATION = frozenset("-_.@/#")
_FORBIDDEN_CATEGORIES = frozenset({"Cc", "Cs"})
"""Control characters and lone surrogates: not typed by people, and not all storable in PostgreSQL."""


def parse(text: str) -> tuple[Term, ...]:
    """The terms of a filter in their order; none for an empty or blank text.

    Raises FilterSyntax, UnknownField, FilterValue or FilterTooLong, with the offset of the error.
    """
    if len(text) > MAX_CHARACTERS:
        raise FilterTooLong(f"Write at most {MAX_CHARACTERS} characters.", offset=MAX_CHARACTERS)
    return tuple(_parse_terms(text))


class _Token(Struct, frozen=True):
    """A word or a quoted text; `end_offset` is the offset after it."""

    text: str
    quoted: bool
    end_offset: int


def _parse_terms(text: str) -> Iterator[Term]:
    offset, term_count = _skip_spaces(text, 0), 0
    while offset < len(text):
        if term_count == MAX_TERMS:
            raise FilterTooLong(f"Write at most {MAX_TERMS} terms.", offset=offset)
        negated = text[offset] == "-"
        predicate, end = _parse_predicate(text, offset + negated)
        yield Term(predicate, negated, offset)
        if text[end : end + 1] not in {"", " "}:
            raise _syntax_error(text, end)
        offset, term_count = _skip_spaces(text, end), term_count + 1


def _parse_predicate(text: str, offset: int) -> tuple[Predicate, int]:
    """The predicate of one term, without its sign, and the offset after it."""
    if text.startswith("-", offset):
        raise FilterSyntax("Write a single -, or put a word that begins with one in quotes.", offset=offset)
    token = _parse_token(text, offset)
    operator = next((each for each in _OPERATORS if text.startswith(each, token.end_offset)), None)
    if token.quoted:
        return Phrase(token.text), token.end_offset
    if operator is None:
        return Word(token.text), token.end_offset
    return _parse_comparison(text, offset, token, operator)


def _parse_comparison(text: str, offset: int, name: _Token, operator: Operator) -> tuple[Predicate, int]:
    field = FILTER_FIELDS.get(name.text)
    if field is None:
        raise UnknownField(
            f"Compare one of {', '.join(FILTER_FIELDS)}.", offset=offset, field=name.text, expected=[*FILTER_FIELDS]
        )
    value_offset = name.end_offset + len(operator)
    value = _parse_token(text, value_offset)
    try:
        predicate = field.parse_value(Comparison(name.text, operator, value.text, value.quoted))
    except (ValueError, OverflowError):
        raise _value_error(value_offset, name.text, field.expected_values) from None
    if operator not in allowed_operators(predicate):
        raise _value_error(name.end_offset, name.text, allowed_operators(predicate))
    return predicate, value.end_offset


def _value_error(offset: int, field: str, expected: Sequence[str]) -> FilterValue:
    message = f"For {field}, write one of these here: {', '.join(expected)}."
    return FilterValue(message, offset=offset, field=field, expected=[*expected])


def _parse_token(text: str, offset: int) -> _Token:
    if text.startswith('"', offset):
        return _parse_quoted(text, offset)
    word = "".join(takewhile(_is_unquoted, text[offset:]))
    if not word:
        raise _syntax_error(text, offset)
    return _Token(word, quoted=False, end_offset=offset + len(word))


def _parse_quoted(text: str, offset: int) -> _Token:
    """A quoted text, in which a backslash escapes a quote or another backslash."""
    characters, at = list[str](), offset + 1
    while at < len(text) and text[at] != '"':
        escaped = text[at] == "\\"
        if escaped and text[at + 1 : at + 2] not in {'"', "\\"}:
            raise FilterSyntax('Write \\" or \\\\ in quotes; a single backslash is not allowed.', offset=at)
        if category(text[at]) in _FORBIDDEN_CATEGORIES:
            raise _syntax_error(text, at)
        characters.append(text[at + escaped])
        at += 1 + escaped
    if at == len(text):
        raise FilterSyntax("Close this quote.", offset=offset)
    return _Token("".join(characters), quoted=True, end_offset=at + 1)


def _is_unquoted(character: str) -> bool:
    return character.isalpha() or character.isdecimal() or character in _UNQUOTED_PUNCTUATION


def _skip_spaces(text: str, offset: int) -> int:
    return offset + len(text[offset:]) - len(text[offset:].lstrip(" "))


def _syntax_error(text: str, offset: int) -> FilterSyntax:
    if text[offset : offset + 1] in {"", " "}:
        message = "Write a word or a quoted text here."
    elif category(text[offset]) in _FORBIDDEN_CATEGORIES:
        message = "Leave this character out."
    elif '"' in text[max(offset - 1, 0) : offset + 1]:
        message = "Put a space here."
    else:
        message = "Put anything but letters, digits and -_.@/# in quotes."
    return FilterSyntax(message, offset=offset)
