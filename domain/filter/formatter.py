"""Formatting a filter: from its terms to its text."""

from collections.abc import Iterable

from domain.filter.terms import (
    AnyOf,
    AssigneeIs,
    BuiltinPredicate,
    ColumnIs,
    CreatedByIs,
    CustomFieldIs,
    Day,
    DurationIs,
    Has,
    HasCustomField,
    Instant,
    Is,
    LabelIs,
    ParentIs,
    Person,
    Phrase,
    Predicate,
    PriorityIs,
    ProjectIs,
    RelativeTime,
    StatusIs,
    TaskKeyIs,
    Term,
    TimeIs,
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
        case CustomFieldIs(name, operator, value):
            return f"{CUSTOM_FIELD_PREFIX}{quote(name)}{operator}{'none' if value is None else quote(value)}"
        case HasCustomField(name, absent):
            return f"{'no' if absent else 'has'}:{CUSTOM_FIELD_PREFIX}{quote(name)}"
    return _format_comparison(predicate)


def _format_comparison(predicate: BuiltinPredicate) -> str:
    match predicate:
        case StatusIs(value) | ProjectIs(value) | TaskKeyIs(value) | ParentIs(value) | Is(value):
            shown = f"{_FIELD_NAMES[type(predicate)]}:{value}"
        case AssigneeIs(user) | CreatedByIs(user):
            shown = f"{_FIELD_NAMES[type(predicate)]}:{quote(user.name) if isinstance(user, Person) else user}"
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
    return shown


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
