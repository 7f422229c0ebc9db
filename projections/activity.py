"""The activity of a workspace: one row per event, with what it is found by. The log has its content."""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct

from domain import codec, history
from domain.comment import CommentPurged
from domain.event import ActorKind, Event, OpaqueEvent, RecordedEvent
from domain.history import HistoryFilter
from domain.task import TaskPurged
from domain.time_entry import TimeEntryPurged
from domain.watch import ProjectWatchSet
from projections import project_history
from projections.pagination import PageCursor, encode_answer, list_id_for
from projections.projection import Projection, key_by_position
from projections.question import PROJECT_MEMBERS, WORKSPACE_MEMBERS, Answer, Query, Question


class ActivityRow(Struct, frozen=True):
    """One event; its id is its position.

    `subject_id` is the task that it is about, else the project, else its own stream. `changed` are the fields that it
    shows as changed, None if they are those that its type mostly shows.
    """

    id: int
    workspace_id: UUID
    subject_id: UUID
    at: datetime
    actor_id: UUID
    actor_kind: ActorKind
    type: str
    changed: tuple[str, ...] | None = None


class _TaskReference(Struct, frozen=True):
    """What can be read of an event of an unknown type: its task."""

    task_id: UUID | None = None


_decode_task_reference = msgspec.json.Decoder(_TaskReference).decode


def fold(key: int, _: ActivityRow | None, recorded: RecordedEvent) -> ActivityRow | None:
    """A row for each event of a workspace; none for bookkeeping events and those that only the audit lists."""
    event, actor = recorded.event, recorded.actor
    if recorded.workspace_id is None or type(event) in history.UNLISTED_EVENTS:
        return None
    return ActivityRow(
        key,
        recorded.workspace_id,
        _SUBJECT_ID.get(type(event), _task_id)(event) or recorded.stream,
        recorded.at,
        actor.id,
        actor.kind,
        codec.stored_name_of(event),
        history.unusual_fields(recorded),
    )


def _task_id(event: Event) -> UUID | None:
    return getattr(event, "task_id", None)


def _project_id(event: Event) -> UUID | None:
    return getattr(event, "project_id", None)


def _unknown_task_id(event: OpaqueEvent) -> UUID | None:
    try:
        return _decode_task_reference(event.data).task_id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


_SUBJECT_ID: Final[Mapping[type[Event], Callable[[Any], UUID | None]]] = {
    OpaqueEvent: _unknown_task_id,
    **dict.fromkeys((TaskPurged, CommentPurged, TimeEntryPurged, ProjectWatchSet), _project_id),
}
"""How to find the task or project that an event is about, where that is not the `task_id` that it names."""


def scopes(row: ActivityRow) -> Iterable[UUID]:
    yield row.workspace_id


projection = Projection(
    "activity",
    4,
    ActivityRow,
    key_by_position,
    fold,
    scopes,
    golden_lines=212,
    indexes=("(workspace_id, id)", "(workspace_id, actor_id, id)", "using brin (at)"),
    accepts_unknown=True,
)

_FILTER_CONDITIONS: Final = {
    "actor": "actor_id = %(actor)s",
    "kind": "actor_kind = %(kind)s",
    "type": "type = %(type)s",
    "field": "(changed ?| %(fields)s::text[] or (changed is null and type = any(%(field_types)s::text[])))",
    "since": "at >= %(since)s",
    "until": "at < %(until)s",
    "command": "id = any(%(positions)s::bigint[])",
}
IN_PROJECT_SQL: Final = """exists (select from {project_history} own
    where own.id = subject_id and own.project_id = %(project)s)"""
"""The condition that an event is of a project, or of a task that is in it now."""


class ActivityScope(Struct, frozen=True):
    """A workspace, or one of its projects: whose events to list."""

    workspace_id: UUID
    project_id: UUID | None = None

    def list_id(self, filters: HistoryFilter) -> UUID:
        """The id of the list of its events, which cursors carry."""
        return list_id_for(self.project_id or self.workspace_id, "activity", filters.conditions())


class FoundEvents(Struct, frozen=True):
    """What a filter refers to: the stored names of its field, and the positions of the events of its command."""

    fields: Collection[str] = ()
    positions: Collection[int] = ()


def page(scope: ActivityScope, filters: HistoryFilter, found: FoundEvents, limit: int, cursor: str | None) -> Question:
    """The positions of events, newest first, and of one more than `limit` if there are more.

    Raises BadCursor, or CursorMismatch for a cursor of another list or filter.
    """
    wanted = filters.conditions()
    before = PageCursor.parse_number(cursor, scope.list_id(filters))
    conditions = ["workspace_id = %(workspace)s", *(_FILTER_CONDITIONS[name] for name in wanted)]
    if scope.project_id:
        conditions.append(IN_PROJECT_SQL)
    if before:
        conditions.append("id < %(before)s")
    sql = f"select id from {{activity}} where {' and '.join(conditions)} order by id desc limit %(rows)s"  # noqa: S608 - our own text
    parameters = {
        **wanted,
        "workspace": scope.workspace_id,
        "project": scope.project_id,
        "before": before,
        "rows": limit + 1,
        "fields": list(found.fields),
        "field_types": sorted({kind for name in found.fields for kind in history.types_usually_showing(name)}),
        "positions": list(found.positions),
    }
    return question(scope, "page", Query(sql, _Position), parameters, _positions_answer)


class _Position(Struct, frozen=True):
    id: int


def question(
    scope: ActivityScope,
    name: str,
    query: Query,
    parameters: dict[str, object],
    build_answer: Callable[[list[Any]], Answer | None],
) -> Question:
    """A question about the events of a scope, for those who may read it."""
    if scope.project_id is None:
        return Question(
            (projection,), WORKSPACE_MEMBERS, (scope.workspace_id,), name, (query,), parameters, build_answer
        )
    read, scopes_read = (projection, project_history.projection), (scope.project_id, scope.workspace_id)
    return Question(read, PROJECT_MEMBERS, scopes_read, name, (query,), parameters, build_answer)


def _positions_answer(rows: list[_Position]) -> Answer:
    return encode_answer([row.id for row in rows])
