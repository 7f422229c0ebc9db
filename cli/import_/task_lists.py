"""Finds the lists of tasks in a parsed file: only where objects are tasks, not labels, lists or people."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct

from cli.import_.field_names import (
    CONTAINER_FIELDS,
    ENVELOPES,
    LIST_FIELDS,
    OTHER_LISTS,
    PLAIN_FIELDS,
    TASK_FIELDS,
    TRACKER_LISTS,
    normalize_name,
    normalize_word,
)
from cli.import_.flat_parents import with_flat_parents
from cli.import_.known_exports import refuse_known_exports
from cli.import_.other_kinds import is_pull_request, kind_of_objects
from cli.import_.parsing import DuplicateNames, JsonLines
from cli.import_.progress_claims import state_of_list
from cli.import_.row_fields import EMPTY_VALUES
from cli.import_.rows import Row, describe_json_type, has_objects, title_of, with_sub_tasks
from cli.import_.shortening import quote, shorten
from cli.import_.status_words import STATUS_BY_WORD
from infra.errors import OperatorError

MAX_ENVELOPES: Final = 8
"""How deep a list may be wrapped in objects and lists of lists."""


class FileRows(Struct, frozen=True):
    """The rows of a file, and counts of the fields that are outside its task lists."""

    rows: tuple[Row, ...]
    other_fields: Counter[str]
    pull_requests: int = 0
    """Left out of the rows."""


def find_rows(document: object, name: str) -> FileRows:
    """The rows of a parsed file; raises OperatorError if it is not a task list."""
    finder = _Finder(name)
    if isinstance(document, JsonLines):
        values = [value for _, value in document.values]
        refuse_known_exports(values, name)
        finder.other_kind = kind_of_objects(values)
        top_rows = [] if finder.other_kind else [Row(f"line {number}", value) for number, value in document.values]
    elif isinstance(document, list):
        top_rows = list(finder.rows_of_list(document, "", ""))
    elif isinstance(document, dict):
        top_rows = list(finder.rows_of_document(document))
    else:
        raise OperatorError(f"{name} holds {describe_json_type(document)}, not a task list")
    if not top_rows and finder.other_kind:
        raise OperatorError(f"{name} has no list of tasks, but {finder.other_kind}: {_WHAT_TO_DO}")
    rows = tuple(row for top in top_rows if not is_pull_request(top.value) for row in with_sub_tasks(top))
    return FileRows(with_flat_parents(rows), finder.other_fields, sum(is_pull_request(top.value) for top in top_rows))


class _Finder:
    """Walks through the objects and lists around the rows of one file, and counts what is beside them."""

    def __init__(self, name: str) -> None:
        self.other_fields: Counter[str] = Counter()
        self.other_kind: str | None = None
        self._name = name

    def rows_of_document(self, document: Mapping[str, object]) -> Iterator[Row]:
        """Its task lists, wherever they are; else the object is one task. Raises OperatorError if it is none."""
        found = list(self.rows_of_object(document, "", "", 0))
        if found or _has_list(document, LIST_FIELDS):
            return iter(found)
        self.other_kind = self.other_kind or kind_of_objects([document])
        if title_of(document) is None or not _may_be_task(document) or self.other_kind:
            raise OperatorError(f"{self._name} has no list of tasks{self._describe_other(document)}: {_WHAT_TO_DO}")
        self.other_fields.clear()
        return iter([Row("the object", document)])

    def rows_of_object(self, parent: Mapping[str, object], path: str, list_name: str, depth: int) -> Iterator[Row]:
        """Known lists and tags (objects with such lists); else what is only wrapped; else lists by their names."""
        self._check(parent, path)
        if depth > MAX_ENVELOPES:
            return
        is_known = _has_list(parent, LIST_FIELDS)
        objects = {tag: value for tag, value in parent.items() if isinstance(value, dict) and _has_tasks(value)}
        wrapped = {} if is_known or objects else self._wrapped_in(parent, path)
        named = {} if is_known or objects or wrapped else _named_task_lists(parent)
        for name, value in parent.items():
            inner = f"{path}{name}"
            if isinstance(value, dict) and (name in objects or name in wrapped):
                label = list_name if normalize_name(name) in ENVELOPES else name
                yield from self.rows_of_object(value, f"{inner}.", label, depth + 1)
            elif isinstance(value, list) and (name in wrapped or (is_known and normalize_name(name) in LIST_FIELDS)):
                yield from self.rows_of_list(value, inner, list_name, depth + 1)
            elif name in named:
                yield from self.rows_of_list(named[name], inner, name, depth + 1)
            else:
                self._count_other(name, value)

    def rows_of_list(
        self, values: Sequence[object], path: str, list_name: str, depth: int = 0, list_state: str = ""
    ) -> Iterator[Row]:
        """A row for each value, except where the objects are lists or projects that contain the tasks."""
        values = [_unwrap_edge(value) for value in values]
        refuse_known_exports(values, self._name)
        if kind := kind_of_objects(values):
            self.other_kind = kind
            self._count_other(path or "objects", values)
            return
        are_containers = depth <= MAX_ENVELOPES and any(_is_container(value, has_objects) for value in values)
        for index, value in enumerate(values):
            inner = f"{path}[{index}]"
            if are_containers and isinstance(value, dict) and _is_container(value, _is_list_or_null):
                self._check(value, inner)
                state = state_of_list(value) or list_state
                yield from self._rows_of_container(value, inner, (list_name, state), depth)
            else:
                yield Row(inner, value, list_name, list_state=list_state)

    def _rows_of_container(
        self, value: Mapping[str, object], path: str, name_and_state: tuple[str, str], depth: int
    ) -> Iterator[Row]:
        title = title_of(value) or value.get("displayName")
        label = title.strip() if isinstance(title, str) and title.strip() else name_and_state[0]
        for name, nested in value.items():
            if normalize_name(name) in CONTAINER_FIELDS and isinstance(nested, list):
                yield from self.rows_of_list(nested, f"{path}.{name}", label, depth + 1, name_and_state[1])
            elif nested is not title:
                self._count_other(name, nested)

    def _describe_other(self, document: Mapping[str, object]) -> str:
        return f", but {self.other_kind}" if self.other_kind else _describe_lists(document)

    def _count_other(self, name: str, value: object) -> None:
        """Count a member that belongs to no task: each of a list, and nothing if it is empty."""
        if value not in EMPTY_VALUES:
            self.other_fields[name] += len(value) if isinstance(value, list) else 1

    def _check(self, parent: Mapping[str, object], path: str) -> None:
        if isinstance(parent, DuplicateNames):
            where = quote(path.rstrip(".")) if path else "the top level"
            raise OperatorError(f"{self._name} has a name twice in {where}: only one of the two would be read")
        refuse_known_exports(parent, self._name)

    def _wrapped_in(self, parent: Mapping[str, object], path: str) -> dict[str, object]:
        """The members that only wrap: an object in which tasks are found, or a list of objects that are tasks."""
        is_tracker = any(normalize_name(part) in TRACKER_LISTS for part in path.split("."))
        members = {name: value for name, value in parent.items() if normalize_name(name) in ENVELOPES}
        return {
            name: value
            for name, value in members.items()
            if self._wraps_tasks(name, value, is_tracker=is_tracker, depth=0)
        }

    def _wraps_tasks(self, name: str, value: object, *, is_tracker: bool, depth: int) -> bool:
        is_tracker = is_tracker or normalize_name(name) in TRACKER_LISTS
        if isinstance(value, dict):
            return depth < MAX_ENVELOPES and (
                _has_tasks(value)
                or any(
                    normalize_name(inner) in ENVELOPES
                    and self._wraps_tasks(inner, nested, is_tracker=is_tracker, depth=depth + 1)
                    for inner, nested in value.items()
                )
            )
        if not has_objects(value):
            return False
        objects = [inner for each in value if isinstance(inner := _unwrap_edge(each), dict)]
        refuse_known_exports(objects, self._name)
        if _are_tasks(objects, is_task_name=is_tracker) or _are_bare(objects):
            return True
        return any(_is_container(each, has_objects) for each in objects)


_WHAT_TO_DO = "a list of objects with `title` is needed, or an object with such a list as `tasks`."


def _has_list(parent: Mapping[str, object], names: frozenset[str]) -> bool:
    return any(normalize_name(name) in names and isinstance(value, list) for name, value in parent.items())


def _has_tasks(parent: Mapping[str, object]) -> bool:
    return _has_list(parent, LIST_FIELDS)


def _named_task_lists(parent: Mapping[str, object]) -> dict[str, list[object]]:
    """The lists of tasks, or of what contains them, by name; bare names are tasks only in a file without others."""
    lists = {name: value for name, value in parent.items() if has_objects(value)}
    is_export = any(normalize_name(name) in OTHER_LISTS for name in lists)
    found = {}
    for name, value in lists.items():
        objects = [each for each in value if isinstance(each, dict)]
        is_status = normalize_word(name) in STATUS_BY_WORD
        if any(_is_container(each, has_objects) for each in objects) or (
            normalize_name(name) not in OTHER_LISTS | ENVELOPES
            and (_are_tasks(objects, is_task_name=is_status) or (not is_export and _are_bare(objects)))
        ):
            found[name] = value
    return found


def _are_tasks(objects: Sequence[Mapping[str, object]], *, is_task_name: bool) -> bool:
    """Whether any has a title, and a field that only tasks have."""
    titled = [each for each in objects if isinstance(title_of(each) or each.get("content"), str)]
    return bool(titled) and (
        is_task_name or any(normalize_name(name) in TASK_FIELDS for each in titled for name in each)
    )


def _are_bare(objects: Sequence[Mapping[str, object]]) -> bool:
    """Whether they have titles, not only names as anything has, and no fields that tasks do not have."""
    return any(isinstance(title_of(each), str) and "name" not in each for each in objects) and all(
        normalize_name(name) in PLAIN_FIELDS for each in objects for name in each
    )


def _is_container(value: object, is_list_of_tasks: Callable[[object], bool]) -> bool:
    """Whether it is an object with a list of tasks, and no field of a task."""
    return (
        isinstance(value, dict)
        and any(normalize_name(name) in CONTAINER_FIELDS and is_list_of_tasks(inner) for name, inner in value.items())
        and not any(normalize_name(name) in TASK_FIELDS and inner is not None for name, inner in value.items())
    )


def _is_list_or_null(value: object) -> bool:
    return value is None or isinstance(value, list)


def _unwrap_edge(value: object) -> object:
    """The node of an edge, as GraphQL APIs answer lists."""
    if isinstance(value, dict) and "node" in value and value.keys() <= {"node", "cursor"}:
        return value["node"]
    return value


def _may_be_task(document: Mapping[str, object]) -> bool:
    names = {normalize_name(name) for name in document}
    lists = [name for name, value in document.items() if has_objects(value)]
    return bool(names & TASK_FIELDS) or not lists


def _describe_lists(document: Mapping[str, object]) -> str:
    lists = [name for name, value in document.items() if isinstance(value, list)]
    return f" (but {', '.join(map(shorten, lists[:5]))})" if lists else ""
