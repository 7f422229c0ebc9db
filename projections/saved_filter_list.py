"""The saved filters: one row per filter of a user, in addition to the builtin ones."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from domain.event import OpaqueEvent, RecordedEvent, apply_changes
from domain.saved_filter import (
    FilterDeleted,
    FilterRenamed,
    FilterResorted,
    FilterRewritten,
    FilterSaved,
    SavedFilterSort,
)
from projections.pagination import PageCursor, encode_versioned_answer, list_id_for, paginate
from projections.projection import Past, Projection, key_by_stream
from projections.question import USER_ALONE, Answer, Question, single_table_question


class SavedFilterRow(Struct, frozen=True):
    """A saved filter of one user."""

    id: UUID
    user_id: UUID
    name: str
    filter: str
    sort: SavedFilterSort | None
    version: int
    created_at: datetime
    updated_at: datetime


class SavedFilterSortKey(Struct, frozen=True, array_like=True, order=True):
    """The sort key of the list: builtin filters first, then by name in folded case."""

    is_own: bool
    name: str
    id: str


class SavedFilterShown(Struct, frozen=True):
    """A saved filter; a `builtin` one belongs to every user, has version 0 and cannot be changed."""

    id: Annotated[str, Meta(description="A UUID, or the name of a builtin one.", examples=["overdue"])]
    name: str
    filter: Annotated[str, Meta(examples=["due<now status:open"])]
    sort: SavedFilterSort | None
    builtin: bool = False
    version: int = 0
    created_at: datetime | None = None
    updated_at: datetime | None = None


BUILTIN_FILTERS = (
    SavedFilterShown("mine", "My tasks", "assignee:me status:open", "due", builtin=True),
    SavedFilterShown("overdue", "Overdue", "due<now status:open", "due", builtin=True),
)
"""The filters that every user has."""


def fold(key: UUID, saved: SavedFilterRow | None, recorded: RecordedEvent) -> SavedFilterRow | None:
    event, at = recorded.event, recorded.at
    if isinstance(event, FilterSaved):
        return SavedFilterRow(key, event.user_id, event.name, event.filter, event.sort, recorded.version, at, at)
    if saved is None or isinstance(event, FilterDeleted):
        return None
    return apply_changes(saved, event, version=recorded.version, updated_at=at)


def scopes(saved: SavedFilterRow) -> Iterable[UUID]:
    yield saved.user_id


projection = Projection(
    "saved_filter_list",
    2,
    SavedFilterRow,
    key_by_stream,
    fold,
    scopes,
    golden_lines=200,
    indexes=("(user_id)",),
    event_types=(FilterSaved, FilterRenamed, FilterRewritten, FilterResorted, FilterDeleted, OpaqueEvent),
    past=Past(indexes=(("user", "(user_id, valid_to)"),)),
)


def by_id(user: UUID, filter_id: str) -> Question:
    """A single filter of a user, or a builtin one."""
    sql = "select * from {saved_filter_list} saved where user_id = %(user)s and id::text = %(id)s"
    parameters: dict[str, object] = {"user": user, "id": filter_id}
    return single_table_question(
        projection, USER_ALONE, user, "one", sql, parameters, lambda rows: _item_answer(_with_builtins(rows), filter_id)
    )


def page(user: UUID, limit: int, cursor: str | None) -> Question:
    """The filters of a user by name, after the builtin ones.

    A user has few, so all are read. Raises BadCursor, or CursorMismatch for a cursor of another list.
    """
    list_id = list_id_for(user, "filters", {})
    after = PageCursor.parse(cursor, list_id, SavedFilterSortKey)
    sql = "select * from {saved_filter_list} saved where user_id = %(user)s"
    parameters: dict[str, object] = {"user": user, "limit": limit, "after": after}
    return single_table_question(
        projection,
        USER_ALONE,
        user,
        "page",
        sql,
        parameters,
        lambda rows: _page_answer(_with_builtins(rows), after, limit, list_id),
    )


def _item_answer(saved_filters: list[SavedFilterShown], filter_id: str) -> Answer | None:
    saved = next((one for one in saved_filters if one.id == filter_id), None)
    return encode_versioned_answer(saved, saved.version) if saved else None


def _page_answer(
    saved_filters: list[SavedFilterShown], after: SavedFilterSortKey | None, limit: int, list_id: UUID
) -> Answer:
    left = [saved for saved in saved_filters if after is None or _sort_key(saved) > after]
    return paginate(left, limit, list_id, _sort_key)


def _with_builtins(rows: Iterable[SavedFilterRow]) -> list[SavedFilterShown]:
    """The rows as filters to show, together with the builtin ones, sorted."""
    own = [
        SavedFilterShown(
            id=str(row.id),
            name=row.name,
            filter=row.filter,
            sort=row.sort,
            version=row.version,
            created_at=row.created_at,
            updated_at=row.updated_at,
        )
        for row in rows
    ]
    return sorted([*BUILTIN_FILTERS, *own], key=_sort_key)


def _sort_key(saved: SavedFilterShown) -> SavedFilterSortKey:
    return SavedFilterSortKey(not saved.builtin, saved.name.casefold(), saved.id)
