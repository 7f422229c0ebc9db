"""Rows: every object of a file that stands for a task, with its place in the file."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TypeGuard

from msgspec import Struct

from cli.import_.parsing import Lines, Repeated
from infra.errors import OperatorError

TITLE = ("title", "name", "text", "task", "todo")
LISTS = frozenset({"tasks", "todos", "items"})
SUB_TASKS = frozenset({"subtasks", "children", "tasks", "todos"})


class Row(Struct, frozen=True):
    """What may be a task, below the titles of the tasks that it is part of."""

    place: str
    value: object
    tag: str = ""
    parents: tuple[str, ...] = ()


class Rows(Struct, frozen=True):
    """The rows of a file, and the fields beside its lists, which no task carries."""

    rows: tuple[Row, ...]
    beside: Counter[str]


def rows_of(document: object, name: str) -> Rows:
    """The rows of a parsed file; raises OperatorError where it is no task list."""
    beside: Counter[str] = Counter()
    if isinstance(document, Lines):
        tops = [Row(f"line {number}", value) for number, value in document.values]
    elif isinstance(document, list):
        tops = [Row(f"[{index}]", value) for index, value in enumerate(document)]
    elif isinstance(document, dict):
        tops = _of_object(document, name, beside)
    else:
        raise OperatorError(f"{name} holds {kind(document)}, not a task list")
    return Rows(tuple(row for top in tops for row in _with_sub_tasks(top)), beside)


def plain(name: str) -> str:
    """A name without what people vary in it: `due_date`, `Due date` and `dueDate` are one."""
    return re.sub(r"[\s_-]", "", name).casefold()


def title_of(row: Mapping[str, object]) -> object:
    """The value of the first synonym of title that the row has; None without one."""
    values = {plain(name): value for name, value in reversed(list(row.items())) if value is not None}
    return next((values[name] for name in TITLE if name in values), None)


def kind(value: object) -> str:
    """What a JSON value is, in words."""
    kinds: dict[type, str] = {dict: "an object", list: "a list", str: "text", bool: "true or false"}
    return "null" if value is None else kinds.get(type(value), "a number")


def _of_object(document: Mapping[str, object], name: str, beside: Counter[str]) -> list[Row]:
    """Lists by their names; otherwise tags, each an object with such lists, or a list itself; otherwise one task."""
    if isinstance(document, Repeated):
        raise OperatorError(f"{name} has a name twice at its top: only one of the two would be read")
    tagged = {tag: value for tag, value in document.items() if isinstance(value, dict) and _has_list(value)}
    if not tagged and not _has_list(document):
        lists = {tag: value for tag, value in document.items() if _is_list(value)}
        if lists:
            beside.update(document.keys() - lists.keys())
            return [Row(f"{tag}[{at}]", task, tag) for tag, value in lists.items() for at, task in enumerate(value)]
        if title_of(document) is None:
            raise OperatorError(f"{name} has no list of tasks: expected a list, or an object with `tasks`")
        return [Row("the object", document)]
    rows = list(_listed(document, "", "", beside, tagged))
    for tag, value in tagged.items():
        if isinstance(value, Repeated):
            raise OperatorError(f"{name} has a name twice in {tag!r}: only one of the two would be read")
        rows += _listed(value, tag, f"{tag}.", beside)
    return rows


def _listed(
    holder: Mapping[str, object], tag: str, path: str, beside: Counter[str], known: Mapping[str, object] = {}
) -> Iterator[Row]:
    for name, value in holder.items():
        if plain(name) in LISTS and isinstance(value, list):
            yield from (Row(f"{path}{name}[{index}]", task, tag) for index, task in enumerate(value))
        elif name not in known:
            beside[name] += 1


def _is_list(value: object) -> TypeGuard[list[object]]:
    """Whether it is a list of tasks, whatever its name."""
    return isinstance(value, list) and any(isinstance(task, dict) for task in value)


def _has_list(holder: Mapping[str, object]) -> bool:
    return any(plain(name) in LISTS and isinstance(value, list) for name, value in holder.items())


def _with_sub_tasks(top: Row) -> Iterator[Row]:
    """The row, then all below it, in the order of the file; without recursion, as files nest deep."""
    waiting = [top]
    while waiting:
        row = waiting.pop()
        yield row
        if isinstance(row.value, dict):
            waiting += reversed(list(_below(row, row.value)))


def _below(row: Row, value: Mapping[str, object]) -> Iterator[Row]:
    title = title_of(value)
    parents = (*row.parents, title if isinstance(title, str) else row.place)
    for name, nested in value.items():
        for index, task in enumerate(sub_tasks(name, nested)):
            yield Row(f"{row.place}.{name}[{index}]", task, row.tag, parents)


def sub_tasks(name: str, value: object) -> list[object]:
    """The tasks that a task's field holds; none in, say, a list of their ids."""
    return value if plain(name) in SUB_TASKS and _is_list(value) else []
