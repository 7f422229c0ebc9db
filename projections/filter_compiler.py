"""Compiling the terms of a filter: conditions with named parameters."""

from collections.abc import Sequence
from typing import Any

from domain.errors import FilterValue
from domain.filter import AnyOf, CustomFieldIs, HasCustomField, Phrase, Term, Word
from domain.filter.terms import FieldPredicate
from projections import custom_field_sql
from projections.custom_field_sql import FieldReader
from projections.field_sql import FilterContext, comparison_sql
from projections.filter_leaves import is_text
from projections.relevance import text_query
from projections.time_sql import SqlFragment
from projections.word_sql import WordSql


class FilterCompiler:
    """Compiles terms, and collects the parameters of all of them."""

    def __init__(self, context: FilterContext) -> None:
        self.parameters = dict[str, object]()
        self._context = context
        self._leaf_count = 0

    def conjunction_sql(self, terms: Sequence[Term], word_sql: WordSql) -> str:
        """The condition that all terms are met."""
        return " and ".join(self._term_sql(term, word_sql) for term in terms) or "true"

    def _term_sql(self, term: Term, word_sql: WordSql) -> str:
        if isinstance(term.predicate, AnyOf):
            each = (self.conjunction_sql(alternative, word_sql) for alternative in term.predicate.alternatives)
            sql = f"({' or '.join(each)})"
        elif term.negated and is_text(term.predicate):
            return self._named(*self._leaf_sql(term, word_sql.denied))
        else:
            sql = self._named(*self._leaf_sql(term, word_sql.required))
        return negated(sql) if term.negated else sql

    def _leaf_sql(self, term: Term, word_sql: str) -> SqlFragment:
        """Raises FilterValue, with the offset of the term."""
        predicate: Any = term.predicate
        try:
            return _predicate_sql(predicate, self._context, word_sql)
        except FilterValue as refusal:
            raise FilterValue(str(refusal), offset=term.offset, **refusal.params) from refusal

    def _named(self, sql: str, values: Sequence[object]) -> str:
        """The SQL with named parameters instead of its placeholders."""
        named = {f"f{self._leaf_count}_{place}": value for place, value in enumerate(values)}
        self.parameters |= named
        self._leaf_count += 1
        return sql.format(*(f"%({name})s" for name in named))


def negated(sql: str) -> str:
    return f"not ({sql})"


def _predicate_sql(predicate: FieldPredicate | Word | Phrase, context: FilterContext, word_sql: str) -> SqlFragment:
    match predicate:
        case Word() | Phrase():
            tsquery = text_query(predicate).anywhere
            return (word_sql, (tsquery,)) if tsquery else ("true", ())
        case CustomFieldIs():
            reader = FieldReader(context.me, context.now.astimezone(context.zone).date(), context.people)
            return custom_field_sql.comparison_sql(predicate, context.fields, reader)
        case HasCustomField():
            return custom_field_sql.presence_sql(predicate, context.fields)
    return comparison_sql(predicate, context)
