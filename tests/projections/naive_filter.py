"""A naive filter: matches one task at a time in Python; the SQL conditions are compared with it."""

import operator
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, get_args
from uuid import UUID

from msgspec import Struct

from domain.filter import (
    AssigneeIs,
    ColumnIs,
    Day,
    Instant,
    LabelIs,
    Phrase,
    PriorityIs,
    ProjectIs,
    StatusIs,
    TaskKeyIs,
    Term,
    TimeIs,
    Word,
)
from domain.filter.terms import FieldPredicate
from domain.label import normalize_label
from domain.task import Priority, TaskStatus

STOP_WORDS = frozenset({"the", "и"})
"""The stop words among the words that are drawn."""
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    ":": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class FilterableTask(Struct, frozen=True):
    """A task, with all fields that a filter can match."""

    id: int
    status: TaskStatus
    priority: Priority
    assignees: tuple[UUID, ...]
    labels: tuple[str, ...]
    project_id: UUID
    column: str
    key: str
    created: datetime
    updated: datetime
    due: date | datetime | None
    title: str
    description: str


class FilterContext(Struct, frozen=True):
    """The calling user, and the time of the call."""

    user_id: UUID
    now: datetime


def matching_ids(rows: Iterable[FilterableTask], terms: Iterable[Term], context: FilterContext) -> list[int]:
    """The ids of the tasks that match every term."""
    return [row.id for row in rows if all(_satisfies(row, term, context) for term in terms)]


def _satisfies(row: FilterableTask, term: Term, asking: FilterContext) -> bool:
    if isinstance(term.predicate, Word | Phrase):
        wanted = _trim_stop_words(term.predicate.text)
        return not wanted or _contains_words(row, wanted) is not term.negated
    return _matches(row, term.predicate, asking) is not term.negated


def _matches(row: FilterableTask, asked: FieldPredicate, asking: FilterContext) -> bool:  # noqa: PLR0911 - a line for each kind of term
    match asked:
        case StatusIs(status):
            return row.status == status
        case PriorityIs(sign, priority):
            order = get_args(Priority).index
            return _COMPARE[sign](order(row.priority), order(priority))
        case AssigneeIs(user):
            return not row.assignees if user == "none" else (asking.user_id if user == "me" else user) in row.assignees
        case LabelIs(label):
            return normalize_label(label) in map(normalize_label, row.labels) if label else not row.labels
        case ProjectIs(project):
            return project in {row.project_id, row.key.partition("-")[0]}
        case ColumnIs(column):
            return row.column == column
        case TaskKeyIs(key):
            return row.key == key
        case TimeIs():
            return _matches_time(_instant(getattr(row, asked.field)), asked, asking.now)


def _instant(when: date | datetime | None) -> datetime | None:
    """The due instant; for a day, its last microsecond."""
    return when if when is None or isinstance(when, datetime) else datetime.combine(when, time.max, UTC)


def _matches_time(instant: datetime | None, asked: TimeIs, now: datetime) -> bool:
    if asked.when == "none" or instant is None:
        return asked.when == "none" and instant is None
    compare = _COMPARE[asked.operator]
    match asked.when:
        case Instant(at):
            return compare(instant, at)
        case "now":
            return compare(instant, now)
        case Day(day):
            return compare(instant.date(), day)
        case word:
            days = ["yesterday", "today", "tomorrow"].index(word) - 1
            return compare(instant.date(), now.date() + timedelta(days=days))


def _contains_words(row: FilterableTask, wanted: list[str]) -> bool:
    """Whether the words occur in this order; a stop word stands for any word."""
    words = [*_trim_stop_words(row.title, begin=False), *row.description.casefold().split()]
    starts = range(len(words) - len(wanted) + 1)
    return any(
        all(want in STOP_WORDS or words[start + at] == want for at, want in enumerate(wanted)) for start in starts
    )


def _trim_stop_words(text: str, *, begin: bool = True) -> list[str]:
    """The words of a text, without stop words at its end and, if `begin`, at its beginning."""
    words = text.casefold().split()
    while words and words[-1] in STOP_WORDS:
        words.pop()
    while begin and words and words[0] in STOP_WORDS:
        words.pop(0)
    return words
