"""The task filter language: a filter is a list of terms that a task must all meet; parsing and formatting."""

from domain.filter.formatter import format_terms, quote
from domain.filter.parser import MAX_CHARACTERS, MAX_TERMS, parse
from domain.filter.terms import (
    AssigneeIs,
    ColumnIs,
    Day,
    Instant,
    LabelIs,
    Operator,
    Phrase,
    PriorityIs,
    ProjectIs,
    StatusIs,
    TaskKeyIs,
    Term,
    TimeIs,
    Word,
)

__all__ = [
    "MAX_CHARACTERS",
    "MAX_TERMS",
    "AssigneeIs",
    "ColumnIs",
    "Day",
    "Instant",
    "LabelIs",
    "Operator",
    "Phrase",
    "PriorityIs",
    "ProjectIs",
    "StatusIs",
    "TaskKeyIs",
    "Term",
    "TimeIs",
    "Word",
    "format_terms",
    "parse",
    "quote",
]
