"""The task filter language: a filter is a list of terms that a task must all meet; parsing and formatting.

A term may be a group of alternatives, each again a list of terms.
"""

from domain.filter.formatter import format_terms, quote
from domain.filter.parser import MAX_CHARACTERS, MAX_TERMS, parse
from domain.filter.terms import (
    AnyOf,
    AssigneeIs,
    ColumnIs,
    CreatedByIs,
    Day,
    EstimateIs,
    Has,
    Instant,
    Is,
    LabelIs,
    Operator,
    ParentIs,
    Person,
    Phrase,
    PriorityIs,
    ProjectIs,
    RelativeTime,
    StatusIs,
    TaskKeyIs,
    Term,
    TimeIs,
    Word,
)

__all__ = [
    "MAX_CHARACTERS",
    "MAX_TERMS",
    "AnyOf",
    "AssigneeIs",
    "ColumnIs",
    "CreatedByIs",
    "Day",
    "EstimateIs",
    "Has",
    "Instant",
    "Is",
    "LabelIs",
    "Operator",
    "ParentIs",
    "Person",
    "Phrase",
    "PriorityIs",
    "ProjectIs",
    "RelativeTime",
    "StatusIs",
    "TaskKeyIs",
    "Term",
    "TimeIs",
    "Word",
    "format_terms",
    "parse",
    "quote",
]
