"""The list of time entries: one row per entry of a task."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from domain.event import OpaqueEvent, RecordedEvent, apply_changes, record_from
from domain.time_entry import (
    TimeEntryAdded,
    TimeEntryDeleted,
    TimeEntryEdited,
    TimeEntryPurged,
    TimeEntryRestored,
)
from projections import task_list
from projections.pagination import PageCursor, encode_versioned_answer, list_id_for, paginate
from projections.projection import Past, Projection, key_by_stream
from projections.question import ANSWER_MEMBERS, Answer, Query, Question


class TimeEntryRow(Struct, frozen=True):
    """Time that a user spent on a task: the minutes, and the day as `YYYY-MM-DD`."""

    id: UUID
    workspace_id: UUID
    task_id: UUID
    user_id: UUID
    minutes: int
    on: str
    note: str
    version: int
    created_at: datetime
    updated_at: datetime


class StoredTimeEntryRow(TimeEntryRow, frozen=True):
    """An entry as stored: also the project that its task was in at the latest change."""

    project_id: UUID


class DaySortKey(Struct, frozen=True, array_like=True):
    """The sort key of a list by day."""

    on: str
    id: UUID


_MAX_SORT_KEY: Final = DaySortKey(f"{date.max}Z", UUID(int=0))
"""After every day in the order of text."""


def fold(key: UUID, entry: StoredTimeEntryRow | None, recorded: RecordedEvent) -> StoredTimeEntryRow | None:
    event, at = recorded.event, recorded.at
    match event:
        case TimeEntryAdded():
            return record_from(
                StoredTimeEntryRow, event, id=key, version=recorded.version, created_at=at, updated_at=at
            )
        case TimeEntryRestored(minutes=minutes, on=on, note=note):
            values = {"minutes": minutes.new, "on": on.new, "note": note.new}
            return record_from(
                StoredTimeEntryRow, event, id=key, version=recorded.version, created_at=at, updated_at=at, **values
            )
        case TimeEntryEdited() if entry:
            return apply_changes(entry, event, version=recorded.version, updated_at=at, project_id=event.project_id)
        case TimeEntryDeleted() | TimeEntryPurged():
            return None
    return entry


def scopes(entry: StoredTimeEntryRow) -> Iterable[UUID]:
    return (entry.task_id,)


projection = Projection(
    "time_entry_list",
    2,
    StoredTimeEntryRow,
    key_by_stream,
    fold,
    scopes,
    golden_lines=200,
    indexes=('(task_id, "on" collate "C", id)',),
    event_types=(
        *(TimeEntryAdded, TimeEntryEdited, TimeEntryDeleted, TimeEntryRestored, TimeEntryPurged, OpaqueEvent),
    ),
    past=Past(purged_by=(TimeEntryPurged,), indexes=(("task", "(task_id, valid_to)"),)),
)

_COLUMNS_SQL: Final = ", ".join(f'entry."{name}"' for name in TimeEntryRow.__struct_fields__)
_TASK_QUERY: Final = Query("select workspace_id, project_id from {task_list} task where id = %(task)s", dict)
"""A purged task has none, although its entries may be there for a moment."""
IDS_ON_TASKS_SQL: Final = "select task_id, id from {time_entry_list} where task_id = any(%s) order by created_at, id"
"""The entries of these tasks."""


def by_id(task: UUID, entry: UUID) -> Question:
    """A single entry of a task."""
    sql = f"select {_COLUMNS_SQL} from {{time_entry_list}} entry where id = %(entry)s and task_id = %(task)s"  # noqa: S608 - our own text
    return _question(task, "one", sql, {"entry": entry}, _item_answer)


def page(task: UUID, limit: int, cursor: str | None) -> Question:
    """The entries of a task, the latest day first, and of one day the newest first.

    Raises BadCursor, or CursorMismatch for a cursor of another list.
    """
    list_id = list_id_for(task, "time", {})
    before = PageCursor.parse(cursor, list_id, DaySortKey) or _MAX_SORT_KEY
    sql = f"""select {_COLUMNS_SQL} from {{time_entry_list}} entry
        where task_id = %(task)s and ("on" collate "C", id) < (%(on)s, %(id)s)
        order by "on" collate "C" desc, id desc limit %(rows)s"""  # noqa: S608 - our own text

    def build_answer(task_rows: Sequence[dict[str, UUID]], rows: Sequence[TimeEntryRow]) -> Answer | None:
        if not task_rows:
            return None
        return replace(paginate(rows, limit, list_id, _sort_key), **task_rows[0])

    return _question(task, "page", sql, {"on": before.on, "id": before.id, "rows": limit + 1}, build_answer)


def _question(task: UUID, name: str, sql: str, parameters: dict[str, object], build_answer: Any) -> Question:
    """A question about the time spent on a task, which the members of its workspace may ask."""
    return Question(
        (task_list.projection, projection),
        ANSWER_MEMBERS,
        (task,),
        f"time {name}",
        (_TASK_QUERY, Query(sql, TimeEntryRow)),
        {"task": task, **parameters},
        build_answer,
    )


def _sort_key(entry: TimeEntryRow) -> DaySortKey:
    return DaySortKey(entry.on, entry.id)


def _item_answer(task_rows: Sequence[dict[str, UUID]], rows: Sequence[TimeEntryRow]) -> Answer | None:
    if not task_rows or not rows:
        return None
    return encode_versioned_answer(rows[0], rows[0].version, **task_rows[0])
