"""Finds the rows of an imported file: every object that represents a task, with its location."""

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
    """A candidate for a task: its value, location in the file, and the titles of its parent tasks."""

    location: str
    value: object
    list_name: str = ""
    parent_titles: tuple[str, ...] = ()


class FileRows(Struct, frozen=True):
    """The rows of a file, and counts of the fields that are outside its task lists."""

    rows: tuple[Row, ...]
    other_fields: Counter[str]


def find_rows(document: object, name: str) -> FileRows:
    """The rows of a parsed file; raises OperatorError if it is not a task list."""
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
    """A name without spelling variants: `due_date`, `Due date` and `dueDate` are the same."""
    return re.sub(r"[\s_-]", "", name).casefold()


def title_of(row: Mapping[str, object]) -> object:
    """The value of the first synonym of title that the row has, or None."""
    values = {normalize_name(name): value for name, value in reversed(list(row.items())) if value is not None}
    return next((values[name] for name in TITLE_FIELDS if name in values), None)


def describe_json_type(value: object) -> str:
    """The type of a JSON value, in words."""
    kinds: dict[type, str] = {dict: "an object", list: "a list", str: "text", bool: "true or false"}
    return "null" if value is None else kinds.get(type(value), "a number")


def _rows_of_object(document: Mapping[str, object], name: str, other_fields: Counter[str]) -> list[Row]:
    """Lists with known names, else tags (objects with such lists, or lists themselves), else one task."""
    if isinstance(document, DuplicateNames):
        raise OperatorError(f"{name} has a name twice at the top level: only one of the two would be read")
    objects_by_tag = {
        tag: value for tag, value in document.items() if isinstance(value, dict) and _has_task_list(value)
    }
    if not objects_by_tag and not _has_task_list(document):
        lists = {tag: value for tag, value in document.items() if _is_task_list(value)}
        if lists:
            other_fields.update(document.keys() - lists.keys())
            return [Row(f"{tag}[{at}]", task, tag) for tag, value in lists.items() for at, task in enumerate(value)]
        if title_of(document) is None:
            raise OperatorError(f"{name} has no list of tasks: a list, or an object with `tasks`, is needed.")
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
    """Whether it is a list with at least one object in it."""
    return isinstance(value, list) and any(isinstance(task, dict) for task in value)


def _has_task_list(parent: Mapping[str, object]) -> bool:
    return any(normalize_name(name) in LIST_FIELDS and isinstance(value, list) for name, value in parent.items())


def _with_sub_tasks(top: Row) -> Iterator[Row]:
    """The row, then its sub-tasks, in file order; iterative, as files may nest deeply."""
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
    """The sub-tasks in a field of a task; none if it holds a list of ids, for example."""
    return value if normalize_name(name) in SUB_TASK_FIELDS and _is_task_list(value) else []
