"""A term of a filter: a predicate that a task must meet, about its fields or its text, or a group of terms."""

from typing import TypeAlias

from msgspec import Struct

from domain.filter.terms.comparisons import ComparisonPredicate
from domain.filter.terms.past import PastPredicate, StaleIs
from domain.filter.terms.qualifiers import Qualifier


class Word(Struct, frozen=True):
    """The text contains this word, in any of its forms, or, for a prefix, a word that begins with it."""

    text: str
    is_prefix: bool = False


class Phrase(Struct, frozen=True):
    """The text contains these words in sequence."""

    text: str


class AnyOf(Struct, frozen=True):
    """A group: all terms of at least one alternative are met."""

    alternatives: "tuple[tuple[Term, ...], ...]"


FieldPredicate: TypeAlias = ComparisonPredicate | PastPredicate | StaleIs | Qualifier
Predicate: TypeAlias = FieldPredicate | Word | Phrase | AnyOf


class Term(Struct, frozen=True):
    """One term: a predicate, possibly negated; `offset` is where it begins, in characters from 0."""

    predicate: Predicate
    negated: bool = False
    offset: int = 0
