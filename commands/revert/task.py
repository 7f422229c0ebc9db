"""Restoring a task: out of the trash and the archive, its fields, and back there."""

from collections.abc import Iterator
from typing import Any, cast
from uuid import UUID

from commands.archive import ArchiveTask, UnarchiveTask
from commands.command import DecisionContext, OtherStreamEvent, require_found
from commands.custom_field_values import set_field_values
from commands.field_types import MAX_ASSIGNEES_PER_TASK, MAX_LABELS_PER_TASK
from commands.ranking import Placement
from commands.recurrence import require_recurrence
from commands.relation import RelateTask, UnrelateTask
from commands.revert.restoration import Restoration, carry_out
from commands.revert.task_transfer import transfer_back
from commands.subtask import SetParent
from commands.task_changes import place, require_assignable, require_column
from commands.task_command import load_editable_project, require_editable_task
from commands.task_fields import field_events, set_fields
from commands.task_tree import for_stream
from commands.trash import RestoreTask, TrashTask
from domain.checklist import Checklist, ChecklistItemChecked, ChecklistItemUnchecked, ChecklistSet
from domain.column import Column
from domain.errors import TooManyAssignees, TooManyLabels
from domain.event import Change, Event
from domain.label import distinct_labels
from domain.task import Task, TaskAssigned, TaskLabelled, TaskUnassigned, TaskUnlabelled

PLACE_FIELDS = {"column", "status", "rank"}


def bring_back(restoration: Restoration, context: DecisionContext) -> Iterator[OtherStreamEvent]:
    """Out of the trash, or of the archive."""
    stream, values = restoration.stream, restoration.values
    if values.get("trashed") is False and _task(stream, context).trashed:
        yield from carry_out(RestoreTask(), stream, context)
    if values.get("archived") is False and _task(stream, context).archived:
        yield from carry_out(UnarchiveTask(), stream, context)


def take_away(restoration: Restoration, context: DecisionContext) -> Iterator[OtherStreamEvent]:
    """Into the archive, or the trash; there too, if it was created."""
    stream, values = restoration.stream, restoration.values
    if values.get("archived") and not _task(stream, context).archived:
        yield from carry_out(ArchiveTask(), stream, context)
    if (restoration.is_gone or values.get("trashed")) and not _task(stream, context).trashed:
        yield from carry_out(TrashTask(), stream, context)


def restore_fields(restoration: Restoration, context: DecisionContext) -> Iterator[OtherStreamEvent]:
    """All other fields; raises what the commands raise that change them."""
    stream, values = restoration.stream, restoration.values
    wanted = cast("Task", restoration.wanted)
    if "project_id" in values:
        yield from for_stream(stream, transfer_back(stream, _task(stream, context), wanted, context))
    if "parent_id" in values:
        yield from carry_out(SetParent(parent_id=wanted.parent_id), stream, context)
    task = require_editable_task(_task(stream, context), context)
    yield from for_stream(stream, _restore_own_fields(task, wanted, values, context))
    if PLACE_FIELDS & values.keys():
        yield from for_stream(stream, _restore_place(stream, _task(stream, context), wanted, context))
    if "relations" in values:
        yield from _restore_relations(stream, wanted, context)


def _restore_own_fields(task: Task, wanted: Task, values: Any, context: DecisionContext) -> Iterator[Event]:
    single = {name: value for name, value in values.items() if name in field_events()}
    yield from set_fields(task, single)
    if {"recurrence", "due"} & single.keys():
        require_recurrence(wanted, context)
    if "labels" in values:
        yield from _restore_labels(task, distinct_labels(wanted.labels))
    if "assignees" in values:
        yield from _restore_assignees(task, wanted.assignees, context)
    if "checklist" in values:
        yield from _restore_checklist(task.checklist, wanted.checklist)
    if "fields" in values and "project_id" not in values:
        yield from _restore_custom_fields(task, wanted, context)


def _restore_labels(task: Task, wanted: tuple[str, ...]) -> Iterator[Event]:
    if len(wanted) > max(MAX_LABELS_PER_TASK, len(task.labels)):
        raise TooManyLabels(most=MAX_LABELS_PER_TASK)
    current = task.labels
    for label in task.labels:
        if label not in wanted:
            yield TaskUnlabelled(label, Change(current, current := tuple(one for one in current if one != label)))
    for label in wanted:
        if label not in current:
            known = {*current, label}
            yield TaskLabelled(label, Change(current, current := tuple(one for one in wanted if one in known)))


def _restore_assignees(task: Task, wanted: tuple[UUID, ...], context: DecisionContext) -> Iterator[Event]:
    if len(wanted) > max(MAX_ASSIGNEES_PER_TASK, len(task.assignees)):
        raise TooManyAssignees(most=MAX_ASSIGNEES_PER_TASK)
    current = task.assignees
    for user in task.assignees:
        if user not in wanted:
            yield TaskUnassigned(user, Change(current, current := tuple(one for one in current if one != user)))
    for user in wanted:
        if user not in current:
            require_assignable(task.workspace_id, user, context)
            known = {*current, user}
            yield TaskAssigned(user, Change(current, current := tuple(one for one in wanted if one in known)))


def _restore_checklist(present: Checklist, wanted: Checklist) -> Iterator[Event]:
    """An event for each item that is only checked or unchecked, else one for the whole list."""
    if [(item.id, item.text) for item in present] != [(item.id, item.text) for item in wanted]:
        yield ChecklistSet(Change(present, wanted))
        return
    for before, after in zip(present, wanted, strict=True):
        if before.done != after.done:
            yield (ChecklistItemChecked if after.done else ChecklistItemUnchecked)(after.id, after.text)


def _restore_custom_fields(task: Task, wanted: Task, context: DecisionContext) -> Iterator[Event]:
    project = load_editable_project(task.project_id, context)
    names = {field.key: field.name for field in project.fields}
    keys = [key for key in {**task.fields, **wanted.fields} if task.fields.get(key) != wanted.fields.get(key)]
    sent = {names.get(key, key): wanted.fields.get(key) for key in keys}
    yield from set_field_values(task, project, sent, context)


def _restore_place(
    task_id: UUID, task: Task, wanted: Task, context: DecisionContext
) -> Iterator[Event | OtherStreamEvent]:
    project = load_editable_project(task.project_id, context)
    moves = wanted.column != task.column
    column = require_column(project, wanted.column) if moves else Column(task.column, task.column)
    former = Placement("former", former=wanted)
    yield from place(task_id, task, project, context, column=column, status=wanted.status, placement=former)


def _restore_relations(task_id: UUID, wanted: Task, context: DecisionContext) -> Iterator[OtherStreamEvent]:
    present = _task(task_id, context).relations
    for relation in present:
        if relation not in wanted.relations:
            yield from carry_out(UnrelateTask(kind=relation.kind, task_id=relation.task_id), task_id, context)
    for relation in wanted.relations:
        if relation not in present:
            yield from carry_out(RelateTask(kind=relation.kind, task_id=relation.task_id), task_id, context)


def _task(task_id: UUID, context: DecisionContext) -> Task:
    return require_found(context(Task, task_id))
