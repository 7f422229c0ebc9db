"""The terms of a filter: the predicates that a task must meet, with parsed values."""

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
    """The user, or the caller (`me`), is among the assignees; `none`: there are no assignees."""

    user: UUID | Literal["me", "none"]


class LabelIs(Struct, frozen=True):
    """The task has that label, in any spelling; None: it has no label."""

    label: str | None


class ProjectIs(Struct, frozen=True):
    """The project by its id, or by its key in capitals."""

    project: UUID | str


class ColumnIs(Struct, frozen=True):
    """The column by its id."""

    column: str


class TaskKeyIs(Struct, frozen=True):
    """The human key, in capitals."""

    key: str


class TimeIs(Struct, frozen=True):
    """When the task is due, was created or was last changed. Only `due` allows `now` and `none`."""

    field: TimeField
    operator: Operator
    when: Day | Instant | RelativeDay | Literal["now", "none"]


class Word(Struct, frozen=True):
    """The text contains this word, in any of its forms."""

    text: str


class Phrase(Struct, frozen=True):
    """The text contains these words in sequence."""

    text: str


FieldPredicate: TypeAlias = StatusIs | PriorityIs | AssigneeIs | LabelIs | ProjectIs | ColumnIs | TaskKeyIs | TimeIs
Predicate: TypeAlias = FieldPredicate | Word | Phrase


class Term(Struct, frozen=True):
    """One term: a predicate, possibly negated; `offset` is where it begins, in characters from 0."""

    predicate: Predicate
    negated: bool = False
    offset: int = 0
