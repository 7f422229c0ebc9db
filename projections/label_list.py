"""The label list: one row per label of a workspace, from when it is first on a task or has a colour."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from domain.event import Recorded, Unknown
from domain.label import LabelColoured, distinct, label_of
from domain.task import TaskCreated, TaskLabelled
from projections.pagination import START_OF_NAMES, ByName, Cursor, list_of, paged
from projections.projection import Answer, Projection, Question, ask


class LabelRow(Struct, frozen=True):
    """A label as it is shown, as it was written first; its version is 0 until it has a colour."""

    id: UUID
    workspace_id: UUID
    name: str
    colour: str | None
    version: int
    created_at: datetime
    updated_at: datetime


def keys(recorded: Recorded) -> Iterable[UUID]:
    if isinstance(recorded.event, Unknown):
        return (recorded.stream,)
    return _named(recorded)


def fold(key: UUID, label: LabelRow | None, recorded: Recorded) -> LabelRow | None:
    event, at = recorded.event, recorded.at
    name = _named(recorded).get(key)
    if label is None and name is not None and recorded.workspace_id:
        label = LabelRow(key, recorded.workspace_id, name, None, 0, at, at)
    if label and isinstance(event, LabelColoured):
        return replace(label, colour=event.colour.new, version=recorded.version, updated_at=at)
    return label


def _named(recorded: Recorded) -> dict[UUID, str]:
    """The labels that an event names, in its own workspace."""
    names: Iterable[str] = ()
    match recorded.event:
        case TaskCreated(labels=labels):
            names = distinct(labels)
        case TaskLabelled(label=name) | LabelColoured(name=name):
            names = (name,)
    workspace = recorded.workspace_id
    return {label_of(workspace, name): name for name in names} if workspace else {}


def scopes(label: LabelRow) -> Iterable[UUID]:
    yield label.workspace_id


projection = Projection(
    "label_list",
    1,
    LabelRow,
    keys,
    fold,
    scopes,
    indexes=("(workspace_id)",),
    only=(TaskCreated, TaskLabelled, LabelColoured, Unknown),
)


def page(workspace: UUID, limit: int, cursor: str | None) -> Question:
    """The labels of a workspace, by name, as Python sorts it: all are read.

    Raises BadCursor, or CursorMismatch for a cursor of another list.
    """
    this = list_of(workspace, "labels", {})
    after = Cursor.place(cursor, this, ByName) or START_OF_NAMES
    sql = "select * from {label_list} where workspace_id = %(workspace)s"
    parameters: dict[str, object] = {"workspace": workspace, "limit": limit, "after": after}
    return ask(
        projection, "workspace", workspace, "page", sql, parameters, lambda rows: _page(rows, after, limit, this)
    )


def _page(rows: list[LabelRow], after: ByName, limit: int, this: UUID) -> Answer:
    return paged(sorted((row for row in rows if _place(row) > after), key=_place), limit, this, _place)


def _place(row: LabelRow) -> ByName:
    return ByName(row.name.casefold(), row.id)
