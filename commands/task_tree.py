"""The tree of the tasks of a project, as rules read it: what is above a task, and what is below."""

from collections.abc import Iterator
from itertools import islice
from uuid import UUID

from commands.command import DecisionContext, OtherStreamEvent
from domain.errors import TooManySubtasks
from domain.event import Event
from domain.subtask import MAX_SUBTASKS_PER_COMMAND, TaskTree, tree_stream_id
from domain.task import Task


def load_tree(project_id: UUID, context: DecisionContext) -> TaskTree:
    """The tree of a project; the append asserts that it has not changed."""
    return context(TaskTree, tree_stream_id(project_id)) or TaskTree()


def ancestors_of(task_id: UUID, task: Task, context: DecisionContext) -> tuple[UUID, ...]:
    """The tasks that one is below, the nearest first. The tree is not read for a task without a parent."""
    return load_tree(task.project_id, context).ancestors_of(task_id) if task.parent_id else ()


def load_subtasks(task_id: UUID, project_id: UUID, context: DecisionContext) -> list[tuple[UUID, Task]]:
    """All tasks below one, parents first, in the trash or not; raises TooManySubtasks."""
    below = list(islice(load_tree(project_id, context).iter_below(task_id), MAX_SUBTASKS_PER_COMMAND + 1))
    if len(below) > MAX_SUBTASKS_PER_COMMAND:
        raise TooManySubtasks(most=MAX_SUBTASKS_PER_COMMAND)
    states = context.load_all(Task, below)
    return [(subtask, state) for subtask, state in zip(below, states, strict=True) if state and not state.purged]


def for_stream(stream: UUID, events: Iterator[Event | OtherStreamEvent]) -> Iterator[OtherStreamEvent]:
    """The events of a rule that was applied to another task than the target of the command."""
    for event in events:
        yield event if isinstance(event, OtherStreamEvent) else OtherStreamEvent(stream, event)
