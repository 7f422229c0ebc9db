"""Rows of an imported file: objects that may be tasks, each with its location, and their sub-tasks."""

from collections.abc import Iterator, Mapping
from typing import TypeGuard

from msgspec import Struct

from cli.import_.field_names import SUB_TASK_FIELDS, TITLE_FIELDS, may_have_sub_tasks, normalize_name


class Row(Struct, frozen=True):
    """A candidate for a task: its value, location in the file, and the titles of its parent tasks."""

    location: str
    value: object
    list_name: str = ""
    parent_titles: tuple[str, ...] = ()
    list_state: str = ""
    """What is true of its whole list: `archived` or `deleted`."""
    parent: Mapping[str, object] | None = None
    """The value of the row that it is a sub-task of."""


def title_of(row: Mapping[str, object]) -> object:
    """The value of the first synonym of title that the row has, or None."""
    values = {normalize_name(name): value for name, value in reversed(list(row.items())) if value is not None}
    return next((values[name] for name in TITLE_FIELDS if name in values), None)


def describe_json_type(value: object) -> str:
    """The type of a JSON value, in words."""
    kinds: dict[type, str] = {dict: "an object", list: "a list", str: "text", bool: "true or false"}
    return "null" if value is None else kinds.get(type(value), "a number")


def has_objects(value: object) -> TypeGuard[list[object]]:
    """Whether it is a list with at least one object in it."""
    return isinstance(value, list) and any(isinstance(item, dict) for item in value)


def with_sub_tasks(top: Row) -> Iterator[Row]:
    """The row, then its sub-tasks, in file order; iterative, as files may nest deeply."""
    pending = [top]
    while pending:
        row = pending.pop()
        yield row
        if isinstance(row.value, dict):
            pending += reversed(tuple(_sub_task_rows(row, row.value)))


def sub_tasks_in(name: str, value: object) -> list[object]:
    """The sub-tasks in a field of a task; none if it holds a list of ids, for example."""
    return value if normalize_name(name) in SUB_TASK_FIELDS and has_objects(value) else []


def _sub_task_rows(row: Row, value: Mapping[str, object]) -> Iterator[Row]:
    if not may_have_sub_tasks(tuple(value)):
        return
    nested_lists = [(name, nested) for name, nested in value.items() if sub_tasks_in(name, nested)]
    if not nested_lists:
        return
    title = title_of(value)
    parents = (*row.parent_titles, title if isinstance(title, str) else row.location)
    for name, nested in nested_lists:
        for index, task in enumerate(sub_tasks_in(name, nested)):
            yield Row(f"{row.location}.{name}[{index}]", task, row.list_name, parents, row.list_state, value)
