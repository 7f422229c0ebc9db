"""Parsing a filter: from its text to its terms, or to an error with its offset."""

from collections.abc import Sequence
from functools import lru_cache

from domain.errors import FilterSyntax, FilterTooLong, FilterValue, UnknownField
from domain.filter.comparison import Comparison
from domain.filter.fields import FIELD_NAMES, allowed_operators, find_filter_field
from domain.filter.qualifiers import check_qualifiers
from domain.filter.terms import AnyOf, ComparisonPredicate, Operator, Phrase, Predicate, Term, Was, Word
from domain.filter.tokens import Token, operator_at, read_name, read_token, skip_spaces, syntax_error

MAX_TERMS, MAX_CHARACTERS, MAX_DEPTH = 100, 4_000, 20
_OR, _WAS = "or", "was"


@lru_cache(maxsize=1_000)
def parse(text: str) -> tuple[Term, ...]:
    """The terms of a filter in their order; none for an empty or blank text.

    Raises FilterSyntax, UnknownField, FilterValue or FilterTooLong, with the offset of the error.
    """
    if len(text) > MAX_CHARACTERS:
        raise FilterTooLong(f"Write at most {MAX_CHARACTERS} characters.", offset=MAX_CHARACTERS)
    alternatives = _Parser(text).parse()
    if len(alternatives) == 1:
        return alternatives[0]
    return (Term(AnyOf(alternatives), offset=alternatives[0][0].offset),)


class _Parser:
    """The text, and how far it is parsed."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._offset = skip_spaces(text, 0)
        self._term_count = 0

    def parse(self) -> tuple[tuple[Term, ...], ...]:
        """The alternatives of the whole filter."""
        if self._is_at_end():
            return ((),)
        alternatives = self._parse_alternatives(0)
        if not self._is_at_end():
            raise FilterSyntax("Leave this parenthesis out, or open it before.", offset=self._offset)
        return alternatives

    def _parse_alternatives(self, depth: int) -> tuple[tuple[Term, ...], ...]:
        """Lists of terms with `or` between them, up to a closing parenthesis or the end."""
        alternatives = [self._parse_terms(depth)]
        while or_ := self._or_at_offset():
            self._offset = skip_spaces(self._text, or_.end_offset)
            alternatives.append(self._parse_terms(depth))
        return tuple(alternatives)

    def _parse_terms(self, depth: int) -> tuple[Term, ...]:
        terms = list[Term]()
        while not (self._is_at_end() or self._text[self._offset] == ")" or self._or_at_offset()):
            if self._term_count == MAX_TERMS:
                raise FilterTooLong(f"Write at most {MAX_TERMS} terms.", offset=self._offset)
            self._term_count += 1
            terms.append(self._parse_term(depth))
        if not terms:
            raise FilterSyntax("Write a term here, or put the word or in quotes.", offset=self._offset)
        check_qualifiers(terms)
        return tuple(terms)

    def _parse_term(self, depth: int) -> Term:
        text, start = self._text, self._offset
        negated = text[start] == "-"
        self._offset = start + negated
        predicate = self._parse_group(depth + 1) if text.startswith("(", self._offset) else self._parse_predicate()
        end = self._offset
        if not (text[end : end + 1] in {"", " ", ")"} or (text[end - 1] == ")" and self._or_at_offset())):
            raise syntax_error(text, end)
        self._offset = skip_spaces(text, end)
        return Term(predicate, negated, start)

    def _parse_group(self, depth: int) -> AnyOf:
        """The alternatives between two parentheses; the offset is at the first."""
        start = self._offset
        if depth > MAX_DEPTH:
            raise FilterTooLong(f"Put at most {MAX_DEPTH} parentheses in each other.", offset=start)
        self._offset = skip_spaces(self._text, start + 1)
        alternatives = self._parse_alternatives(depth)
        if self._is_at_end():
            raise FilterSyntax("Close this parenthesis.", offset=start)
        self._offset += 1
        return AnyOf(alternatives)

    def _parse_predicate(self) -> Predicate:
        """The predicate of one term, without its sign."""
        text, offset = self._text, self._offset
        if text.startswith("-", offset):
            raise FilterSyntax("Write a single -, or put a word that begins with one in quotes.", offset=offset)
        if self._or_at_offset():
            raise FilterSyntax("Put the word or in quotes.", offset=offset)
        token = read_name(text, offset)
        if token.text.lower() == _WAS and text.startswith("(", token.end_offset) and not token.quoted:
            return self._parse_was(token)
        if operator := None if token.quoted else operator_at(text, token.end_offset):
            return self._parse_comparison(offset, token, operator)
        token = read_token(text, offset)
        self._offset = token.end_offset
        if token.quoted:
            return Phrase(token.text)
        is_prefix = text.startswith("*", token.end_offset)
        self._offset += is_prefix
        return Word(token.text, is_prefix)

    def _parse_comparison(self, offset: int, name: Token, operator: Operator) -> Predicate:
        """The comparison of the field with that name at the offset, up to the end of its value."""
        field = find_filter_field(name.text)
        if field is None:
            words = f"Compare one of {', '.join(FIELD_NAMES)}."
            raise UnknownField(words, offset=offset, field=name.text, expected=[*FIELD_NAMES])
        value_offset = name.end_offset + len(operator)
        value = field.read_value(self._text, value_offset)
        try:
            predicate = field.parse_value(Comparison(name.text, operator, value.text, value.quoted))
        except (ValueError, OverflowError):
            words = f"For {name.text}, write one of these here: {', '.join(field.expected_values)}."
            raise _value_error(words, value_offset, name, field.expected_values) from None
        if operator not in (allowed := allowed_operators(predicate)):
            words = f"Compare {name.text} with this value by {' or '.join(allowed)} only."
            raise _value_error(words, name.end_offset, name, allowed)
        self._offset = value.end_offset
        return predicate

    def _parse_was(self, was: Token) -> Was:
        """The comparison in parentheses after the word `was`."""
        text, start = self._text, was.end_offset
        self._offset = offset = skip_spaces(text, start + 1)
        name = read_name(text, offset)
        operator = None if name.quoted else operator_at(text, name.end_offset)
        predicate = self._parse_comparison(offset, name, operator) if operator else None
        if not isinstance(predicate, ComparisonPredicate):
            raise FilterSyntax("Compare a field here, as in was(column:doing).", offset=offset)
        self._offset = skip_spaces(text, self._offset)
        if not text.startswith(")", self._offset):
            raise FilterSyntax("Close this parenthesis after the comparison.", offset=start)
        self._offset += 1
        return Was(predicate)

    def _or_at_offset(self) -> Token | None:
        """The operator `or`, if it comes next: the word alone, in any case."""
        offset = self._offset
        if self._text[offset : offset + len(_OR)].lower() != _OR:
            return None
        token = read_token(self._text, offset)
        following = self._text[token.end_offset : token.end_offset + 1]
        return token if len(token.text) == len(_OR) and following in {"", " ", "(", ")"} else None

    def _is_at_end(self) -> bool:
        return self._offset == len(self._text)


def _value_error(words: str, offset: int, field: Token, expected: Sequence[str]) -> FilterValue:
    return FilterValue(words, offset=offset, field=field.text, expected=[*expected])
