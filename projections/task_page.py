"""Pages of tasks: the tasks of a project, or of several workspaces, that match a filter, sorted."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from msgspec import Struct

from domain import filter as filters
from domain.errors import BadCursor
from projections import page_bytes
from projections.custom_field_names import FieldsByKey, definitions_query, fields_by_key, named_values
from projections.field_sql import FilterContext
from projections.filter_sql import compile_filter
from projections.pagination import PageCursor, encode_page, list_id_for
from projections.question import Answer, Query, Question
from projections.task_list import TaskRow
from projections.task_page_sql import MAX_UNROLLED_WORKSPACES, TaskPageSql, TaskScope
from projections.task_sorting import default_sort, sorting_for

TASK_FIELDS: Final = TaskRow.__struct_fields__


class TaskPageOptions(Struct, frozen=True):
    """The filter, order, size and fields of a page; `fields` has the order of `TASK_FIELDS`.

    With `finds_similar`, tasks with similar words are also found.
    """

    filter: str = ""
    sort: str | None = None
    limit: int = 50
    cursor: str | None = None
    fields: tuple[str, ...] = TASK_FIELDS
    is_counted: bool = False
    finds_similar: bool = False


class TaskPage(Struct, frozen=True, omit_defaults=True):
    """A page of tasks; `count` is the number of tasks on all pages, if requested.

    `similar`, if requested, has the ids of those on this page that only have words similar to those of the filter.
    """

    items: list[TaskRow]
    next_cursor: str | None
    count: int | None = None
    similar: list[UUID] | None = None


def page(scope: TaskScope, options: TaskPageOptions, context: FilterContext) -> Question:
    """The matching tasks outside the trash, and outside the archive unless the filter is about it.

    Across projects, without those of projects in the trash.

    Raises what `compile_filter` and `sorting_for` raise, BadCursor, and CursorMismatch for a cursor of another list.
    """
    terms = filters.parse(options.filter)
    filter_sql = compile_filter(
        terms, context, finds_similar=options.finds_similar, workspaces_sql=scope.workspaces_sql
    )
    sort = options.sort or default_sort(filter_sql.level_sqls, is_project=scope.is_project)
    sorting = sorting_for(
        sort,
        filter_sql.level_sqls,
        is_project=scope.is_project,
        matches_many=filter_sql.matches_many,
        fields=context.fields,
    )
    listing = TaskPageSql(scope, filter_sql, sorting)
    list_id = task_list_id(scope, options.filter, sort, finds_similar=options.finds_similar)
    after = PageCursor.parse(options.cursor, list_id, listing.sorting.cursor_type)
    if after and not 0 <= after[0] < len(listing.sorting.parts):
        raise BadCursor
    found = Query(listing.page_sql(options.fields, after[0] if after else None), dict)
    defined = (definitions_query(scope.projects_condition),) if "fields" in options.fields else ()
    counted = (Query(listing.count_sql(), dict),) if options.is_counted else ()

    def build_answer(rows: list[dict[str, Any]], *more: Sequence[Any]) -> Answer:
        fields = fields_by_key(more[0] if defined else ())
        counts: Sequence[dict[str, int]] = more[-1] if counted else ()
        items = [_shown(row, options.fields, fields) for row in rows[: options.limit]]
        return encode_page(
            items,
            len(rows),
            lambda count: PageCursor(list_id, listing.cursor_values(rows[count - 1])),
            **(counts[0] if counts else {}),
            **(_similar_member(rows[: options.limit]) if options.finds_similar else {}),
        )

    return Question(
        listing.projections(),
        scope.audience,
        scope.ids,
        f"tasks {list_id} {','.join(options.fields)} {options.is_counted}",
        (found, *defined, *counted),
        {
            **filter_sql.parameters,
            **sorting.parameters,
            **_parameters(scope, after),
            "rows": options.limit + 1,
            "max_bytes": page_bytes.MAX_PAGE_BYTES,
        },
        build_answer,
        filter_sql.is_time_dependent,
    )


def task_list_id(scope: TaskScope, filter_: str, sort: str, *, finds_similar: bool = False) -> UUID:
    """The id of a list of tasks, which its cursors carry."""
    similar = {"similar": True} if finds_similar else {}
    return list_id_for(scope.owner_id, "tasks", {"filter": filter_, "sort": sort, **similar})


def _shown(row: dict[str, Any], names: Sequence[str], fields: FieldsByKey) -> dict[str, Any]:
    """The members of a task, its custom fields by name."""
    shown = {name: row[name] for name in names}
    return shown | {"fields": named_values(shown["fields"], fields)} if shown.get("fields") else shown


def _similar_member(rows: Sequence[dict[str, Any]]) -> dict[str, list[UUID]]:
    return {"similar": [row["similar_id"] for row in rows if row.get("similar_id")]}


def _parameters(scope: TaskScope, after: tuple[Any, ...] | None) -> dict[str, object]:
    here = {
        "here": list(scope.ids),
        **{f"here_{number}": one for number, one in enumerate(scope.ids[:MAX_UNROLLED_WORKSPACES])},
    }
    return here | {f"after_{number}": value for number, value in enumerate(after[1:] if after else ())}
