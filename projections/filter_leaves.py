"""The predicates of a filter, also those in groups, and what they are about."""

from collections.abc import Iterable, Iterator

from domain.filter import (
    AnyOf,
    AssigneeIs,
    At,
    By,
    CreatedByIs,
    CustomFieldChanged,
    CustomFieldIs,
    HasCustomField,
    Instant,
    Is,
    Person,
    Phrase,
    Since,
    StaleIs,
    Term,
    TimeIs,
    Until,
    Was,
    Word,
)
from domain.filter.terms import FieldPredicate, Predicate
from projections import custom_field_sql
from projections.custom_field_sql import NO_FIELDS, FieldsByName
from projections.relevance import text_query
from projections.time_sql import is_relative


def leaves_of(terms: Iterable[Term]) -> Iterator[FieldPredicate | Word | Phrase]:
    """The predicates of the terms, of the terms of groups, and those that once were met."""
    for term in terms:
        if isinstance(term.predicate, AnyOf):
            for alternative in term.predicate.alternatives:
                yield from leaves_of(alternative)
        else:
            yield term.predicate
            if isinstance(term.predicate, Was):
                yield term.predicate.comparison


def person_names(terms: Iterable[Term], fields: FieldsByName = NO_FIELDS) -> frozenset[str]:
    """The names and e-mail addresses of users in the terms."""
    leaves = list(leaves_of(terms))
    users = (getattr(leaf, "user", None) for leaf in leaves)
    compared = (leaf for leaf in leaves if isinstance(leaf, CustomFieldIs))
    named = {name for leaf in compared for name in custom_field_sql.named_people(leaf, fields)}
    return frozenset(user.name for user in users if isinstance(user, Person)) | named


def reads_calendar(terms: Iterable[Term]) -> bool:
    """Whether a term is about days, which are those of a time zone."""
    return any(map(_reads_calendar, leaves_of(terms)))


def reads_custom_fields(terms: Iterable[Term]) -> bool:
    """Whether a term is about a custom field."""
    return any(isinstance(leaf, CustomFieldIs | HasCustomField | CustomFieldChanged) for leaf in leaves_of(terms))


def is_text(predicate: Predicate) -> bool:
    """Whether it is about the text of a task alone, and about something that a text can have or not."""
    if isinstance(predicate, AnyOf):
        return all(is_text(term.predicate) for terms in predicate.alternatives for term in terms)
    return isinstance(predicate, Word | Phrase) and bool(text_query(predicate).anywhere)


def has_denial(term: Term) -> bool:
    """Whether a word in a comment can keep a task from meeting the term."""
    if term.negated:
        return True
    alternatives = term.predicate.alternatives if isinstance(term.predicate, AnyOf) else ()
    return any(has_denial(inner) for terms in alternatives for inner in terms)


def _reads_calendar(leaf: Predicate) -> bool:
    if isinstance(leaf, CustomFieldIs):
        return custom_field_sql.reads_calendar(leaf)
    if isinstance(leaf, TimeIs | Since | Until | At):
        return leaf.when != "none"
    return leaf == Is("overdue") or isinstance(leaf, StaleIs)


def depends_on_time(leaf: Predicate, fields: FieldsByName) -> bool:
    """Whether the same words may mean something else later; users may be renamed."""
    if isinstance(leaf, CustomFieldIs):
        return custom_field_sql.reads_calendar(leaf) or any(custom_field_sql.named_people(leaf, fields))
    match leaf:
        case AssigneeIs(user) | CreatedByIs(user) | By(user):
            return isinstance(user, Person)
        case TimeIs(when=when) | Since(when) | Until(when):
            return is_relative(when)
        case At(when):  # the end of a day may be to come
            return not isinstance(when, Instant)
    return leaf == Is("overdue") or isinstance(leaf, StaleIs)
