"""The label list: one row per label of a workspace, from its first use on a task or its first colour."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from domain.event import OpaqueEvent, RecordedEvent
from domain.label import LabelColoured, distinct_labels, label_stream_id
from domain.task import TaskCreated, TaskLabelled
from projections.pagination import MIN_NAME_SORT_KEY, NameSortKey, PageCursor, list_id_for, paginate
from projections.projection import Past, Projection
from projections.question import WORKSPACE_MEMBERS, Answer, Question, single_table_question


class LabelRow(Struct, frozen=True):
    """A label, spelled as it was first written; its version is 0 until it has a colour."""

    id: UUID
    workspace_id: UUID
    name: str
    colour: str | None
    version: int
    created_at: datetime
    updated_at: datetime


def keys(recorded: RecordedEvent) -> Iterable[UUID]:
    if isinstance(recorded.event, OpaqueEvent):
        return (recorded.stream,)
    return _label_names(recorded)


def fold(key: UUID, label: LabelRow | None, recorded: RecordedEvent) -> LabelRow | None:
    event, at = recorded.event, recorded.at
    name = _label_names(recorded).get(key)
    if label is None and name is not None and recorded.workspace_id:
        label = LabelRow(key, recorded.workspace_id, name, None, 0, at, at)
    if label and isinstance(event, LabelColoured):
        return replace(label, colour=event.colour.new, version=recorded.version, updated_at=at)
    return label


def _label_names(recorded: RecordedEvent) -> dict[UUID, str]:
    """The names of the labels in an event, by their stream; none outside a workspace."""
    names: Iterable[str] = ()
    match recorded.event:
        case TaskCreated(labels=labels):
            names = distinct_labels(labels)
        case TaskLabelled(label=name):
            names = (name,)
        case LabelColoured(name=name):  # an earlier stream, of a name that was compared with its spaces, stays apart
            return {recorded.stream: name} if recorded.workspace_id else {}
    workspace = recorded.workspace_id
    return {label_stream_id(workspace, name): name for name in names} if workspace else {}


def scopes(label: LabelRow) -> Iterable[UUID]:
    yield label.workspace_id


projection = Projection(
    "label_list",
    3,
    LabelRow,
    keys,
    fold,
    scopes,
    golden_lines=200,
    indexes=("(workspace_id)",),
    event_types=(TaskCreated, TaskLabelled, LabelColoured, OpaqueEvent),
    past=Past(indexes=(("workspace", "(workspace_id, valid_to)"),)),
)


def page(workspace: UUID, limit: int, cursor: str | None) -> Question:
    """The labels of a workspace by name; Python sorts them, so all are read.

    Raises BadCursor, or CursorMismatch for a cursor of another list.
    """
    list_id = list_id_for(workspace, "labels", {})
    after = PageCursor.parse(cursor, list_id, NameSortKey) or MIN_NAME_SORT_KEY
    sql = "select * from {label_list} label where workspace_id = %(workspace)s"
    parameters: dict[str, object] = {"workspace": workspace, "limit": limit, "after": after}
    return single_table_question(
        projection,
        WORKSPACE_MEMBERS,
        workspace,
        "page",
        sql,
        parameters,
        lambda rows: _page_answer(rows, after, limit, list_id),
    )


def _page_answer(rows: list[LabelRow], after: NameSortKey, limit: int, list_id: UUID) -> Answer:
    return paginate(sorted((row for row in rows if _sort_key(row) > after), key=_sort_key), limit, list_id, _sort_key)


def _sort_key(row: LabelRow) -> NameSortKey:
    return NameSortKey(row.name.casefold(), row.id)
