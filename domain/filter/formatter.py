"""Formatting a filter: from its terms to its text."""

from collections.abc import Iterable
from uuid import UUID

from domain.filter.terms import (
    AnyOf,
    AssigneeIs,
    At,
    By,
    Changed,
    ColumnIs,
    ComparisonPredicate,
    CreatedByIs,
    CustomFieldChanged,
    CustomFieldIs,
    Day,
    DurationIs,
    Has,
    HasCustomField,
    Instant,
    Is,
    LabelIs,
    ParentIs,
    PastPredicate,
    Person,
    Phrase,
    Predicate,
    PriorityIs,
    ProjectIs,
    Qualifier,
    RelativeTime,
    ReopenedIs,
    Since,
    StaleIs,
    StatusIs,
    TaskKeyIs,
    Term,
    TimeIs,
    Until,
    Was,
    Word,
)
from domain.filter.tokens import CUSTOM_FIELD_PREFIX


def format_terms(terms: Iterable[Term]) -> str:
    """The text of these terms; `parse` returns the same terms from it, at its own offsets."""
    return " ".join("-" * term.negated + _format_predicate(term.predicate) for term in terms)


def quote(text: str) -> str:
    """A value or a phrase in quotes, escaped for a filter."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _format_predicate(predicate: Predicate) -> str:
    match predicate:
        case Word(text, is_prefix):
            return text + "*" * is_prefix
        case Phrase(text):
            return quote(text)
        case AnyOf(alternatives):
            return f"({' or '.join(map(format_terms, alternatives))})"
    if isinstance(predicate, PastPredicate | StaleIs | Qualifier):
        return _format_past(predicate)
    return _format_comparison(predicate)


def _format_past(predicate: PastPredicate | StaleIs | Qualifier) -> str:
    match predicate:
        case Was(comparison):
            shown = f"was({_format_predicate(comparison)})"
        case Changed(value):
            shown = f"changed:{value}"
        case CustomFieldChanged(name):
            shown = f"changed:{CUSTOM_FIELD_PREFIX}{quote(name)}"
        case ReopenedIs(operator, count):
            shown = f"reopened{operator}{count}"
        case StaleIs(operator, count, unit):
            shown = f"stale{operator}{count}{unit}"
        case By(user):
            shown = f"by:{_format_user(user)}"
        case Since(when) | Until(when) | At(when):
            shown = f"{type(predicate).__name__.lower()}:{_format_time(when)}"
    return shown


def _format_comparison(predicate: ComparisonPredicate) -> str:  # noqa: C901 - a line for each kind of term
    match predicate:
        case StatusIs(value) | ProjectIs(value) | TaskKeyIs(value) | ParentIs(value) | Is(value):
            shown = f"{_FIELD_NAMES[type(predicate)]}:{value}"
        case AssigneeIs(user) | CreatedByIs(user):
            shown = f"{_FIELD_NAMES[type(predicate)]}:{_format_user(user)}"
        case ColumnIs(name):
            shown = f"column:{quote(name)}"
        case LabelIs(name):
            shown = f"label:{'none' if name is None else quote(name)}"
        case Has(part, absent):
            shown = f"{'no' if absent else 'has'}:{part}"
        case PriorityIs(operator, priority):
            shown = f"priority{operator}{priority}"
        case DurationIs(duration, operator, minutes):
            shown = f"{duration}{operator}{'none' if minutes is None else minutes}"
        case TimeIs(time, operator, when):
            shown = f"{time}{operator}{_format_time(when)}"
        case CustomFieldIs(name, operator, value):
            shown = f"{CUSTOM_FIELD_PREFIX}{quote(name)}{operator}{'none' if value is None else quote(value)}"
        case HasCustomField(name, absent):
            shown = f"{'no' if absent else 'has'}:{CUSTOM_FIELD_PREFIX}{quote(name)}"
    return shown


def _format_user(user: UUID | str | Person) -> str:
    return quote(user.name) if isinstance(user, Person) else str(user)


def _format_time(when: Day | Instant | RelativeTime | str) -> str:
    match when:
        case Day(day):
            return day.isoformat()
        case Instant(at):
            return quote(at.isoformat())
        case RelativeTime(base, count, unit):
            return f"{base}{count:+d}{unit}" if count or base == "now" else base
    return when


_FIELD_NAMES = {
    StatusIs: "status",
    AssigneeIs: "assignee",
    CreatedByIs: "created_by",
    ProjectIs: "project",
    TaskKeyIs: "key",
    ParentIs: "parent",
    Is: "is",
}
