"""Expansion: people in an answer about tasks with their names instead of ids alone, on request."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias, Union
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from api.http import history_items
from domain.event import Actor
from infra.log.event_log import EventLog
from projections import pagination
from projections.question import Answer
from projections.task_list import SingleTaskRow, TaskRow

EXPANDABLE: Final = ("assignees", "created_by", "completed_by")
_EXPAND_DESCRIPTION = (
    "These members, separated by commas, have `{id, name}` for each person instead of an id: "
    "`assignees`, `created_by`, `completed_by`."
)


def parse_expand(text: str | None) -> tuple[str, ...]:
    """The members to expand; raises ValueError for unknown or repeated ones."""
    names = tuple(text.split(",")) if text is not None else ()
    if any(name not in EXPANDABLE or names.count(name) > 1 for name in names):
        raise ValueError(f"takes {', '.join(EXPANDABLE)}, each once")
    return names


Expand: TypeAlias = Annotated[
    str | None, Meta(description=_EXPAND_DESCRIPTION, examples=["assignees"], extra={"check": parse_expand})
]


class Person(Struct, frozen=True):
    """A user with their name, which is null once it is erased."""

    id: UUID
    name: str | None


_PEOPLE_TYPES: Final[dict[str, Any]] = {
    "assignees": tuple[UUID | Person, ...],
    "created_by": UUID | Person,
    "completed_by": UUID | Person | None,
}
_EXPANDED_FIELDS: Final[dict[str, Any]] = {
    field.name: _PEOPLE_TYPES.get(field.name, field.type) for field in msgspec.structs.fields(TaskRow)
}
if TYPE_CHECKING:
    ExpandedTask: TypeAlias = SingleTaskRow
    PartialTask: TypeAlias = TaskRow
else:
    ExpandedTask = msgspec.defstruct(
        "ExpandedTask",
        [*_EXPANDED_FIELDS.items(), ("watching", bool)],
        module=__name__,
        namespace={"__doc__": "A task with the names of people."},
        frozen=True,
    )
    PartialTask = msgspec.defstruct(
        "PartialTask",
        [(name, Union[kind, UnsetType], UNSET) for name, kind in _EXPANDED_FIELDS.items()],  # noqa: UP007 - of types that are known at run time only
        module=__name__,
        namespace={"__doc__": "The requested members of a task, with the names of people if they were requested."},
        frozen=True,
    )


class PartialTaskPage(Struct, frozen=True, omit_defaults=True):
    """A page of tasks, each with the requested members only, or with the names of people."""

    items: list[PartialTask]
    next_cursor: str | None
    count: int | None = None
    similar: list[UUID] | None = None


async def expand(log: EventLog, answer: Answer, members: tuple[str, ...]) -> Answer:
    """The answer about one task or several, with people for the ids in these members."""
    content = msgspec.json.decode(answer.body)
    tasks = list(_tasks_in(content))
    ids = {person for task in tasks for member in members for person in _ids_of(task.get(member))}
    names = await history_items.load_names(log, [Actor(person) for person in sorted(ids)])
    for task in tasks:
        for member in task.keys() & set(members):
            task[member] = _with_names(task[member], names)
    body = msgspec.json.encode(content)
    version = content["version"] if "-" in answer.etag else None
    return msgspec.structs.replace(answer, body=body, etag=pagination.etag(body, version))


def _tasks_in(content: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The tasks of a page, of the columns of a board, or the one task that the answer is."""
    if "columns" in content:
        yield from (task for column in content["columns"] for task in column["items"])
    else:
        yield from content.get("items", [content])


def _ids_of(value: Any) -> list[UUID]:
    return [UUID(one) for one in (value if isinstance(value, list) else [value]) if one is not None]


def _with_names(value: Any, names: dict[UUID, str]) -> Any:
    if isinstance(value, list):
        return [_with_names(one, names) for one in value]
    return None if value is None else Person(UUID(value), names.get(UUID(value)))
