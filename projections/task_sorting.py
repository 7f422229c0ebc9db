"""The orders of task lists, by name."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Literal, TypeAlias, get_args
from uuid import UUID

from msgspec import Meta

from domain.errors import SortNeedsText
from domain.filter.tokens import custom_field_name
from domain.rank import MAX_RANK_CHARACTERS
from projections.custom_field_sorting import custom_field_sorting
from projections.custom_field_sql import NO_FIELDS, FieldsByName
from projections.sorting import Sorting
from projections.task_list import NO_DUE_AT

TaskSort: TypeAlias = Literal[
    "rank", "-rank", "due", "-due", "priority", "-priority", "created", "-created",
    "updated", "-updated", "key", "-key", "title", "-title", "relevance", "-relevance",
]  # fmt: skip
TASK_SORTS: Final[tuple[str, ...]] = get_args(TaskSort)
_NO_DUE_AT_SQL: Final = f"'{NO_DUE_AT.isoformat()}'::timestamptz"
_Rank: TypeAlias = Annotated[str, Meta(max_length=MAX_RANK_CHARACTERS)]
_ProjectKey: TypeAlias = Annotated[str, Meta(pattern="^[A-Z][A-Z0-9]*$", max_length=20)]


_EXPRESSIONS: Final[dict[str, tuple[tuple[str, ...], Any]]] = {
    "rank": (('task.rank collate "C"',), tuple[int, _Rank, UUID]),
    "key": (("split_part(task.key, '-', 1)", "task.number"), tuple[int, _ProjectKey, int, UUID]),
    "due": (("task.due_at",), tuple[int, datetime, UUID]),
    "priority": (("task.urgency",), tuple[int, int, UUID]),
    "created": (("task.created_at",), tuple[int, datetime, UUID]),
    "updated": (("task.updated_hour", "task.updated_at"), tuple[int, int, datetime, UUID]),
}
_RELEVANCE_CURSOR_TYPE: Final = tuple[int, UUID]
_ID_SQL: Final = "search.id"
"""In the order of an index: the newest tasks are read until they are enough."""
_ID_WITHOUT_INDEX_SQL: Final = "coalesce(search.id, task.id)"
"""All that match are read and sorted; of those that match a strict filter, perhaps all are old."""
_TITLE_CURSOR_TYPE: Final = tuple[int, Annotated[str, Meta(max_length=800)], UUID]


def sort_field(sort: str) -> str | None:
    """The name of the custom field that an order is by."""
    return custom_field_name(sort.removeprefix("-"))


def sorting_for(
    sort: str,
    level_sqls: Sequence[str],
    *,
    is_project: bool,
    matches_many: bool = True,
    fields: FieldsByName = NO_FIELDS,
) -> Sorting:
    """The order with that name; `level_sqls` are the conditions of the levels of relevance, none without search text.

    Tasks without a due date come last in both directions. `relevance` sorts the best match first, of equal ones the
    latest, and `-relevance` the other way round; `matches_many` is that of the filter. Raises
    SortNeedsText or UnknownSortField.
    """
    name, is_down = sort.removeprefix("-"), sort.startswith("-")
    if field := sort_field(sort):
        return custom_field_sorting(field, fields, is_descending=is_down)
    if name == "relevance":
        if not level_sqls:
            raise SortNeedsText
        levels = tuple(reversed(level_sqls) if is_down else level_sqls)
        newest = _ID_SQL if matches_many else _ID_WITHOUT_INDEX_SQL
        return Sorting((newest,), _RELEVANCE_CURSOR_TYPE, not is_down, levels, is_by_relevance=True, reads_text=True)
    if name == "title":
        return Sorting(("search.title_key", "search.id"), _TITLE_CURSOR_TYPE, is_down, reads_text=True)
    by, kind = _EXPRESSIONS["key" if name == "rank" and not is_project else name]
    # Not `=`: the planner would sort by id alone, by the primary key, which scans the tasks of all workspaces.
    parts = (f"task.due_at < {_NO_DUE_AT_SQL}", f"task.due_at >= {_NO_DUE_AT_SQL}") if sort == "-due" else ("true",)
    return Sorting((*by, "task.id"), kind, is_down, parts)


def default_sort(level_sqls: Sequence[str], *, is_project: bool) -> TaskSort:
    """The order if none is requested: relevance with search text, rank in a project, else the latest change."""
    if level_sqls:
        return "relevance"
    return "rank" if is_project else "-updated"
