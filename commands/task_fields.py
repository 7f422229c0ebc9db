"""The fields of a task that hold one value: what is stored for the value sent, and the event that changes it."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from functools import cache
from typing import Any, get_args, get_type_hints
from zoneinfo import ZoneInfo

import msgspec
from msgspec import UNSET, Meta

from commands.command import Command
from domain.errors import StartAfterDue
from domain.event import Change, Event, change_fields
from domain.task import Task, TaskCreated
from domain.task import fields as task_fields


def sent_fields(command: Command[Task]) -> dict[str, Any]:
    """The values that a command gives such fields, as they are stored; null is the value of a new task."""
    sent = ((name, getattr(command, name), stored) for name, stored in _stored_forms(type(command)).items())
    return {
        name: _values_of_new_task()[name] if value is None else stored(value)
        for name, value, stored in sent
        if value is not UNSET
    }


def set_fields(task: Task, values: Mapping[str, Any]) -> Iterator[Event]:
    """An event for each field that changes; raises StartAfterDue."""
    changes = {name: Change(getattr(task, name), value) for name, value in values.items()}
    changed = {name: change for name, change in changes.items() if change.old != change.new}
    if changed.keys() & {"start", "due", "zone"}:
        after = {name: values.get(name, getattr(task, name)) for name in ("start", "due", "zone")}
        require_start_before_due(**after)
    for name, change in changed.items():
        yield field_events()[name](change)


def require_start_before_due(start: str | None = None, due: str | None = None, zone: str | None = None) -> None:
    """Raise StartAfterDue for a start after the due date; if one of them is a day, the days count, in the zone."""
    if start is None or due is None:
        return
    first, last = _parse(start), _parse(due)
    if not (isinstance(first, datetime) and isinstance(last, datetime)):
        first, last = _day_of(first, zone), _day_of(last, zone)
    if first > last:
        raise StartAfterDue(start=start, due=due)


@cache
def field_events() -> Mapping[str, type[Event]]:
    """The event of each such field: the one that changes it and has no other field."""
    events = [kind for kind in vars(task_fields).values() if isinstance(kind, type) and issubclass(kind, Event)]
    single = {kind: change_fields(kind) for kind in events if len(kind.__struct_fields__) == 1}
    return {names[0]: kind for kind, names in single.items() if names and names[0] in TaskCreated.__struct_fields__}


@cache
def _stored_forms(command_type: type[Command[Task]]) -> Mapping[str, Callable[[Any], Any]]:
    """Each such field of a command, with what makes the stored value: the function that its type names, if it does."""
    hints = get_type_hints(command_type, include_extras=True)
    return {name: _stored_form(hints[name]) or _as_sent for name in field_events() if name in hints}


def _stored_form(hint: Any) -> Callable[[Any], Any] | None:
    extras = (meta.extra for meta in getattr(hint, "__metadata__", ()) if isinstance(meta, Meta) and meta.extra)
    forms = (extra["stored"] for extra in extras if "stored" in extra)
    return next((form for form in (*forms, *map(_stored_form, get_args(hint))) if form), None)


def _as_sent(value: Any) -> Any:
    return value


@cache
def _values_of_new_task() -> Mapping[str, Any]:
    return {field.name: field.default for field in msgspec.structs.fields(TaskCreated) if not field.required}


def _parse(text: str) -> date:
    return date.fromisoformat(text) if len(text) == len("YYYY-MM-DD") else datetime.fromisoformat(text)


def _day_of(when: date, zone: str | None) -> date:
    """The day, or that of a moment: in the zone, or in the offset that it is written with."""
    if not isinstance(when, datetime):
        return when
    return (when.astimezone(ZoneInfo(zone)) if zone else when).date()
