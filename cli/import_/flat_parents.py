"""Finds the parents of rows that name them by the file's own ids, and brings parents before their sub-tasks."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from cli.import_.field_names import PARENT_FIELDS, may_have_parent, normalize_name
from cli.import_.rows import Row


def with_flat_parents(rows: Sequence[Row]) -> tuple[Row, ...]:
    """The rows, each after its parent, else in the order of the file; those whose parents go in circles have none."""
    if not any(isinstance(row.value, dict) and may_have_parent(tuple(row.value)) for row in rows):
        return tuple(rows)
    by_id = _rows_by_id(rows)
    linked = [_with_parent(row, by_id) for row in rows]
    return tuple(_in_order(linked))


def own_id_of(value: object) -> str | None:
    """The id of an object of the file, as text."""
    if not isinstance(value, dict):
        return None
    return _id_text(next((inner for name, inner in value.items() if normalize_name(name) == "id"), None))


def parent_id_of(value: object) -> str | None:
    """The id in a field that names a parent, or in an object there."""
    return own_id_of(value) if isinstance(value, dict) else _id_text(value)


def _id_text(value: object) -> str | None:
    is_id = isinstance(value, str | int) and not isinstance(value, bool) and value != ""
    return str(value) if is_id else None


def _rows_by_id(rows: Sequence[Row]) -> dict[tuple[str, str], Row | None]:
    """The rows that are below none, by list and id; `None` where an id is that of several rows."""
    by_id: dict[tuple[str, str], Row | None] = {}
    for row in rows:
        if row.parent is None and (own := own_id_of(row.value)):
            key = row.list_name, own
            by_id[key] = None if key in by_id else row
    return by_id


def _with_parent(row: Row, by_id: dict[tuple[str, str], Row | None]) -> Row:
    if row.parent is not None or not isinstance(row.value, dict) or not may_have_parent(tuple(row.value)):
        return row
    named = {normalize_name(name): value for name, value in reversed(list(row.value.items())) if value is not None}
    wanted = next((parent_id_of(named[name]) for name in PARENT_FIELDS if name in named), None)
    parent = by_id.get((row.list_name, wanted)) if wanted else None
    return replace(row, parent=parent.value) if parent is not None and isinstance(parent.value, dict) else row


def _in_order(rows: Sequence[Row]) -> Iterator[Row]:
    waiting: defaultdict[int, list[Row]] = defaultdict(list)
    seen: set[int] = set()
    for row in rows:
        if row.parent is not None and id(row.parent) not in seen:
            waiting[id(row.parent)].append(row)
        else:
            yield from _with_waiting(row, waiting, seen)
    by_value = {id(row.value): row for row in rows} if waiting else {}
    for row in rows if waiting else ():
        if id(row.value) not in seen and row.parent is not None:
            first = _row_in_circle(row, by_value)
            waiting[id(first.parent)].remove(first)
            yield from _with_waiting(replace(first, parent=None), waiting, seen)


def _with_waiting(row: Row, waiting: dict[int, list[Row]], seen: set[int]) -> Iterator[Row]:
    """The row, and those that waited for it; iterative, as they may be below each other."""
    pending = [row]
    while pending:
        row = pending.pop()
        seen.add(id(row.value))
        yield row
        pending += reversed(waiting.pop(id(row.value), []))


def _row_in_circle(row: Row, by_value: dict[int, Row]) -> Row:
    """A row of the circle that the parents of this one lead to."""
    passed: set[int] = set()
    while id(row.value) not in passed:
        passed.add(id(row.value))
        row = by_value[id(row.parent)]
    return row
