"""Formatting a filter: from its terms to its text."""

from collections.abc import Iterable

from domain.filter.terms import (
    AssigneeIs,
    ColumnIs,
    Day,
    Instant,
    LabelIs,
    Phrase,
    Predicate,
    PriorityIs,
    ProjectIs,
    StatusIs,
    TaskKeyIs,
    Term,
    TimeIs,
    Word,
)


def format_terms(terms: Iterable[Term]) -> str:
    """The text of these terms; `parse` returns the same terms from it, at its own offsets."""
    return " ".join("-" * term.negated + _format_predicate(term.predicate) for term in terms)


def quote(text: str) -> str:
    """A value or a phrase in quotes, escaped for a filter."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _format_predicate(predicate: Predicate) -> str:
    match predicate:
        case Word(text):
            shown = text
        case Phrase(text):
            shown = quote(text)
        case StatusIs(value) | AssigneeIs(value) | ProjectIs(value) | TaskKeyIs(value):
            shown = f"{_FIELD_NAMES[type(predicate)]}:{value}"
        case ColumnIs(name):
            shown = f"column:{quote(name)}"
        case LabelIs(name):
            shown = f"label:{'none' if name is None else quote(name)}"
        case PriorityIs(operator, priority):
            shown = f"priority{operator}{priority}"
        case TimeIs(time, operator, when):
            shown = f"{time}{operator}{_format_time(when)}"
    return shown


def _format_time(when: Day | Instant | str) -> str:
    if isinstance(when, Day):
        return when.day.isoformat()
    return quote(when.at.isoformat()) if isinstance(when, Instant) else when


_FIELD_NAMES = {StatusIs: "status", AssigneeIs: "assignee", ProjectIs: "project", TaskKeyIs: "key"}
