"""Qualifiers of a list of terms: they say when, and by whom, what its other terms say of the past was so."""

from collections.abc import Iterable, Iterator, Sequence

from domain.errors import FilterSyntax
from domain.filter.terms import (
    AnyOf,
    At,
    By,
    Changed,
    CustomFieldChanged,
    Predicate,
    Qualifier,
    ReopenedIs,
    Since,
    Term,
    Until,
    Was,
)

_QUALIFIED: dict[type, tuple[type[Predicate], ...]] = {
    By: (Changed, CustomFieldChanged, ReopenedIs),
    Since: (Was, Changed, CustomFieldChanged, ReopenedIs),
    Until: (Was, Changed, CustomFieldChanged, ReopenedIs),
}
"""What each qualifier says more about; `At` is about every term, and alone about whether there was a task."""


def check_qualifiers(terms: Sequence[Term]) -> None:
    """Raise FilterSyntax unless each qualifier of a list stands there once, not negated, beside what it qualifies."""
    kinds = set[type]()
    for term in terms:
        if isinstance(term.predicate, Qualifier):
            kind = type(term.predicate)
            name = kind.__name__.lower()
            if term.negated:
                raise FilterSyntax(f"Put the - before what {name}: is about.", offset=term.offset)
            if kind in kinds:
                raise FilterSyntax(f"Write {name}: once beside what it is about.", offset=term.offset)
            kinds.add(kind)
            if kind is At and any(isinstance(one, At) for one in _in_groups(terms)):
                raise FilterSyntax("Write at: once: its terms are about one time.", offset=term.offset)
            qualified = _QUALIFIED.get(kind)
            if qualified and not any(isinstance(one, qualified) for one in _others(terms)):
                words = "changed: or reopened>" if kind is By else "changed:, reopened> or was()"
                raise FilterSyntax(f"Write {words} beside {name}:, which says more about it.", offset=term.offset)


def _others(terms: Iterable[Term]) -> Iterator[Predicate]:
    """The predicates of the terms that are no qualifiers, and all of those in their groups."""
    yield from (term.predicate for term in terms if not isinstance(term.predicate, Qualifier | AnyOf))
    yield from _in_groups(terms)


def _in_groups(terms: Iterable[Term]) -> Iterator[Predicate]:
    """The predicates in the groups of a list, and in the groups of those."""
    for term in terms:
        if isinstance(term.predicate, AnyOf):
            for alternative in term.predicate.alternatives:
                yield from (inner.predicate for inner in alternative)
                yield from _in_groups(alternative)
