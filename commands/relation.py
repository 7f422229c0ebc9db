"""Commands about relations: relate two tasks, or take a relation back."""

from collections.abc import Iterator
from typing import ClassVar
from uuid import UUID

from commands.command import DecisionContext, OtherStreamEvent, require_found
from commands.task_command import TaskCommand, load_editable_project, require_editable_task
from domain.errors import MakesACycle, RelatesToItself, TaskIsArchived, TaskIsTrashed, TooManyRelations
from domain.event import Change, Event
from domain.relation import (
    BlockAdded,
    BlockGraph,
    BlockRemoved,
    Relation,
    RelationAdded,
    RelationKind,
    RelationRemoved,
    blocks_stream_id,
)
from domain.task import Task

MAX_RELATIONS_PER_TASK = 100
"""Each task that one blocks is touched by its completion."""


class RelateTask(TaskCommand, frozen=True, kw_only=True):
    """Relate a task to another one of its workspace; the other one gets the inverse relation."""

    changed_fields: ClassVar = frozenset({"relations"})

    kind: RelationKind
    task_id: UUID

    def decide(self, state: Task | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        task, relation = require_editable_task(state, context), Relation(self.kind, self.task_id)
        other = _require_relatable(task, self.task_id, context)
        if relation in task.relations:
            return
        _require_acyclic(context.target, task, relation, context)
        if max(len(task.relations), len(other.relations)) >= MAX_RELATIONS_PER_TASK:
            raise TooManyRelations(most=MAX_RELATIONS_PER_TASK)
        inverse = relation.inverse(context.target)
        yield RelationAdded(task.project_id, Change(None, relation), waits=_waits(relation, other))
        added = RelationAdded(other.project_id, Change(None, inverse), waits=_waits(inverse, task))
        yield OtherStreamEvent(self.task_id, added)
        yield from _on_graph(BlockAdded, context.target, task, relation)


class UnrelateTask(TaskCommand, frozen=True, kw_only=True):
    """Take a relation to another task back, on both."""

    changed_fields: ClassVar = frozenset({"relations"})

    kind: RelationKind
    task_id: UUID

    def decide(self, state: Task | None, context: DecisionContext) -> Iterator[Event | OtherStreamEvent]:
        task, relation = require_editable_task(state, context), Relation(self.kind, self.task_id)
        if relation in task.relations:
            yield from unrelate(context.target, task, relation, context)


def unrelate(
    task_id: UUID, task: Task, relation: Relation, context: DecisionContext
) -> Iterator[Event | OtherStreamEvent]:
    """The events that take a relation back on both tasks."""
    yield RelationRemoved(task.project_id, Change(relation, None))
    other = context(Task, relation.task_id)
    if other is not None and not other.purged:
        removed = RelationRemoved(other.project_id, Change(relation.inverse(task_id), None))
        yield OtherStreamEvent(relation.task_id, removed)
    yield from _on_graph(BlockRemoved, task_id, task, relation)


def _require_relatable(task: Task, other_id: UUID, context: DecisionContext) -> Task:
    """The other task of a relation.

    Raises NotFound, TaskIsTrashed, TaskIsArchived, or what the check of its project raises.
    """
    other = require_found(context(Task, other_id))
    require_found((other.workspace_id == task.workspace_id and not other.purged) or None)
    if other.trashed:
        raise TaskIsTrashed
    if other.archived:
        raise TaskIsArchived
    load_editable_project(other.project_id, context)
    return other


def _require_acyclic(task_id: UUID, task: Task, relation: Relation, context: DecisionContext) -> None:
    """Raise MakesACycle or RelatesToItself; the append asserts that the graph has not changed."""
    edge = _edge(task_id, relation)
    if edge is None:
        if relation.task_id == task_id:
            raise RelatesToItself
        return
    graph = context(BlockGraph, blocks_stream_id(task.workspace_id)) or BlockGraph()
    blocker, blocked = edge
    if graph.waits_for(blocker, blocked):
        raise MakesACycle


def _on_graph(
    event_type: type[BlockAdded | BlockRemoved], task_id: UUID, task: Task, relation: Relation
) -> Iterator[OtherStreamEvent]:
    edge = _edge(task_id, relation)
    if edge is not None:
        yield OtherStreamEvent(blocks_stream_id(task.workspace_id), event_type(*edge))


def _edge(task_id: UUID, relation: Relation) -> tuple[UUID, UUID] | None:
    """The blocker and the blocked task; None for a relation in which no task waits."""
    match relation.kind:
        case "blocks":
            return task_id, relation.task_id
        case "blocked_by":
            return relation.task_id, task_id
    return None


def _waits(relation: Relation, other: Task) -> bool:
    return relation.kind == "blocked_by" and other.is_awaited
