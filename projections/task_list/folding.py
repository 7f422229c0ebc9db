"""How an event changes the row of a task, also one of another stream."""

from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from msgspec.structs import replace

from domain.attachment import AttachmentAdded, AttachmentRemoved
from domain.comment import CommentAdded, CommentDeleted, CommentEdited, CommentRestored
from domain.custom_field import FieldValue, FieldValues
from domain.event import Change, Event, RecordedEvent, apply_changes, record_from
from domain.label import normalize_label
from domain.rank import RanksRebalanced
from domain.relation import BlockerEvent, Relation, RelationAdded, RelationRemoved
from domain.subtask import NO_SUBTASKS, SubtaskEvent
from domain.task import (
    TaskAssigned,
    TaskCompleted,
    TaskCreated,
    TaskMovedToProject,
    TaskPurged,
    TaskReopened,
    initial_rank,
)
from domain.time_entry import TimeEntryAdded, TimeEntryDeleted, TimeEntryEdited, TimeEntryRestored, minutes_added
from domain.watch import TaskUnwatched, TaskWatched, Watchers, followers
from projections.task_list.instants import due_at, start_at
from projections.task_list.rows import StoredTaskRow, TaskRow
from projections.text_folding import fold_text

_COUNTED: Final[dict[type[Event], tuple[str, int]]] = {
    CommentAdded: ("comments", 1),
    CommentDeleted: ("comments", -1),
    CommentRestored: ("comments", 1),
    AttachmentAdded: ("attachments", 1),
    AttachmentRemoved: ("attachments", -1),
}
"""What events of other streams count, and by how much."""


def fold(key: UUID, task: StoredTaskRow | None, recorded: RecordedEvent) -> StoredTaskRow | None:
    event = recorded.event
    if recorded.stream != key:
        return task and _after_touch(task, recorded)
    if isinstance(event, TaskCreated):
        return _row_from_created(key, event, recorded)
    if task is None or isinstance(event, TaskPurged):
        return None
    imply = _IMPLIED.get(type(event))
    implied = imply(task, recorded) if imply else {}
    after = apply_changes(task, event, version=recorded.version, updated_at=recorded.at, **implied)
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
        case TimeEntryAdded() | TimeEntryEdited() | TimeEntryDeleted() | TimeEntryRestored():
            after["spent"] = task.spent + minutes_added(event)
        case TaskWatched() | TaskUnwatched():
            after["watchers"] = task.watchers.after(event)
        case CommentAdded() | CommentEdited():
            after |= _followed(task, recorded)
    if counted := _COUNTED.get(type(event)):
        name, step = counted
        after[name] = getattr(task, name) + step
    return replace(task, **after)


def _blockers(task: StoredTaskRow, other: UUID, *, keeps_waiting: bool) -> tuple[UUID, ...]:
    """The open tasks that a task waits for, after it begins to wait for another one, or no longer does."""
    others = tuple(blocker for blocker in task.blocked_by if blocker != other)
    return (*others, other) if keeps_waiting else others


def _waiting(task: StoredTaskRow, recorded: RecordedEvent) -> dict[str, object]:
    """What a task waits for after a relation is added or removed."""
    match recorded.event:
        case RelationAdded(relation=Change(new=Relation("blocked_by", other)), waits=waits):
            return {"blocked_by": _blockers(task, other, keeps_waiting=waits)}
        case RelationRemoved(relation=Change(old=Relation("blocked_by", other))):
            return {"blocked_by": _blockers(task, other, keeps_waiting=False)}
    return {}


def _followed(task: StoredTaskRow, recorded: RecordedEvent) -> dict[str, object]:
    """Those who watch the task from this event on."""
    return {"watchers": task.watchers.joined_by(followers(recorded.event, recorded.actor))}


def _renumbered(task: StoredTaskRow, recorded: RecordedEvent) -> dict[str, object]:
    """The number of a task that is moved to another project, and the keys that it had before."""
    match recorded.event:
        case TaskMovedToProject(number=number, key=key):
            former = dict.fromkeys((*task.former_keys, key.old))
            former.pop(key.new, None)  # it is moved back
            return {"number": number, "former_keys": tuple(former)}
    return {}


def _completed(_: StoredTaskRow, recorded: RecordedEvent) -> dict[str, object]:
    """When and by whom a task was completed; an agent's user counts."""
    return {"completed_at": recorded.at, "completed_by": recorded.actor.user_id}


def _reopened(_: StoredTaskRow, __: RecordedEvent) -> dict[str, object]:
    return {"completed_at": None, "completed_by": None}


_IMPLIED: Final[dict[type[Event], Callable[[StoredTaskRow, RecordedEvent], dict[str, object]]]] = {
    TaskAssigned: _followed,
    TaskCompleted: _completed,
    TaskReopened: _reopened,
    TaskMovedToProject: _renumbered,
    RelationAdded: _waiting,
    RelationRemoved: _waiting,
}
"""What events of the task mean for the row, beyond the fields that they change."""


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
