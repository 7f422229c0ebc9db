"""The terms of a filter: what each of them asks of a task, in values that nobody has to read again."""

from datetime import date, datetime
from typing import Literal, TypeAlias
from uuid import UUID

from msgspec import Struct

from domain.task import Priority, TaskStatus

Operator = Literal[":", "<", "<=", ">", ">="]
TimeField = Literal["due", "created", "updated"]
RelativeDay = Literal["yesterday", "today", "tomorrow"]


class Day(Struct, frozen=True):
    """A whole day."""

    day: date


class Instant(Struct, frozen=True):
    """An instant, in UTC."""

    at: datetime


class StatusIs(Struct, frozen=True):
    status: TaskStatus


class PriorityIs(Struct, frozen=True):
    """Priorities are in the order in which their type lists them."""

    operator: Operator
    priority: Priority


class AssigneeIs(Struct, frozen=True):
    """That user is among the assignees, or whoever asks, or there is nobody."""

    user: UUID | Literal["me", "none"]


class LabelIs(Struct, frozen=True):
    """It has that label, as somebody wrote it; None: it has none."""

    label: str | None


class ProjectIs(Struct, frozen=True):
    """The project by its id, or by its key, which stands here in capitals."""

    project: UUID | str


class ColumnIs(Struct, frozen=True):
    """The column by its id."""

    column: str


class TaskKeyIs(Struct, frozen=True):
    """The human key, which stands here in capitals."""

    key: str


class TimeIs(Struct, frozen=True):
    """When it is due, was created or was changed last. Only what is due can be so `now`, or have no such time."""

    field: TimeField
    operator: Operator
    when: Day | Instant | RelativeDay | Literal["now", "none"]


class Word(Struct, frozen=True):
    """The text has this word, in any of its forms."""

    text: str


class Phrase(Struct, frozen=True):
    """The text has these words, one after the other."""

    text: str


FieldPredicate: TypeAlias = StatusIs | PriorityIs | AssigneeIs | LabelIs | ProjectIs | ColumnIs | TaskKeyIs | TimeIs
Predicate: TypeAlias = FieldPredicate | Word | Phrase


class Term(Struct, frozen=True):
    """One term: what it asks or, negated, what must not be; `offset` is where it begins, in characters from 0."""

    predicate: Predicate
    negated: bool = False
    offset: int = 0
