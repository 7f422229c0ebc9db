"""The values of custom fields: what is stored for what is sent, by the type of the field."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Annotated, Any, Final
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from msgspec import Meta

from commands.command import DecisionContext
from commands.text_patterns import LINE_PATTERN
from commands.validation import child, quoted
from domain.custom_field import CustomField, FieldType, FieldValue, FieldValues, TaskFieldSet, find_named
from domain.errors import FieldRepeated, FieldValueInvalid, UnknownCustomField
from domain.event import Change
from domain.member import Member, member_stream_id
from domain.project import Project
from domain.task import Task
from domain.timestamp import DATE_PATTERN

MAX_FIELD_TEXT_CHARACTERS, MAX_FIELD_URL_CHARACTERS = 500, 2_000
"""Of a text; of a URL."""
MAX_FIELD_NUMBER: Final = 2**53 - 1
"""Every whole number up to it is exact in JSON, as most readers take it (RFC 8259, section 6)."""
_URL: Final = re.compile(r"https?://[^\s/?#]\S*", re.IGNORECASE)
_MAX_SENT_FIELDS: Final = 100
SentFieldValues = Annotated[
    dict[str, FieldValue | None],
    Meta(
        max_length=_MAX_SENT_FIELDS,
        description="Values of custom fields by name, in any spelling; null removes one. Of a choice: the name or id "
        "of an option; of choices: a list of them; of a person: the id of a member; of a date: `YYYY-MM-DD`; a number "
        "is between -(2^53-1) and 2^53-1.",
    ),
]
_Store = Callable[[Any, CustomField, UUID, DecisionContext], FieldValue]


def field_values(project: Project, sent: Mapping[str, FieldValue | None], context: DecisionContext) -> FieldValues:
    """The values of a new task, as stored; raises what `set_field_values` raises."""
    stored = _stored_values(project, sent, context) if sent else ()
    return {field.key: value for field, value in stored if value is not None}


def set_field_values(
    task: Task, project: Project, sent: Mapping[str, FieldValue | None], context: DecisionContext
) -> Iterator[TaskFieldSet]:
    """An event for each field that changes; raises UnknownCustomField, FieldRepeated or FieldValueInvalid."""
    for field, value in _stored_values(project, sent, context):
        before = task.fields.get(field.key)
        if value != before:
            yield TaskFieldSet(task.project_id, field.id, Change(before, value))


def _stored_values(
    project: Project, sent: Mapping[str, FieldValue | None], context: DecisionContext
) -> list[tuple[CustomField, FieldValue | None]]:
    stored = dict[str, tuple[CustomField, FieldValue | None]]()
    for name, value in sent.items():
        field = find_named(project.fields, name)
        if field is None:
            known = [each.name for each in project.fields]
            raise _at(name, UnknownCustomField(f"The project has no field {quoted(name)}.", field=name, fields=known))
        if field.key in stored:
            raise _at(name, FieldRepeated())
        stored[field.key] = field, None if value is None else _stored(name, value, field, project, context)
    return list(stored.values())


def _stored(name: str, value: FieldValue, field: CustomField, project: Project, context: DecisionContext) -> FieldValue:
    store, words = _TYPES[field.type]
    try:
        return store(value, field, project.workspace_id, context)
    except (ValueError, TypeError) as error:
        detail = f"{quoted(name)} {str(error) if isinstance(error, _Unfit) else words}."
        raise _at(name, FieldValueInvalid(detail, field=name, type=field.type)) from error


class _Unfit(ValueError):
    """Says in words of its own what is wrong with a value."""


def _store_text(value: Any, *_: object) -> str:
    if len(value) > MAX_FIELD_TEXT_CHARACTERS or not re.search(LINE_PATTERN, value):
        raise ValueError(value)
    return str(value)


def _store_number(value: Any, *_: object) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= MAX_FIELD_NUMBER:
        raise ValueError(value)
    return int(value) if value == int(value) else value


def _store_date(value: Any, *_: object) -> str:
    if not re.fullmatch(DATE_PATTERN, value):
        raise ValueError(value)
    return date.fromisoformat(value).isoformat()


def _store_choice(value: Any, field: CustomField, *_: object) -> str:
    option = field.find_option(value) if isinstance(value, str) else None
    if option is None:
        raise _Unfit(f"must be one of {', '.join(option.name for option in field.options)}")
    return str(option.id)


def _store_choices(value: Any, field: CustomField, *_: object) -> tuple[str, ...]:
    """In the order of the options, each once."""
    if not isinstance(value, tuple):
        raise TypeError
    if not value:
        raise _Unfit("cannot be empty: null removes it")
    chosen = {_store_choice(one, field) for one in value}
    return tuple(str(option.id) for option in field.options if str(option.id) in chosen)


def _store_person(value: Any, _: CustomField, workspace_id: UUID, context: DecisionContext) -> str:
    """The append asserts the membership."""
    user_id = msgspec.convert(value, UUID)
    if context(Member, member_stream_id(workspace_id, user_id)) is None:
        raise ValueError(value)
    return str(user_id)


def _store_checkbox(value: Any, *_: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _store_url(value: Any, *_: object) -> str:
    if len(value) > MAX_FIELD_URL_CHARACTERS or not re.search(LINE_PATTERN, value) or not _URL.fullmatch(value):
        raise ValueError(value)
    parts = urlsplit(value)
    if not parts.hostname or parts.port == 0:  # a port that is no number raises
        raise ValueError(value)
    return str(value)


_TYPES: Final[Mapping[FieldType, tuple[_Store, str]]] = {
    "text": (_store_text, f"must be one line of text of at most {MAX_FIELD_TEXT_CHARACTERS} characters"),
    "number": (_store_number, "must be a number between -(2^53-1) and 2^53-1"),
    "date": (_store_date, "must be a day in the calendar, such as 2026-12-01"),
    "choice": (_store_choice, "must be the name or the id of an option"),
    "choices": (_store_choices, "must be a list of names or ids of options"),
    "person": (_store_person, "must be the id of a member of the workspace"),
    "checkbox": (_store_checkbox, "must be true or false"),
    "url": (_store_url, f"must be an address with http or https, of at most {MAX_FIELD_URL_CHARACTERS} characters"),
}


def _at(name: str, refusal: Any) -> Any:
    """The refusal, with the member of the body that it is about."""
    refusal.pointer = child("#/fields", name)
    return refusal
