"""Comparisons: what is said of a field of a task, or of its state, at one time."""

from typing import Literal, TypeAlias
from uuid import UUID

from msgspec import Struct

from domain.filter.terms.values import Person, When
from domain.task import Priority, TaskStatus

Operator = Literal[":", "<", "<=", ">", ">="]
TimeField = Literal["due", "start", "created", "updated"]
DurationField = Literal["estimate", "spent"]
OptionalPart = Literal["assignee", "label", "due", "start", "estimate", "spent", "description", "priority", "parent"]
TaskState = Literal["open", "done", "overdue", "unassigned", "blocked", "archived", "watching"]


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
