"""Rows: every object of a file that stands for a task, with its place in the file."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TypeGuard

from msgspec import Struct

from cli.import_.parsing import DuplicateNames, JsonLines
from infra.errors import OperatorError

TITLE_FIELDS = ("title", "name", "text", "task", "todo")
LIST_FIELDS = frozenset({"tasks", "todos", "items"})
SUB_TASK_FIELDS = frozenset({"subtasks", "children", "tasks", "todos"})


class Row(Struct, frozen=True):
    """What may be a task, below the titles of the tasks that it is part of."""

    location: str
    value: object
    list_name: str = ""
    parent_titles: tuple[str, ...] = ()


class FileRows(Struct, frozen=True):
    """The rows of a file, and the fields beside its lists, which no task carries."""

    rows: tuple[Row, ...]
    other_fields: Counter[str]


def find_rows(document: object, name: str) -> FileRows:
    """The rows of a parsed file; raises OperatorError where it is no task list."""
    other_fields: Counter[str] = Counter()
    if isinstance(document, JsonLines):
        top_rows = [Row(f"line {number}", value) for number, value in document.values]
    elif isinstance(document, list):
        top_rows = [Row(f"[{index}]", value) for index, value in enumerate(document)]
    elif isinstance(document, dict):
        top_rows = _rows_of_object(document, name, other_fields)
    else:
        raise OperatorError(f"{name} holds {describe_json_type(document)}, not a task list")
    return FileRows(tuple(row for top in top_rows for row in _with_sub_tasks(top)), other_fields)


def normalize_name(name: str) -> str:
    """A name without what people vary in it: `due_date`, `Due date` and `dueDate` are one."""
    return re.sub(r"[\s_-]", "", name).casefold()


def title_of(row: Mapping[str, object]) -> object:
    """The value of the first synonym of title that the row has; None without one."""
    values = {normalize_name(name): value for name, value in reversed(list(row.items())) if value is not None}
    return next((values[name] for name in TITLE_FIELDS if name in values), None)


def describe_json_type(value: object) -> str:
    """What a JSON value is, in words."""
    kinds: dict[type, str] = {dict: "an object", list: "a list", str: "text", bool: "true or false"}
    return "null" if value is None else kinds.get(type(value), "a number")


def _rows_of_object(document: Mapping[str, object], name: str, other_fields: Counter[str]) -> list[Row]:
    """Lists by their names; otherwise tags, each an object with such lists, or a list itself; otherwise one task."""
    if isinstance(document, DuplicateNames):
        raise OperatorError(f"{name} has a name twice at its top: only one of the two would be read")
    objects_by_tag = {
        tag: value for tag, value in document.items() if isinstance(value, dict) and _has_task_list(value)
    }
    if not objects_by_tag and not _has_task_list(document):
        lists = {tag: value for tag, value in document.items() if _is_task_list(value)}
        if lists:
            other_fields.update(document.keys() - lists.keys())
            return [Row(f"{tag}[{at}]", task, tag) for tag, value in lists.items() for at, task in enumerate(value)]
        if title_of(document) is None:
            raise OperatorError(f"{name} has no list of tasks: expected a list, or an object with `tasks`")
        return [Row("the object", document)]
    rows = list(_rows_of_lists(document, "", "", other_fields, objects_by_tag))
    for tag, value in objects_by_tag.items():
        if isinstance(value, DuplicateNames):
            raise OperatorError(f"{name} has a name twice in {tag!r}: only one of the two would be read")
        rows += _rows_of_lists(value, tag, f"{tag}.", other_fields)
    return rows


def _rows_of_lists(
    parent: Mapping[str, object],
    list_name: str,
    path: str,
    other_fields: Counter[str],
    excluded: Mapping[str, object] = {},
) -> Iterator[Row]:
    for name, value in parent.items():
        if normalize_name(name) in LIST_FIELDS and isinstance(value, list):
            yield from (Row(f"{path}{name}[{index}]", task, list_name) for index, task in enumerate(value))
        elif name not in excluded:
            other_fields[name] += 1


def _is_task_list(value: object) -> TypeGuard[list[object]]:
    """Whether it is a list of tasks, whatever its name."""
    return isinstance(value, list) and any(isinstance(task, dict) for task in value)


def _has_task_list(parent: Mapping[str, object]) -> bool:
    return any(normalize_name(name) in LIST_FIELDS and isinstance(value, list) for name, value in parent.items())


def _with_sub_tasks(top: Row) -> Iterator[Row]:
    """The row, then all below it, in the order of the file; without recursion, as files nest deep."""
    pending = [top]
    while pending:
        row = pending.pop()
        yield row
        if isinstance(row.value, dict):
            pending += reversed(list(_sub_task_rows(row, row.value)))


def _sub_task_rows(row: Row, value: Mapping[str, object]) -> Iterator[Row]:
    title = title_of(value)
    parents = (*row.parent_titles, title if isinstance(title, str) else row.location)
    for name, nested in value.items():
        for index, task in enumerate(sub_tasks_in(name, nested)):
            yield Row(f"{row.location}.{name}[{index}]", task, row.list_name, parents)


def sub_tasks_in(name: str, value: object) -> list[object]:
    """The tasks that a task's field holds; none in, say, a list of their ids."""
    return value if normalize_name(name) in SUB_TASK_FIELDS and _is_task_list(value) else []
