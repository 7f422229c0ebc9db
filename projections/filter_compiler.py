"""Compiling the terms of a filter: conditions with named parameters."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from domain.errors import FilterValue
from domain.filter import (
    AnyOf,
    At,
    Changed,
    CustomFieldChanged,
    CustomFieldIs,
    HasCustomField,
    Is,
    Phrase,
    ReopenedIs,
    StaleIs,
    Term,
    Was,
    Word,
)
from domain.filter.terms import ComparisonPredicate, Qualifier
from projections import custom_field_sql
from projections.custom_field_sql import FieldReader
from projections.field_sql import FilterContext, comparison_sql
from projections.filter_leaves import is_text
from projections.past_sql import (
    Period,
    at_sql,
    bound_of,
    changed_sql,
    overdue_sql,
    reopened_sql,
    stale_sql,
    was_sql,
)
from projections.relevance import text_query
from projections.time_sql import SqlFragment
from projections.word_sql import WordSql

T = TypeVar("T")


class Place(Struct, frozen=True):
    """Where terms stand: what they refer to, how words are asked for, and of which period they are, and about what."""

    context: FilterContext
    word_sql: WordSql
    period: Period = Period()
    is_about_archive: bool = False


class FilterCompiler:
    """Compiles terms, and collects the parameters of all of them, whose names begin with a prefix."""

    def __init__(self, prefix: str = "") -> None:
        self.parameters = dict[str, object]()
        self._prefix = prefix
        self._leaf_count = 0

    def conjunction_sql(self, terms: Sequence[Term], place: Place) -> str:
        """The condition that all terms are met, as their qualifiers say."""
        place = replace(place, period=place.period.qualified(terms, place.context))
        others = [term for term in terms if not isinstance(term.predicate, Qualifier)]
        for term in terms:
            if isinstance(term.predicate, At):
                return self._at_sql(term, others, place)
        return " and ".join(self._term_sql(term, place) for term in others) or "true"

    def _at_sql(self, at: Term, terms: Sequence[Term], place: Place) -> str:
        """The condition that the task met the terms then; the present is for them that time."""
        bound = _with_offset(at, bound_of, at.predicate, place.context)
        name = self._named("{0}", (bound,))
        now = min(place.context.now, bound - timedelta.resolution)
        then = replace(place, context=replace(place.context, now=now), word_sql=place.word_sql.at(name))
        return at_sql(name, self.conjunction_sql(terms, then), archived=place.is_about_archive)

    def _term_sql(self, term: Term, place: Place) -> str:
        if isinstance(term.predicate, AnyOf):
            each = (self.conjunction_sql(alternative, place) for alternative in term.predicate.alternatives)
            sql = f"({' or '.join(each)})"
        elif term.negated and is_text(term.predicate):
            return self._named(*_text_sql(term.predicate, place.word_sql.denied))
        elif isinstance(term.predicate, Word | Phrase):
            sql = self._named(*_text_sql(term.predicate, place.word_sql.required))
        else:
            sql = self._named(*_with_offset(term, _predicate_sql, term.predicate, place))
        return negated(sql) if term.negated else sql

    def _named(self, sql: str, values: Sequence[object]) -> str:
        """The SQL with named parameters instead of its placeholders."""
        named = {f"{self._prefix}f{self._leaf_count}_{place}": value for place, value in enumerate(values)}
        self.parameters |= named
        self._leaf_count += 1
        return sql.format(*(f"%({name})s" for name in named))


def negated(sql: str) -> str:
    return f"not ({sql})"


def _with_offset(term: Term, compiled: Callable[..., T], *arguments: Any) -> T:
    """What a function makes of a term; raises FilterValue with the offset of the term."""
    try:
        return compiled(*arguments)
    except FilterValue as refusal:
        raise FilterValue(str(refusal), offset=term.offset, **refusal.params) from refusal


def _text_sql(predicate: Any, word_sql: str) -> SqlFragment:
    tsquery = text_query(predicate).anywhere
    return (word_sql, (tsquery,)) if tsquery else ("true", ())


def _predicate_sql(predicate: Any, place: Place) -> SqlFragment:
    match predicate:
        case Was(comparison):
            if comparison == Is("overdue"):
                return was_sql(overdue_sql(place.period, place.context), place.period)
            return was_sql(_comparison_sql(comparison, place.context), place.period)
        case Changed() | CustomFieldChanged():
            return changed_sql(predicate, place.period, place.context)
        case ReopenedIs():
            return reopened_sql(predicate, place.period)
        case StaleIs():
            return stale_sql(predicate, place.context)
    return _comparison_sql(predicate, place.context)


def _comparison_sql(comparison: ComparisonPredicate, context: FilterContext) -> SqlFragment:
    match comparison:
        case CustomFieldIs():
            reader = FieldReader(context.me, context.now.astimezone(context.zone).date(), context.people)
            return custom_field_sql.comparison_sql(comparison, context.fields, reader)
        case HasCustomField():
            return custom_field_sql.presence_sql(comparison, context.fields)
    return comparison_sql(comparison, context)
