"""Comparisons of fields in SQL: each a condition on `task`, a row of the task list."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Literal, get_args
from uuid import UUID

import msgspec
from msgspec import Struct

from domain.filter import (
    AssigneeIs,
    ColumnIs,
    CreatedByIs,
    DurationIs,
    Has,
    Is,
    LabelIs,
    Operator,
    ParentIs,
    Person,
    PriorityIs,
    ProjectIs,
    StatusIs,
    TaskKeyIs,
    TimeIs,
)
from domain.filter.terms import BuiltinPredicate, OptionalPart, TaskState
from domain.label import normalize_label
from domain.task import Priority
from projections.custom_field_sql import NO_FIELDS, FieldsByName
from projections.task_list import NO_DUE_AT, WATCHED_BY_SQL
from projections.time_sql import SqlFragment, time_sql

_PRIORITY_SQL: dict[Operator, str] = {
    ":": "task.urgency between {0} and {0}",  # not `=`: the planner would sort by id, by the primary key
    "<": "task.urgency < {0}",
    "<=": "task.urgency <= {0}",
    ">": "task.urgency > {0}",
    ">=": "task.urgency >= {0}",
}
_HAS_SQL: dict[OptionalPart, str] = {
    "assignee": "task.assignees <> '[]'::jsonb",
    "label": "task.tags <> '[]'::jsonb",
    "due": f"task.due_at < '{NO_DUE_AT.isoformat()}'::timestamptz",
    "start": "task.start is not null",
    "estimate": "task.estimate is not null",
    "spent": "task.spent > 0",
    "description": "task.description <> ''",
    "priority": "task.urgency > 0",
    "parent": "task.parent_id is not null",
}


class FilterContext(Struct, frozen=True):
    """What terms refer to: the caller, the time of the call in UTC, the caller's time zone, and users by name.

    `people` has the users for each name or e-mail address in the filter, `fields` the custom fields of the projects
    that are listed, if the filter or the order is about some.
    """

    me: UUID
    now: datetime
    zone: tzinfo = UTC
    people: Mapping[str, Collection[UUID]] = {}
    fields: FieldsByName = NO_FIELDS


def comparison_sql(comparison: BuiltinPredicate, context: FilterContext) -> SqlFragment:  # noqa: PLR0911 - a line for each kind
    """The condition that the task compares so."""
    match comparison:
        case StatusIs(status):
            return "task.status = {0}", (status,)
        case PriorityIs(operator, priority):
            return _PRIORITY_SQL[operator], (get_args(Priority).index(priority),)
        case AssigneeIs():
            return _assignee_sql(comparison, context)
        case CreatedByIs(user):
            return "task.created_by = any({0}::uuid[])", (ids_of(user, context),)
        case LabelIs(label):
            return _contains_sql("task.tags", label and normalize_label(label))
        case TimeIs():
            return time_sql(comparison, context.now, context.zone)
        case DurationIs(field, operator, minutes):
            return _number_sql(f"task.{field}", operator, 0 if field == "spent" and minutes is None else minutes)
        case Has(part, absent):
            return f"not ({_HAS_SQL[part]})" if absent else _HAS_SQL[part], ()
        case Is(state):
            return _state_sql(state, context)
    return _place_sql(comparison)


def _place_sql(comparison: ProjectIs | ColumnIs | TaskKeyIs | ParentIs) -> SqlFragment:
    match comparison:
        case ProjectIs(UUID() as project):
            return "task.project_id = {0}", (project,)
        case ProjectIs(key):
            return "split_part(task.key, '-', 1) = {0}", (key,)
        case ColumnIs(column):
            return 'task."column" = {0}', (column,)
        case TaskKeyIs(key):
            return "task.key = {0}", (key,)
        case ParentIs(parent):
            return "task.parent_id is not null and task.parent_id = {0}", (parent,)


def _assignee_sql(comparison: AssigneeIs, context: FilterContext) -> SqlFragment:
    match comparison.user:
        case "none":
            return _contains_sql("task.assignees", None)
        case "me":
            return _contains_sql("task.assignees", context.me)
        case Person(name):
            return _contains_any_sql("task.assignees", context.people.get(name, ()))
        case user:
            return _contains_sql("task.assignees", user)


def ids_of(user: UUID | Literal["me"] | Person, context: FilterContext) -> list[UUID]:
    """The users that a term means."""
    match user:
        case "me":
            return [context.me]
        case Person(name):
            return list(context.people.get(name, ()))
        case _:
            return [user]


def _state_sql(state: TaskState, context: FilterContext) -> SqlFragment:
    match state:
        case "archived":
            return "task.archived", ()
        case "unassigned":
            return _contains_sql("task.assignees", None)
        case "overdue":
            sql, values = time_sql(TimeIs("due", "<", "now"), context.now, context.zone)
            return f"task.status = 'open' and {sql}", values
        case "blocked":
            return "task.status = 'open' and task.blocked_by <> '[]'::jsonb", ()
        case "watching":
            return WATCHED_BY_SQL.format("{0}"), (msgspec.json.encode([context.me]).decode(),)
        case _:
            return "task.status = {0}", (state,)


def _number_sql(column: str, operator: Operator, number: int | None) -> SqlFragment:
    """The condition that a column has a number that compares so; None: that it has none."""
    if number is None:
        return f"{column} is null", ()
    return f"{column} is not null and {column} {'=' if operator == ':' else operator} {{0}}", (number,)


def _contains_sql(column: str, value: UUID | str | None) -> SqlFragment:
    """The condition that a column contains a value; None: that it is empty."""
    return _contains_any_sql(column, (value,)) if value is not None else (f"{column} = '[]'::jsonb", ())


def _contains_any_sql(column: str, values: Collection[UUID | str]) -> SqlFragment:
    """The condition that a column contains one of the values."""
    if not values:
        return "false", ()
    each = " or ".join(f"{column} @> {{{place}}}::jsonb" for place in range(len(values)))
    # The partial index omits empty values; the planner uses it only if the condition excludes them explicitly.
    sql = f"{column} <> '[]'::jsonb and {f'({each})' if len(values) > 1 else each}"
    return sql, tuple(msgspec.json.encode([value]).decode() for value in values)
