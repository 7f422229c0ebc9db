"""A filter in writing: the text that its terms are read from."""

from collections.abc import Iterable

from domain.filter.terms import (
    Asked,
    AssigneeIs,
    ColumnIs,
    Day,
    KeyIs,
    LabelIs,
    Moment,
    Phrase,
    PriorityIs,
    ProjectIs,
    StatusIs,
    Term,
    TimeIs,
    Word,
)


def show(terms: Iterable[Term]) -> str:
    """A text that says the same: `parse` reads these terms from it again, at offsets of its own."""
    return " ".join("-" * term.negated + _shown(term.asked) for term in terms)


def quoted(text: str) -> str:
    """A value or a phrase in quotes, as it may stand in a filter."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _shown(asked: Asked) -> str:
    match asked:
        case Word(text):
            shown = text
        case Phrase(text):
            shown = quoted(text)
        case StatusIs(value) | AssigneeIs(value) | ProjectIs(value) | KeyIs(value):
            shown = f"{_FIELDS[type(asked)]}:{value}"
        case ColumnIs(name):
            shown = f"column:{quoted(name)}"
        case LabelIs(name):
            shown = f"label:{'none' if name is None else quoted(name)}"
        case PriorityIs(operator, priority):
            shown = f"priority{operator}{priority}"
        case TimeIs(time, operator, when):
            shown = f"{time}{operator}{_when(when)}"
    return shown


def _when(when: Day | Moment | str) -> str:
    if isinstance(when, Day):
        return when.day.isoformat()
    return quoted(when.at.isoformat()) if isinstance(when, Moment) else when


_FIELDS = {StatusIs: "status", AssigneeIs: "assignee", ProjectIs: "project", KeyIs: "key"}
