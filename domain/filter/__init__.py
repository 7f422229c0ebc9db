"""A filter: terms that a task has to meet, all of them, as people write them and as they are meant."""

from domain.filter.reading import MOST_CHARACTERS, MOST_TERMS, parse
from domain.filter.terms import (
    AssigneeIs,
    ColumnIs,
    Day,
    KeyIs,
    LabelIs,
    Moment,
    Operator,
    Phrase,
    PriorityIs,
    ProjectIs,
    StatusIs,
    Term,
    TimeIs,
    Word,
)
from domain.filter.written import quoted, show

__all__ = [
    "MOST_CHARACTERS",
    "MOST_TERMS",
    "AssigneeIs",
    "ColumnIs",
    "Day",
    "KeyIs",
    "LabelIs",
    "Moment",
    "Operator",
    "Phrase",
    "PriorityIs",
    "ProjectIs",
    "StatusIs",
    "Term",
    "TimeIs",
    "Word",
    "parse",
    "quoted",
    "show",
]
