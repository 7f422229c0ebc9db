"""The attachment list: one row per task that has attachments."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from domain.attachment import AttachmentAdded, AttachmentRemoved
from domain.event import OpaqueEvent, RecordedEvent, record_from
from domain.task import TaskPurged
from projections import task_list
from projections.pagination import PageCursor, list_id_for, paginate
from projections.projection import Past, Projection, key_by_stream_and_touches
from projections.question import ANSWER_MEMBERS, Answer, Query, Question


class AttachmentShown(Struct, frozen=True):
    """An attachment of a task; its size is in bytes, its SHA-256 in hexadecimal digits."""

    id: UUID
    name: str
    size: int
    media_type: str
    sha256: str
    version: int
    created_at: datetime
    created_by: UUID


class AttachmentListRow(Struct, frozen=True):
    """The attachments of a task, in the order of the log."""

    id: UUID
    workspace_id: UUID
    attachments: tuple[AttachmentShown, ...]


class _TaskAttachments(Struct, frozen=True):
    """The attachments of a task that exists, with its present place."""

    workspace_id: UUID
    project_id: UUID
    attachments: tuple[AttachmentShown, ...]


def fold(key: UUID, row: AttachmentListRow | None, recorded: RecordedEvent) -> AttachmentListRow | None:
    match recorded.event:
        case AttachmentAdded() as event if key == event.task_id:
            row = row or AttachmentListRow(key, event.workspace_id, ())
            return replace(row, attachments=(*row.attachments, _shown(event, recorded)))
        case AttachmentRemoved() if row:
            others = tuple(one for one in row.attachments if one.id != recorded.stream)
            return replace(row, attachments=others) if others else None
        case TaskPurged():
            return None
    return row


def _shown(event: AttachmentAdded, recorded: RecordedEvent) -> AttachmentShown:
    return record_from(
        AttachmentShown,
        event,
        id=recorded.stream,
        version=recorded.version,
        created_at=recorded.at,
        created_by=recorded.actor.user_id,
    )


def scopes(row: AttachmentListRow) -> Iterable[UUID]:
    yield row.id


projection = Projection(
    "attachment_list",
    2,
    AttachmentListRow,
    key_by_stream_and_touches,
    fold,
    scopes,
    golden_lines=200,
    event_types=(AttachmentAdded, AttachmentRemoved, TaskPurged, OpaqueEvent),
    past=Past(purged_by=(TaskPurged,)),
)


def page(task: UUID, limit: int, cursor: str | None) -> Question:
    """The attachments of a task, oldest first; a task has few, so all are read.

    Raises BadCursor, or CursorMismatch for a cursor of another list.
    """
    list_id = list_id_for(task, "attachments", {})
    after = PageCursor.parse(cursor, list_id, UUID)
    sql = """select task.workspace_id, task.project_id, coalesce(listed.attachments, '[]') as attachments
             from {task_list} task left join {attachment_list} listed on listed.id = task.id where task.id = %(task)s"""
    parameters: dict[str, object] = {"task": task, "limit": limit, "after": after}
    query = Query(sql, _TaskAttachments)
    return Question(
        (projection, task_list.projection),
        ANSWER_MEMBERS,
        (task,),
        "attachments",
        (query,),
        parameters,
        lambda rows: _page_answer(rows, after, limit, list_id),
    )


IDS_OF_TASKS_SQL = """select id, workspace_id, jsonb_path_query_array(attachments, '$[*].id')
    from {attachment_list} where id = any(%s)"""
"""The ids of the attachments of tasks, with their workspace."""


def _page_answer(rows: list[_TaskAttachments], after: UUID | None, limit: int, list_id: UUID) -> Answer | None:
    """None without a task."""
    if not rows:
        return None
    task = rows[0]
    left = sorted((one for one in task.attachments if after is None or one.id > after), key=lambda one: one.id)
    answer = paginate(left, limit, list_id, lambda one: one.id)
    return replace(answer, workspace_id=task.workspace_id, project_id=task.project_id)
