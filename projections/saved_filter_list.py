"""The saved filters: one row per filter that a user keeps, beside those that everybody has."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from domain.event import Recorded, Unknown, applied
from domain.saved_filter import FilterDeleted, FilterRenamed, FilterResorted, FilterRewritten, FilterSaved, Sort
from projections.pagination import Cursor, list_of, paged, single
from projections.projection import Answer, Projection, Question, ask, by_stream


class SavedFilterRow(Struct, frozen=True):
    """A filter of a user's."""

    id: UUID
    user_id: UUID
    name: str
    filter: str
    sort: Sort | None
    version: int
    created_at: datetime
    updated_at: datetime


class Place(Struct, frozen=True, array_like=True, order=True):
    """What the list is sorted by: first those that everybody has, then by name in any case of letters."""

    is_own: bool
    name: str
    id: str


class SavedFilterShown(Struct, frozen=True):
    """A filter as it is shown; one that everybody has is `builtin`, at version 0, and nobody changes it."""

    id: Annotated[str, Meta(description="A UUID, or the name of a builtin one.", examples=["overdue"])]
    name: str
    filter: Annotated[str, Meta(examples=["due<now status:open"])]
    sort: Sort | None
    builtin: bool = False
    version: int = 0
    created_at: datetime | None = None
    updated_at: datetime | None = None


BUILTIN = (
    SavedFilterShown("mine", "My tasks", "assignee:me status:open", "due", builtin=True),
    SavedFilterShown("overdue", "Overdue", "due<now status:open", "due", builtin=True),
)
"""Those that everybody has."""


def fold(key: UUID, saved: SavedFilterRow | None, recorded: Recorded) -> SavedFilterRow | None:
    event, at = recorded.event, recorded.at
    if isinstance(event, FilterSaved):
        return SavedFilterRow(key, event.user_id, event.name, event.filter, event.sort, recorded.version, at, at)
    if saved is None or isinstance(event, FilterDeleted):
        return None
    return applied(saved, event, version=recorded.version, updated_at=at)


def scopes(saved: SavedFilterRow) -> Iterable[UUID]:
    yield saved.user_id


projection = Projection(
    "saved_filter_list",
    1,
    SavedFilterRow,
    by_stream,
    fold,
    scopes,
    indexes=("(user_id)",),
    only=(FilterSaved, FilterRenamed, FilterRewritten, FilterResorted, FilterDeleted, Unknown),
)


def one(user: UUID, wanted: str) -> Question:
    """A single filter of a user, or one that everybody has."""
    sql = "select * from {saved_filter_list} where user_id = %(user)s and id::text = %(id)s"
    parameters: dict[str, object] = {"user": user, "id": wanted}
    return ask(projection, "user", user, "one", sql, parameters, lambda rows: _one(_shown(rows), wanted))


def page(user: UUID, limit: int, cursor: str | None) -> Question:
    """The filters of a user by name, after those that everybody has.

    A user has so few that all are read. Raises BadCursor for a cursor that this list did not give.
    """
    this = list_of(user, "filters", {})
    after = Cursor.place(cursor, this, Place)
    sql = "select * from {saved_filter_list} where user_id = %(user)s"
    parameters: dict[str, object] = {"user": user, "limit": limit, "after": after}
    return ask(projection, "user", user, "page", sql, parameters, lambda rows: _page(_shown(rows), after, limit, this))


def _one(found: list[SavedFilterShown], wanted: str) -> Answer | None:
    saved = next((one for one in found if one.id == wanted), None)
    return single(saved, saved.version) if saved else None


def _page(found: list[SavedFilterShown], after: Place | None, limit: int, this: UUID) -> Answer:
    left = [saved for saved in found if after is None or _place(saved) > after]
    return paged(left, limit, this, _place)


def _shown(rows: Iterable[SavedFilterRow]) -> list[SavedFilterShown]:
    """As the rows are shown, and those that everybody has, in their order."""
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
    return sorted([*BUILTIN, *own], key=_place)


def _place(saved: SavedFilterShown) -> Place:
    return Place(not saved.builtin, saved.name.casefold(), saved.id)
