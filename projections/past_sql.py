"""What a filter says of the past, in SQL: conditions on the versions that a task had up to the one that is listed."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from domain.errors import FilterValue
from domain.filter import (
    At,
    By,
    Changed,
    CustomFieldChanged,
    Operator,
    RelativeTime,
    ReopenedIs,
    Since,
    StaleIs,
    Term,
    TimeIs,
    Until,
)
from domain.filter.terms import ChangeableField
from projections.custom_field_sql import fields_named
from projections.field_sql import FilterContext, comparison_sql, ids_of
from projections.time_sql import SqlFragment, between_sql, time_range

_VERSIONS_SQL: Final = """(select task.id as listed_id, task.valid_from as listed_from) listed
    join {{task_list_versions}} task on task.id = listed.listed_id and task.valid_from <= listed.listed_from"""
"""The versions of a task, for `from`: in what follows, `task` is one of them."""
_CHANGES_SQL: Final = f"""{_VERSIONS_SQL}
    join {{{{task_list_versions}}}} before on before.id = task.id and before.valid_to = task.valid_from"""
"""The same, each with the version before it."""
_COLUMNS: Final[dict[ChangeableField, str]] = {
    "assignee": "assignees",
    "label": "labels",
    "project": "project_id",
    "parent": "parent_id",
}
"""The columns of the fields that are called otherwise."""
_OPPOSITE: Final[dict[Operator, Operator]] = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_LEEWAY: Final = timedelta(minutes=1)
"""The time of a call is known in whole minutes."""


class Period(Struct, frozen=True):
    """When something was so, or changed, and by which users; None: at any time, by any."""

    since: datetime | None = None
    until: datetime | None = None
    users: Sequence[UUID] | None = None

    def qualified(self, terms: Sequence[Term], context: FilterContext) -> "Period":
        """The period of a list of terms that stands where this one holds."""
        found: dict[str, Any] = {}
        for term in terms:
            match term.predicate:
                case Since(when):
                    found["since"] = time_range(when, context.now, context.zone)[0]
                case Until(when):
                    found["until"] = time_range(when, context.now, context.zone)[1]
                case By(user):
                    found["users"] = ids_of(user, context)
        return replace(self, **found)


def was_sql(comparison: SqlFragment, period: Period) -> SqlFragment:
    """The condition that a version in the period compared so."""
    sql, values = comparison
    bounds = [("task.valid_to_at >", period.since), ("task.valid_from_at <", period.until)]
    given = [(condition, bound) for condition, bound in bounds if bound]
    each = (f"{condition} {{{place}}}" for place, (condition, _) in enumerate(given, len(values)))
    return f"exists (select from {_VERSIONS_SQL} where {' and '.join((sql, *each))})", (
        *values,
        *(bound for _, bound in given),
    )


def overdue_sql(period: Period, context: FilterContext) -> SqlFragment:
    """The condition that a version, `task`, was overdue in its last instant of the period."""
    end = "least(task.valid_to_at - interval '1 microsecond', {0})"
    sql = f"""task.status = 'open' and case when length(task.due) = 10
        then task.due_at < ({end} at time zone {{1}}) at time zone 'UTC' else task.due_at < {end} end"""
    last = period.until - timedelta.resolution if period.until else context.now
    return sql, (min(context.now, last), str(context.zone))


def changed_sql(term: Changed | CustomFieldChanged, period: Period, context: FilterContext) -> SqlFragment:
    """The condition that a version in the period has another value than the one before it."""
    if isinstance(term, Changed):
        column = _COLUMNS.get(term.field, term.field)
        return _exists_change(f'before."{column}" is distinct from task."{column}"', (), period)
    keys = [field.key for field in fields_named(context.fields, term.name)]
    values = (f"fields -> {{{at}}}::text" for at in range(len(keys)))
    each = (f"before.{value} is distinct from task.{value}" for value in values)
    return _exists_change(f"({' or '.join(each) or 'false'})", tuple(keys), period)


def reopened_sql(term: ReopenedIs, period: Period) -> SqlFragment:
    """The condition that so many versions in the period are open after one that was done."""
    where, values = _in_period("before.status = 'done' and task.status = 'open'", (term.count,), period)
    sign = "=" if term.operator == ":" else term.operator
    return f"(select count(*) from {_CHANGES_SQL} where {where}) {sign} {{0}}", values  # noqa: S608 - our own text


def stale_sql(term: StaleIs, context: FilterContext) -> SqlFragment:
    """The condition that the latest change was so long before now."""
    return comparison_sql(
        TimeIs("updated", _OPPOSITE[term.operator], RelativeTime("now", -term.count, term.unit)), context
    )


def bound_of(at: At, context: FilterContext) -> datetime:
    """Before which time the versions began that the terms beside `at` are about; raises FilterValue for the future."""
    start, end = time_range(at.when, context.now, context.zone)
    if start - context.now > _LEEWAY:
        raise FilterValue("Name a time that has passed.", field="at", expected=["a time that has passed"])
    return end


def at_sql(bound: str, condition: str, *, archived: bool) -> str:
    """The condition that the version before a bound was in the list, and met a condition."""
    hidden = "not task.trashed" if archived else "not task.trashed and not task.archived"
    return f"""exists (select from (select task.id as listed_id) listed
        join {{task_list_versions}} task on task.id = listed.listed_id
        where {valid_sql("task", bound)} and {hidden} and {condition})"""


def valid_sql(table: str, bound: str) -> str:
    """The condition for the version that was valid just before a bound."""
    return f"{table}.valid_from_at < {bound} and {table}.valid_to_at >= {bound}"


def _exists_change(condition: str, values: tuple[object, ...], period: Period) -> SqlFragment:
    """The condition that there is such a change; tasks that have not changed since then are passed over."""
    where, all_values = _in_period(condition, values, period)
    recent = f"task.valid_from_at >= {{{len(values)}}} and " if period.since else ""
    return f"{recent}exists (select from {_CHANGES_SQL} where {where})", all_values


def _in_period(condition: str, values: tuple[object, ...], period: Period) -> SqlFragment:
    """The condition, for versions that began in the period and are of its users."""
    began, bounds = between_sql("task.valid_from_at", (period.since, period.until), len(values))
    found = (*values, *bounds)
    by = f"task.valid_by = any({{{len(found)}}}::uuid[])" if period.users is not None else ""
    users = (list(period.users),) if period.users is not None else ()
    return " and ".join(filter(None, (condition, began, by))), (*found, *users)
