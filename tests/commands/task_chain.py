"""A chain of tasks: one above another, above a third one."""

from typing import Any
from uuid import UUID

from domain.event import Change
from domain.subtask import SubtaskCount, SubtaskPlaced, TaskParentSet, tree_stream_id
from tests.examples import OTHER_TASK, PROJECT, TASK, Facts, fixed_uuid7, project, task, workspace
from tests.given import Given, given

THIRD = fixed_uuid7(33)
TREE = tree_stream_id(PROJECT)


def below(task_id: UUID, *ancestors: UUID) -> Facts:
    """The events of a task that gets its first parent."""
    parent = Change(None, ancestors[0])
    return [
        (task_id, TaskParentSet(parent, (), SubtaskCount(0, 1), ancestors=ancestors)),
        (TREE, SubtaskPlaced(task_id, parent)),
    ]


def given_chain(*later: Any) -> Given:
    """TASK is above OTHER_TASK, which is above THIRD."""
    others = [*task(task_id=OTHER_TASK, number=2), *task(task_id=THIRD, number=3)]
    return given(workspace(), project(), task(), others, below(OTHER_TASK, TASK), below(THIRD, OTHER_TASK, TASK), later)
