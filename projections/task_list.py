"""The task list: one row per task, for queries, not for decisions."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, Final, get_args
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from domain.attachment import AttachmentAdded, AttachmentRemoved
from domain.checklist import Checklist
from domain.comment import CommentAdded, CommentDeleted
from domain.custom_field import FieldValue, FieldValues
from domain.event import Change, Event, RecordedEvent, apply_changes, record_from
from domain.label import normalize_label
from domain.rank import RanksRebalanced
from domain.recurrence import Recurrence
from domain.relation import BlockerEvent, Relation, RelationAdded, RelationRemoved, Relations
from domain.subtask import NO_SUBTASKS, SubtaskCount, SubtaskEvent
from domain.task import (
    Priority,
    TaskCompleted,
    TaskCreated,
    TaskMovedToProject,
    TaskPurged,
    TaskReopened,
    TaskStatus,
    initial_rank,
)
from domain.time_entry import TimeEntryAdded, TimeEntryDeleted, TimeEntryEdited, minutes_added
from domain.watch import TaskUnwatched, TaskWatched, Watchers, followers
from projections import project_list
from projections.custom_field_names import ProjectFields, definitions_query, fields_by_key, named_values
from projections.pagination import encode_versioned_answer
from projections.projection import Projection, key_by_stream_and_touches
from projections.question import ANSWER_MEMBERS, Answer, Query, Question
from projections.text_folding import fold_text


class TaskRow(Struct, frozen=True):
    """A task as clients see it."""

    id: UUID
    workspace_id: UUID
    project_id: UUID
    key: str
    number: int
    title: str
    description: str
    priority: Priority
    due: str | None
    start: str | None
    zone: str | None
    estimate: int | None
    column: str
    rank: str
    labels: tuple[str, ...]
    assignees: tuple[UUID, ...]
    checklist: Checklist
    parent_id: UUID | None
    children: SubtaskCount
    relations: Relations
    blocked_by: tuple[UUID, ...]
    comments: int
    attachments: int
    spent: int
    recurrence: Recurrence | None
    fields: dict[str, FieldValue]
    status: TaskStatus
    trashed: bool
    archived: bool
    version: int
    created_at: datetime
    updated_at: datetime
    created_by: UUID
    completed_at: datetime | None
    completed_by: UUID | None


class SingleTaskRow(TaskRow, frozen=True):
    """A task as one reader sees it alone: also whether they watch it."""

    watching: bool


class StoredTaskRow(TaskRow, frozen=True):
    """A task as stored: also its due date and start as instants, in UTC as if days were those of UTC, and its labels.

    `due_at` is the last instant of a day, `start_at` the first. `fields` are by the id of the field; `field_keys` are
    the same with texts folded, None without any. `former_keys` are those that it had in other projects.
    """

    due_at: datetime
    start_at: datetime
    tags: tuple[str, ...]
    field_keys: dict[str, FieldValue] | None
    former_keys: tuple[str, ...]
    watchers: Watchers


NO_DUE_AT: Final = datetime.max.replace(tzinfo=UTC)
"""The `due_at` of a task without a due date, and the `start_at` of one without a start."""
_MAX_DUE_AT: Final = NO_DUE_AT - timedelta.resolution
_PRIORITIES_SQL: Final = ", ".join(f"'{priority}'" for priority in get_args(Priority))
_URGENCY_COLUMN_SQL: Final = (
    f"bigint generated always as (array_position(array[{_PRIORITIES_SQL}], priority) - 1) stored"
)
# Hours since the epoch, indexed instead of `updated_at` itself: only the first change of a task in an hour has to
# update the index.
_UPDATED_HOUR_COLUMN_SQL: Final = (
    "bigint generated always as (floor(extract(epoch from updated_at at time zone 'UTC') / 3600)) stored"
)


_COUNTED: Final[dict[type[Event], tuple[str, int]]] = {
    CommentAdded: ("comments", 1),
    CommentDeleted: ("comments", -1),
    AttachmentAdded: ("attachments", 1),
    AttachmentRemoved: ("attachments", -1),
}
"""What events of other streams count, and by how much."""


def fold(key: UUID, task: StoredTaskRow | None, recorded: RecordedEvent) -> StoredTaskRow | None:
    event = recorded.event
    if recorded.stream != key:
        return task and _with_followers(_after_touch(task, recorded), recorded)
    if isinstance(event, TaskCreated):
        return _row_from_created(key, event, recorded)
    if task is None or isinstance(event, TaskPurged):
        return None
    values = _completion(recorded) | _waiting(task, event) | _keys(task, event)
    after = apply_changes(task, event, version=recorded.version, updated_at=recorded.at, **values)
    after = _with_followers(after, recorded)
    if (
        after.due is task.due
        and after.start is task.start
        and after.labels is task.labels
        and after.fields is task.fields
    ):
        return after
    return replace(after, **_derived_values(after))


def _after_touch(task: StoredTaskRow, recorded: RecordedEvent) -> StoredTaskRow:
    """The row after an event of another stream, which is no change of the task itself."""
    event, after = recorded.event, dict[str, object]()
    match event:
        case SubtaskEvent():
            after["children"] = task.children + event.count_at(task.id)
            if isinstance(event, BlockerEvent) and task.id in event.blocks:
                after["blocked_by"] = _blockers(task, recorded.stream, keeps_waiting=event.keeps_waiting)
        case RanksRebalanced(ranks=ranks):
            after["rank"] = ranks[task.id]
        case TimeEntryAdded() | TimeEntryEdited() | TimeEntryDeleted():
            after["spent"] = task.spent + minutes_added(event)
        case TaskWatched() | TaskUnwatched():
            after["watchers"] = task.watchers.after(event)
        case _ if type(event) in _COUNTED:
            name, step = _COUNTED[type(event)]
            after[name] = getattr(task, name) + step
    return replace(task, **after)


def _blockers(task: StoredTaskRow, other: UUID, *, keeps_waiting: bool) -> tuple[UUID, ...]:
    """The open tasks that a task waits for, after it begins to wait for another one, or no longer does."""
    others = tuple(blocker for blocker in task.blocked_by if blocker != other)
    return (*others, other) if keeps_waiting else others


def _waiting(task: StoredTaskRow, event: Event) -> dict[str, object]:
    """What a task waits for, if the event adds or removes a relation."""
    match event:
        case RelationAdded(relation=Change(new=Relation("blocked_by", other)), waits=waits):
            return {"blocked_by": _blockers(task, other, keeps_waiting=waits)}
        case RelationRemoved(relation=Change(old=Relation("blocked_by", other))):
            return {"blocked_by": _blockers(task, other, keeps_waiting=False)}
    return {}


def _with_followers(task: StoredTaskRow, recorded: RecordedEvent) -> StoredTaskRow:
    """The row with those who watch the task from this event on."""
    users = followers(recorded.event, recorded.actor)
    return replace(task, watchers=task.watchers.joined_by(users)) if users else task


def _keys(task: StoredTaskRow, event: Event) -> dict[str, object]:
    """The number of a task, and the keys that it had before, if the event moves it to another project."""
    if isinstance(event, TaskMovedToProject):
        return {"number": event.number, "former_keys": (*task.former_keys, event.key.old)}
    return {}


def _derived_values(task: TaskCreated | TaskRow) -> dict[str, Any]:
    """What a row is found and sorted by beside the values that clients see."""
    return {
        "due_at": due_at(task.due),
        "start_at": start_at(task.start),
        "tags": tuple(map(normalize_label, task.labels)),
        "field_keys": field_keys(task.fields) if task.fields else None,
    }


def field_keys(values: FieldValues) -> dict[str, FieldValue]:
    """The values of custom fields with texts folded."""
    return {key: fold_text(value) if isinstance(value, str) else value for key, value in values.items()}


def _completion(recorded: RecordedEvent) -> dict[str, object]:
    """When and by whom a task was completed, if the event completes or reopens it; an agent's user counts."""
    match recorded.event:
        case TaskCompleted():
            return {"completed_at": recorded.at, "completed_by": recorded.actor.user_id}
        case TaskReopened():
            return {"completed_at": None, "completed_by": None}
    return {}


def _row_from_created(key: UUID, event: TaskCreated, recorded: RecordedEvent) -> StoredTaskRow:
    return record_from(
        StoredTaskRow,
        event,
        id=key,
        rank=initial_rank(event),
        children=NO_SUBTASKS,
        relations=(),
        blocked_by=(),
        former_keys=(),
        comments=0,
        attachments=0,
        spent=0,
        status="open",
        trashed=False,
        archived=False,
        version=recorded.version,
        created_at=recorded.at,
        updated_at=recorded.at,
        created_by=recorded.actor.user_id,
        completed_at=None,
        completed_by=None,
        watchers=Watchers().joined_by(followers(event, recorded.actor)),
        **_derived_values(event),
    )


@lru_cache(maxsize=10_000)
def due_at(due: str | None) -> datetime:
    """The last microsecond of a day, in UTC; the instant of a date-time; `NO_DUE_AT` for None and for invalid text."""
    return _instant(due, time.max)


@lru_cache(maxsize=10_000)
def start_at(start: str | None) -> datetime:
    """As `due_at`, but the first microsecond of a day."""
    return _instant(start, time.min)


def _instant(when: str | None, time_of_day: time) -> datetime:
    try:
        if when and len(when) == len("YYYY-MM-DD"):
            return min(_MAX_DUE_AT, datetime.combine(date.fromisoformat(when), time_of_day, UTC))
        return min(_MAX_DUE_AT, datetime.fromisoformat(when).astimezone(UTC)) if when else NO_DUE_AT
    except (ValueError, OverflowError):
        return NO_DUE_AT


def scopes(task: StoredTaskRow) -> Iterable[UUID]:
    return task.id, task.project_id, task.workspace_id


projection = Projection(
    "task_list",
    16,
    StoredTaskRow,
    key_by_stream_and_touches,
    fold,
    scopes,
    golden_lines=189,
    indexes=(
        "(key)",
        '(project_id, archived, rank collate "C", id) where not trashed',
        "(workspace_id, archived, split_part(key, '-', 1), number) where not trashed",
        "(workspace_id, archived, due_at, id) where not trashed",
        "(workspace_id, archived, urgency, id) where not trashed",
        "(workspace_id, archived, created_at) where not trashed",
        "(workspace_id, archived, updated_hour) where not trashed",
        '(parent_id, archived, rank collate "C", id) where parent_id is not null and not trashed',
        "(workspace_id, archived, id) where blocked_by <> '[]' and not trashed",
        "using gin (assignees jsonb_path_ops) where assignees <> '[]'",
        "using gin (tags jsonb_path_ops) where tags <> '[]'",
        "using gin (field_keys) where field_keys is not null",
        "using gin (former_keys) where former_keys <> '[]'",
    ),
    generated_columns=(("urgency", _URGENCY_COLUMN_SQL), ("updated_hour", _UPDATED_HOUR_COLUMN_SQL)),
)


def select_columns(names: Iterable[str] = TaskRow.__struct_fields__) -> str:
    """The select list for these columns of `task`."""
    return ", ".join(f'task."{name}"' for name in names)


WATCHED_BY_SQL: Final = "task.watchers -> 'users' @> {}::jsonb"
"""The condition that a user, as a JSON array with their id, watches the task."""
_BY_ID_SQL: Final = f"""select {select_columns()}, {WATCHED_BY_SQL.format("%(reader)s")} as watching
    from {{task_list}} task where id = %(id)s"""  # noqa: S608 - our own text


def by_id(task: UUID, reader: UUID) -> Question:
    """A single task for a reader, in the trash or not.

    If it `has_custom_fields`, those are asked for with `by_id_in_project`.
    """
    query, parameters = Query(_BY_ID_SQL, SingleTaskRow), _parameters(task, reader)
    return Question((projection,), ANSWER_MEMBERS, (task,), "one", (query,), parameters, _item_answer)


def by_id_in_project(task: UUID, project: UUID, reader: UUID) -> Question:
    """The same with its custom fields, which change with its project too."""
    queries = Query(_BY_ID_SQL, SingleTaskRow), definitions_query("id = %(project)s")
    parameters = _parameters(task, reader) | {"project": project}
    read = projection, project_list.projection
    return Question(read, ANSWER_MEMBERS, (task, project), "one in project", queries, parameters, _named_item_answer)


COUNT_IN_COLUMN_SQL = """select count(*) from {task_list}
      where project_id = %s and "column" = %s and not trashed and not archived"""
"""The number of tasks in a column of a project, without those in the trash or archived."""
LIST_ON_BOARD_SQL = """with task as (
      select id, rank from {task_list} where project_id = %s and not trashed and not archived
        and (%s::text is null or "column" = %s) and (%s::text is null or status = %s)
    ) select json_build_array(
      (select count(*) from task), array(select id from task order by rank collate "C" limit %s))"""
"""The number of tasks on a board, or in one column of it, or of one status; and the ids of the first of them."""
DUE_FOR_ARCHIVE_SQL = """with due as materialized (
      select task.id, task.version from {project_list} project
      join {task_list} task on task.project_id = project.id and not task.trashed and not task.archived
      where project.archive_after is not null and not project.archived and not project.trashed
        and task.status = 'done' and task.updated_at <= %s - make_interval(days => project.archive_after::int)
    ) select id, version from due where id > %s order by id limit %s"""
"""Done tasks that have not changed, at a time, for as long as the rule of their project says, after an id.

Materialized, so that PostgreSQL reads the tasks of projects with a rule, and not all tasks in the order of their ids.
"""
IDS_BY_KEY_FOR_MEMBER_SQL = """select task.id, workspace.id from {task_list} task
            join {workspace_list} workspace on workspace.id = task.workspace_id
            where (task.key = %(key)s or (task.former_keys <> '[]' and task.former_keys ? %(key)s))
              and workspace.members ? %(user)s"""
"""The ids of the tasks that have a human key, or had it in another project, in a user's workspaces; and of those."""
IDS_BY_KEY_SQL = """select id from {task_list}
            where key = %(key)s or (former_keys <> '[]' and former_keys ? %(key)s) limit 2"""
"""The ids of the tasks that have or had a human key; two are enough to show that it is ambiguous."""


def _parameters(task: UUID, reader: UUID) -> dict[str, object]:
    return {"id": task, "reader": msgspec.json.encode([reader]).decode()}


def _item_answer(rows: list[SingleTaskRow]) -> Answer | None:
    if not rows:
        return None
    task = rows[0]
    answer = encode_versioned_answer(task, task.version, task.workspace_id, task.project_id)
    return replace(answer, has_custom_fields=bool(task.fields))


def _named_item_answer(rows: list[SingleTaskRow], projects: list[ProjectFields]) -> Answer | None:
    return _item_answer([replace(row, fields=named_values(row.fields, fields_by_key(projects))) for row in rows])
