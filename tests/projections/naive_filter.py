"""A naive filter: matches one task at a time in Python; the SQL conditions are compared with it."""

import operator
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import Any, cast, get_args
from uuid import UUID

from msgspec import Struct

from domain.custom_field import CustomField, FieldValue
from domain.filter import (
    AnyOf,
    AssigneeIs,
    ColumnIs,
    CreatedByIs,
    CustomFieldIs,
    Day,
    DurationIs,
    Has,
    HasCustomField,
    Instant,
    Is,
    LabelIs,
    ParentIs,
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
from domain.filter.terms import ComparisonPredicate
from domain.label import normalize_label
from domain.task import Priority, TaskStatus
from domain.watch import Watchers
from projections.field_sql import FilterContext

COMPARE: dict[str, Callable[[Any, Any], bool]] = {
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
    created_by: UUID
    key: str
    created: datetime
    updated: datetime
    due: date | datetime | None
    title: str
    description: str
    start: date | datetime | None = None
    estimate: int | None = None
    spent: int = 0
    watchers: Watchers = Watchers()
    parent_id: UUID | None = None
    blocked_by: tuple[UUID, ...] = ()
    archived: bool = False
    comments: tuple[str, ...] = ()
    fields: Mapping[str, FieldValue] = {}


def matching_ids(rows: Iterable[FilterableTask], terms: Iterable[Term], context: FilterContext) -> list[int]:
    """The ids of the tasks that match every term."""
    return [row.id for row in rows if all(_satisfies(row, term, context) for term in terms)]


def _satisfies(row: FilterableTask, term: Term, asking: FilterContext) -> bool:
    match term.predicate:
        case AnyOf(alternatives):
            found = any(all(_satisfies(row, each, asking) for each in terms) for terms in alternatives)
        case Word(text, is_prefix):
            found = contains_words(row, [text.casefold()], is_prefix=is_prefix)
        case Phrase(text):
            found = contains_words(row, text.casefold().split())
        case comparison:
            found = matches(row, cast("ComparisonPredicate", comparison), asking)
    return found is not term.negated


def matches(row: FilterableTask, asked: ComparisonPredicate, asking: FilterContext) -> bool:  # noqa: C901, PLR0911, PLR0912 - a line for each kind of term
    match asked:
        case StatusIs(status):
            return row.status == status
        case PriorityIs(sign, priority):
            order = get_args(Priority).index
            return COMPARE[sign](order(row.priority), order(priority))
        case AssigneeIs(user):
            return not row.assignees if user == "none" else (asking.me if user == "me" else user) in row.assignees
        case CreatedByIs(user):
            return row.created_by == (asking.me if user == "me" else user)
        case LabelIs(label):
            return normalize_label(label) in map(normalize_label, row.labels) if label else not row.labels
        case ProjectIs(project):
            return project in {row.project_id, row.key.partition("-")[0]}
        case ColumnIs(column):
            return row.column == column
        case TaskKeyIs(key):
            return row.key == key
        case ParentIs(parent):
            return row.parent_id == parent
        case TimeIs():
            return _matches_time(getattr(row, asked.field), asked, asking)
        case DurationIs("spent", sign, minutes):
            return COMPARE[sign](row.spent, minutes or 0)
        case DurationIs(_, sign, minutes):
            if row.estimate is None or minutes is None:
                return row.estimate == minutes
            return COMPARE[sign](row.estimate, minutes)
        case CustomFieldIs():
            return _matches_custom_field(row, asked, asking)
        case HasCustomField(name, absent):
            return any(_shown_values(row, name, asking)) is not absent
        case Has(part, absent):
            return _has(row, part) is not absent
        case Is("overdue"):
            return row.status == "open" and _matches_time(row.due, TimeIs("due", "<", "now"), asking)
        case Is("blocked"):
            return row.status == "open" and bool(row.blocked_by)
        case Is("unassigned"):
            return not row.assignees
        case Is("archived"):
            return row.archived
        case Is("watching"):
            return asking.me in row.watchers.users
        case Is(state):
            return row.status == state


def _matches_custom_field(row: FilterableTask, asked: CustomFieldIs, asking: FilterContext) -> bool:
    shown = _shown_values(row, asked.name, asking)
    if asked.value is None:
        return not shown
    return any(_compares(field, value, asked, asking) for field, value in shown)


def _shown_values(row: FilterableTask, name: str, asking: FilterContext) -> list[tuple[CustomField, Any]]:
    """The values of the custom fields of that name, options by name; without options that there are no longer."""
    found = list[tuple[CustomField, Any]]()
    for field in (each for fields in asking.fields.values() for each in fields):
        if field.name.lower() == name.lower() and field.key in row.fields:
            value: Any = row.fields[field.key]
            options = {str(option.id): option.name for option in field.options}
            if field.type == "choices":
                value = [options[one] for one in value if one in options] or None
            elif field.type == "choice":
                value = options.get(value)
            found += [(field, value)] if value is not None else []
    return found


def _compares(field: CustomField, value: Any, asked: CustomFieldIs, asking: FilterContext) -> bool:
    compare, text = COMPARE[asked.operator], str(asked.value).lower()
    if field.type == "number":
        return text.strip("-").replace(".", "").isdigit() and compare(Decimal(str(value)), Decimal(text))
    if field.type == "date":
        today = asking.now.astimezone(asking.zone).date()
        days = {str(today + timedelta(days=days)): str(today + timedelta(days=days)) for days in range(-9, 9)}
        days |= {"today": str(today), "today+1d": str(today + timedelta(days=1))}
        return text in days and compare(value, days[text])
    text = {str(option.id): option.name.lower() for option in field.options}.get(text, text)
    found: dict[str, Any] = {
        "choices": lambda: [one.lower() for one in value],
        "person": lambda: _named(value, asking),
        "checkbox": lambda: {"true", "yes"} if value else {"false", "no"},
    }
    return asked.operator == ":" and text in found.get(field.type, lambda: {str(value).lower()})()


def _named(user: str, asking: FilterContext) -> set[str]:
    """What the user can be called."""
    names = {name.lower() for name, users in asking.people.items() if UUID(user) in users}
    return {user, *names} | ({"me"} if UUID(user) == asking.me else set())


def _has(row: FilterableTask, part: str) -> bool:
    return {
        "assignee": bool(row.assignees),
        "label": bool(row.labels),
        "due": row.due is not None,
        "start": row.start is not None,
        "estimate": row.estimate is not None,
        "spent": row.spent > 0,
        "description": bool(row.description),
        "priority": row.priority != "none",
        "parent": row.parent_id is not None,
    }[part]


def _matches_time(when: date | datetime | None, asked: TimeIs, asking: FilterContext) -> bool:  # noqa: PLR0911 - as above
    if asked.when == "none" or when is None:
        return asked.when == "none" and when is None
    time_of_day = time.min if asked.field == "start" else time.max
    compare, (day, instant) = COMPARE[asked.operator], _day_and_instant(when, time_of_day, asking.zone)
    today = asking.now.astimezone(asking.zone).date()
    match asked.when:
        case Instant(at):
            return compare(instant, at)
        case "now":
            return compare(instant, asking.now)
        case RelativeTime("now", count, unit):
            return compare(instant, asking.now + count * (timedelta(hours=1) if unit == "h" else _LENGTHS[unit]))
        case RelativeTime(base, count, unit):
            return compare(day, named_day(base, today) + count * _LENGTHS[unit])
        case Day(other):
            return compare(day, other)
        case word:
            return compare(day, named_day(word, today))


def _day_and_instant(when: date | datetime, time_of_day: time, zone: tzinfo) -> tuple[date, datetime]:
    """The day in the reader's zone, and the instant; for a whole day, that time of the day."""
    if isinstance(when, datetime):
        return when.astimezone(zone).date(), when
    return when, datetime.combine(when, time_of_day, zone)


def named_day(name: str, today: date) -> date:
    return {
        "yesterday": today - timedelta(days=1),
        "today": today,
        "tomorrow": today + timedelta(days=1),
        "start-of-week": today - timedelta(days=today.isoweekday() - 1),
        "start-of-month": today.replace(day=1),
        "end-of-year": date(today.year, 12, 31),
    }[name]


_LENGTHS = {"d": timedelta(days=1), "w": timedelta(days=7)}


def contains_words(row: FilterableTask, wanted: list[str], *, is_prefix: bool = False) -> bool:
    """Whether the words occur in this order in the title, in the description or in a comment."""
    texts = [text.casefold().split() for text in (row.title, row.description, *row.comments)]
    starts = ((text, start) for text in texts for start in range(len(text) - len(wanted) + 1))
    return any(
        all(
            words[start + at].startswith(want) if is_prefix else words[start + at] == want
            for at, want in enumerate(wanted)
        )
        for words, start in starts
    )
