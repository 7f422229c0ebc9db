"""Filters about the past, interpreted naively: over all that a task was after each of its events."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, cast
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from domain.event import RecordedEvent
from domain.filter import (
    AnyOf,
    At,
    By,
    Changed,
    CustomFieldChanged,
    Day,
    Instant,
    Is,
    Phrase,
    RelativeTime,
    ReopenedIs,
    Since,
    StaleIs,
    Term,
    Until,
    Was,
    Word,
)
from domain.filter.terms import ComparisonPredicate, Predicate
from projections import task_list
from projections.field_sql import FilterContext
from projections.task_list import StoredTaskRow
from tests.projections import naive_filter
from tests.projections.naive_filter import FilterableTask, named_day

FOREVER = datetime.max.replace(tzinfo=UTC)
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_FIELDS = {"assignee": "assignees", "label": "labels", "project": "project_id", "parent": "parent_id"}


class Version(Struct, frozen=True):
    """What a task was from an event on, up to a time."""

    event: RecordedEvent
    row: StoredTaskRow
    until: datetime


class Asked(Struct, frozen=True):
    """How a list of terms is asked: on which version of a task, and of which period and users."""

    context: FilterContext
    last: int
    since: datetime | None = None
    until: datetime | None = None
    users: frozenset[UUID] | None = None


def versions_of(events: Iterable[RecordedEvent]) -> Mapping[UUID, list[Version]]:
    """The versions of each task."""
    rows, found = dict[UUID, StoredTaskRow](), dict[UUID, list[Version]]()
    for event in events:
        for key in (event.stream, *event.event.touches()):
            row = task_list.fold(key, before := rows.get(key), event)
            if row is not None and row != before:
                rows[key] = row
                versions = found.setdefault(key, [])
                if versions:
                    versions[-1] = replace(versions[-1], until=event.at)
                versions.append(Version(event, row, FOREVER))
    return found


def matching_ids(tasks: Mapping[UUID, list[Version]], terms: Sequence[Term], context: FilterContext) -> set[UUID]:
    """The tasks of the list that meet all terms."""
    shows_archive = _is_about_archive(terms)
    return {
        key
        for key, versions in tasks.items()
        if _is_listed(versions[-1].row, shows_archive=shows_archive)
        and meets_all(versions, terms, Asked(context, len(versions) - 1), shows_archive=shows_archive)
    }


def _is_listed(row: StoredTaskRow, *, shows_archive: bool) -> bool:
    return not row.trashed and (shows_archive or not row.archived)


def _is_about_archive(terms: Iterable[Term]) -> bool:
    for term in terms:
        match term.predicate:
            case Is("archived") | Was(Is("archived")):
                return True
            case AnyOf(alternatives) if any(map(_is_about_archive, alternatives)):
                return True
    return False


def meets_all(versions: Sequence[Version], terms: Sequence[Term], asked: Asked, *, shows_archive: bool) -> bool:
    for term in terms:
        match term.predicate:
            case Since(when):
                asked = replace(asked, since=_range(when, asked.context)[0])
            case Until(when):
                asked = replace(asked, until=_range(when, asked.context)[1])
            case By(user):
                users = {user} if isinstance(user, UUID) else {asked.context.me}
                asked = replace(asked, users=frozenset(users))
    for term in terms:
        if isinstance(term.predicate, At):
            end = _range(term.predicate.when, asked.context)[1]
            began = [place for place, version in enumerate(versions) if version.event.at < end]
            if not began or not _is_listed(versions[began[-1]].row, shows_archive=shows_archive):
                return False
            now = min(asked.context.now, end - timedelta.resolution)
            asked = replace(asked, last=began[-1], context=replace(asked.context, now=now))
    others = (term for term in terms if not isinstance(term.predicate, Since | Until | By | At))
    return all(
        _meets(versions, term.predicate, asked, shows_archive=shows_archive) is not term.negated for term in others
    )


def _meets(versions: Sequence[Version], predicate: Predicate, asked: Asked, *, shows_archive: bool) -> bool:  # noqa: PLR0911 - a line for each kind of term
    row, context = versions[asked.last].row, asked.context
    match predicate:
        case AnyOf(alternatives):
            return any(meets_all(versions, terms, asked, shows_archive=shows_archive) for terms in alternatives)
        case Word(text) | Phrase(text):
            return naive_filter.contains_words(filterable(row), text.casefold().split())
        case Was(comparison):
            return any(
                _was(version, comparison, asked)
                for version in versions[: asked.last + 1]
                if (asked.since is None or version.until > asked.since)
                and (asked.until is None or version.event.at < asked.until)
            )
        case Changed(field):
            name = _FIELDS.get(field, field)
            return any(getattr(before, name) != getattr(after, name) for before, after in _changes(versions, asked))
        case CustomFieldChanged(name):
            keys = [one.key for fields in context.fields.values() for one in fields if one.name.lower() == name.lower()]
            return any(
                before.fields.get(key) != after.fields.get(key)
                for before, after in _changes(versions, asked)
                for key in keys
            )
        case ReopenedIs(sign, count):
            times = sum((one.status, other.status) == ("done", "open") for one, other in _changes(versions, asked))
            return naive_filter.COMPARE[sign](times, count)
        case StaleIs(sign, count, unit):
            return naive_filter.COMPARE[sign](context.now - row.updated_at, count * _UNITS[unit])
        case comparison:
            return naive_filter.matches(filterable(row), cast("ComparisonPredicate", comparison), context)


def _was(version: Version, comparison: Any, asked: Asked) -> bool:
    if comparison != Is("overdue"):
        return naive_filter.matches(filterable(version.row), comparison, asked.context)
    last = min(version.until, asked.until or FOREVER) - timedelta.resolution
    return naive_filter.matches(
        filterable(version.row), comparison, replace(asked.context, now=min(last, asked.context.now))
    )


def _changes(versions: Sequence[Version], asked: Asked) -> list[tuple[StoredTaskRow, StoredTaskRow]]:
    """The rows before and after each change of the period, by its users."""
    return [
        (versions[at - 1].row, versions[at].row)
        for at in range(1, asked.last + 1)
        if (asked.since is None or versions[at].event.at >= asked.since)
        and (asked.until is None or versions[at].event.at < asked.until)
        and (asked.users is None or versions[at].event.actor.user_id in asked.users)
    ]


def _range(when: Any, context: FilterContext) -> tuple[datetime, datetime]:
    """From when, and before when, it is."""
    match when:
        case Instant(at):
            return at, at + timedelta.resolution
        case RelativeTime("now", count, unit):
            at = context.now + count * _UNITS[unit]
            return at, at + timedelta.resolution
        case Day(day):
            return _midnight(day, context.zone), _midnight(day + timedelta(days=1), context.zone)
    today = context.now.astimezone(context.zone).date()
    base, count, unit = (when.base, when.count, when.unit) if isinstance(when, RelativeTime) else (when, 0, "d")
    return _range(Day(named_day(base, today) + count * _UNITS[unit]), context)


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def filterable(row: StoredTaskRow) -> FilterableTask:
    """The row as the naive filter takes it."""
    return FilterableTask(
        row.number,
        row.status,
        row.priority,
        row.assignees,
        row.labels,
        row.project_id,
        row.column,
        row.created_by,
        row.key,
        row.created_at,
        row.updated_at,
        _time(row.due),
        row.title,
        row.description,
        start=_time(row.start),
        estimate=row.estimate,
        spent=row.spent,
        watchers=row.watchers,
        parent_id=row.parent_id,
        blocked_by=row.blocked_by,
        archived=row.archived,
        fields=row.fields,
    )


def _time(text: str | None) -> date | datetime | None:
    if text is None:
        return None
    return date.fromisoformat(text) if len(text) == len("YYYY-MM-DD") else datetime.fromisoformat(text)
