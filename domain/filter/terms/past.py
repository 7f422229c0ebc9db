"""Predicates about all that a task was, and how long ago it changed."""

from typing import Literal, TypeAlias

from msgspec import Struct

from domain.filter.terms.comparisons import ComparisonPredicate, Operator
from domain.filter.terms.values import TimeUnit

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


class Was(Struct, frozen=True):
    """The comparison was true of the task at some time, now included."""

    comparison: ComparisonPredicate


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


PastPredicate: TypeAlias = Was | Changed | CustomFieldChanged | ReopenedIs
"""Predicates about all that a task was."""
