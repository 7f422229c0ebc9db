"""The terms of a filter: the predicates that a task must meet, with parsed values, and groups of terms."""

from datetime import date, datetime
from typing import Literal, TypeAlias
from uuid import UUID

from msgspec import Struct

from domain.task import Priority, TaskStatus

Operator = Literal[":", "<", "<=", ">", ">="]
TimeField = Literal["due", "start", "created", "updated"]
DurationField = Literal["estimate", "spent"]
RelativeDay = Literal["yesterday", "today", "tomorrow"]
PeriodBoundary = Literal[
    "start-of-week", "end-of-week", "start-of-month", "end-of-month", "start-of-year", "end-of-year"
]
"""The first or the last day of the present week, which begins on Monday, month or year."""
TimeUnit = Literal["h", "d", "w", "m", "y"]
"""Hours, days, weeks, months, years."""
OptionalPart = Literal["assignee", "label", "due", "start", "estimate", "spent", "description", "priority", "parent"]
TaskState = Literal["open", "done", "overdue", "unassigned", "blocked", "archived", "watching"]

ChangeableField = Literal[
    "title",
    "description",
    "status",
    "priority",
    "assignee",
    "label",
    "column",
    "project",
    "parent",
    "due",
    "start",
    "estimate",
    "spent",
    "colour",
    "checklist",
    "recurrence",
    "comments",
    "attachments",
    "archived",
]


class Day(Struct, frozen=True):
    """A whole day."""

    day: date


class Instant(Struct, frozen=True):
    """An instant, in UTC."""

    at: datetime


class RelativeTime(Struct, frozen=True):
    """A number of units after a day, or after `now`; before it, if the count is negative. Only `now` allows hours."""

    base: RelativeDay | PeriodBoundary | Literal["now"]
    count: int = 0
    unit: TimeUnit = "d"


class Person(Struct, frozen=True):
    """The members of the caller's workspaces with that name, or that e-mail address, in any case."""

    name: str


class StatusIs(Struct, frozen=True):
    status: TaskStatus


class PriorityIs(Struct, frozen=True):
    """Priorities are in the order in which their type lists them."""

    operator: Operator
    priority: Priority


class AssigneeIs(Struct, frozen=True):
    """The user, or the caller (`me`), is among the assignees; `none`: there are no assignees."""

    user: UUID | Literal["me", "none"] | Person


class CreatedByIs(Struct, frozen=True):
    """The user, or the caller (`me`), created the task, or an agent on their behalf did."""

    user: UUID | Literal["me"] | Person


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


class ParentIs(Struct, frozen=True):
    """The parent by its id."""

    parent: UUID


class DurationIs(Struct, frozen=True):
    """The estimate, or the time spent, in minutes; None: the task has none."""

    field: DurationField
    operator: Operator
    minutes: int | None


When: TypeAlias = Day | Instant | RelativeTime | RelativeDay


class TimeIs(Struct, frozen=True):
    """When the task is due, starts, was created or last changed. Only `due` and `start` allow `now` and `none`."""

    field: TimeField
    operator: Operator
    when: When | Literal["now", "none"]


class Has(Struct, frozen=True):
    """The task has this part, or, if `absent`, has it not."""

    part: OptionalPart
    absent: bool = False


class CustomFieldIs(Struct, frozen=True):
    """The value of a custom field of that name, in any spelling, as its type reads it; None: the task has none."""

    name: str
    operator: Operator
    value: str | None


class HasCustomField(Struct, frozen=True):
    """The task has a value of a custom field of that name, or, if `absent`, has none."""

    name: str
    absent: bool = False


class Is(Struct, frozen=True):
    """The task is in this state; `watching`: the caller watches it."""

    state: TaskState


class Was(Struct, frozen=True):
    """The comparison was true of the task at some time, now included."""

    comparison: "ComparisonPredicate"


class Changed(Struct, frozen=True):
    """The field of the task was changed after the task was created."""

    field: ChangeableField


class CustomFieldChanged(Struct, frozen=True):
    """The value of a custom field of that name, in any spelling, was changed after the task was created."""

    name: str


class ReopenedIs(Struct, frozen=True):
    """How often the task was reopened."""

    operator: Operator
    count: int


class StaleIs(Struct, frozen=True):
    """How long ago the task was last changed."""

    operator: Operator
    count: int
    unit: TimeUnit


class By(Struct, frozen=True):
    """The changes that the list of terms is about are those of the user, or of the caller, or of agents of theirs."""

    user: UUID | Literal["me"] | Person


class Since(Struct, frozen=True):
    """What the list of terms says of the past is about the time from then on."""

    when: When


class Until(Struct, frozen=True):
    """What the list of terms says of the past is about the time up to then, a day included."""

    when: When


class At(Struct, frozen=True):
    """The list of terms is about the task as it was then; a day means its end."""

    when: When


class Word(Struct, frozen=True):
    """The text contains this word, in any of its forms, or, for a prefix, a word that begins with it."""

    text: str
    is_prefix: bool = False


class Phrase(Struct, frozen=True):
    """The text contains these words in sequence."""

    text: str


class AnyOf(Struct, frozen=True):
    """A group: all terms of at least one alternative are met."""

    alternatives: "tuple[tuple[Term, ...], ...]"


BuiltinPredicate: TypeAlias = (
    StatusIs
    | PriorityIs
    | AssigneeIs
    | CreatedByIs
    | LabelIs
    | ProjectIs
    | ColumnIs
    | TaskKeyIs
    | ParentIs
    | TimeIs
    | DurationIs
    | Has
    | Is
)
ComparisonPredicate: TypeAlias = BuiltinPredicate | CustomFieldIs | HasCustomField
PastPredicate: TypeAlias = Was | Changed | CustomFieldChanged | ReopenedIs
"""Predicates about all that a task was."""
Qualifier: TypeAlias = By | Since | Until | At
"""What says more about the other terms of its list."""
FieldPredicate: TypeAlias = ComparisonPredicate | PastPredicate | StaleIs | Qualifier
Predicate: TypeAlias = FieldPredicate | Word | Phrase | AnyOf


class Term(Struct, frozen=True):
    """One term: a predicate, possibly negated; `offset` is where it begins, in characters from 0."""

    predicate: Predicate
    negated: bool = False
    offset: int = 0
