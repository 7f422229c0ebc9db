"""The comment list: one row per comment on a task, with the words that its task is found by."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from domain.comment import (
    CommentAdded,
    CommentDeleted,
    CommentEdited,
    CommentPurged,
    CommentRestored,
    ReactionAdded,
    ReactionRemoved,
    Reactions,
)
from domain.event import Event, OpaqueEvent, RecordedEvent, apply_changes, record_from
from projections import task_list
from projections.pagination import (
    MIN_TIME_SORT_KEY,
    PageCursor,
    TimeSortKey,
    encode_versioned_answer,
    list_id_for,
    paginate,
)
from projections.projection import Past, Projection, key_by_stream
from projections.question import ANSWER_MEMBERS, Answer, Query, Question
from projections.search_vector import description_vector
from projections.tsvector import TsVector


class CommentRow(Struct, frozen=True):
    """A comment as clients see it; one that was deleted, but has replies, has no text, mentions and reactions.

    `updated_at` is the time of the latest change, a reaction among them; `edited_at` that of the latest text.
    """

    id: UUID
    workspace_id: UUID
    task_id: UUID
    text: str
    reply_to: UUID | None
    mentions: tuple[UUID, ...]
    reactions: Reactions
    deleted: bool
    version: int
    created_at: datetime
    updated_at: datetime
    edited_at: datetime | None
    created_by: UUID


class StoredCommentRow(CommentRow, frozen=True):
    """A comment as stored: also the project that its task was in at the latest change, and the words of the text."""

    project_id: UUID
    words: TsVector


def fold(key: UUID, comment: StoredCommentRow | None, recorded: RecordedEvent) -> StoredCommentRow | None:
    event, at = recorded.event, recorded.at
    if isinstance(event, CommentAdded):
        return record_from(
            StoredCommentRow,
            event,
            id=key,
            reactions=(),
            deleted=False,
            version=recorded.version,
            created_at=at,
            updated_at=at,
            edited_at=None,
            created_by=event.user_id,
            words=description_vector(event.text),
        )
    if comment is None or isinstance(event, CommentPurged):
        return None
    if not isinstance(event, CommentEdited | CommentDeleted | CommentRestored | ReactionAdded | ReactionRemoved):
        return comment
    after = apply_changes(comment, event, version=recorded.version, updated_at=at, project_id=event.project_id)
    return replace(after, **_implied(event, after, at))


def _implied(event: Event, after: StoredCommentRow, at: datetime) -> dict[str, object]:
    """What follows from an event for a comment that its changes are applied to."""
    match event:
        case CommentEdited():
            return {"edited_at": at, "words": description_vector(after.text)}
        case CommentDeleted():
            return {"mentions": (), "reactions": (), "words": description_vector("")}
        case CommentRestored(mentions=mentions, reactions=reactions):
            return {"mentions": mentions, "reactions": reactions, "words": description_vector(after.text)}
    return {}


def scopes(comment: StoredCommentRow) -> Iterable[UUID]:
    return comment.task_id, comment.project_id, comment.workspace_id


projection = Projection(
    "comment_list",
    2,
    StoredCommentRow,
    key_by_stream,
    fold,
    scopes,
    golden_lines=200,
    indexes=(
        "(task_id, created_at, id)",
        "(reply_to) where reply_to is not null",
        "(workspace_id)",
        "using gin (words)",
    ),
    event_types=(
        *(CommentAdded, CommentEdited, CommentDeleted, CommentRestored, CommentPurged),
        *(ReactionAdded, ReactionRemoved, OpaqueEvent),
    ),
    past=Past(purged_by=(CommentPurged,), indexes=(("task", "(task_id, valid_to)"),)),
)

_COLUMNS_SQL: Final = ", ".join(f"comment.{name}" for name in CommentRow.__struct_fields__)
_TASK_QUERY: Final = Query("select workspace_id, project_id from {task_list} task where id = %(task)s", dict)
"""A purged task has none, although its comments may be there for a moment."""
IDS_ON_TASKS_SQL: Final = "select task_id, id from {comment_list} where task_id = any(%s) order by created_at, id"
"""The comments on these tasks, deleted ones too."""


def by_id(task: UUID, comment: UUID) -> Question:
    """A single comment on a task, unless it was deleted."""
    sql = f"""select {_COLUMNS_SQL} from {{comment_list}} comment
        where id = %(comment)s and task_id = %(task)s and not deleted"""  # noqa: S608 - our own text
    return _question(task, "one", sql, {"comment": comment}, _item_answer)


def page(task: UUID, limit: int, cursor: str | None) -> Question:
    """The comments on a task, oldest first; deleted ones only if they have replies.

    Raises BadCursor, or CursorMismatch for a cursor of another list.
    """
    list_id = list_id_for(task, "comments", {})
    after = PageCursor.parse(cursor, list_id, TimeSortKey) or MIN_TIME_SORT_KEY
    sql = f"""select {_COLUMNS_SQL} from {{comment_list}} comment
        where task_id = %(task)s and (created_at, id) > (%(created_at)s, %(id)s)
          and (not deleted or exists (
            select from {{comment_list}} reply where reply.reply_to = comment.id and not reply.deleted))
        order by created_at, id limit %(rows)s"""  # noqa: S608 - our own text
    parameters: dict[str, object] = {"created_at": after.created_at, "id": after.id, "rows": limit + 1}

    def build_answer(task_rows: Sequence[dict[str, UUID]], rows: Sequence[CommentRow]) -> Answer | None:
        if not task_rows:
            return None
        return replace(paginate(rows, limit, list_id, _sort_key), **task_rows[0])

    return _question(task, "page", sql, parameters, build_answer)


def _question(task: UUID, name: str, sql: str, parameters: dict[str, object], build_answer: Any) -> Question:
    """A question about the comments on a task, which the members of its workspace may ask."""
    return Question(
        (task_list.projection, projection),
        ANSWER_MEMBERS,
        (task,),
        f"comments {name}",
        (_TASK_QUERY, Query(sql, CommentRow)),
        {"task": task, **parameters},
        build_answer,
    )


def _sort_key(comment: CommentRow) -> TimeSortKey:
    return TimeSortKey(comment.created_at, comment.id)


def _item_answer(task_rows: Sequence[dict[str, UUID]], rows: Sequence[CommentRow]) -> Answer | None:
    if not task_rows or not rows:
        return None
    return encode_versioned_answer(rows[0], rows[0].version, **task_rows[0])
