"""Laws of sub-tasks: whatever is done to the tasks of a project, its tree has no cycle, and roll-ups are recounts."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias
from uuid import UUID

from hypothesis import strategies as st

from commands.archive import ArchiveTask, UnarchiveTask
from commands.command import require_found
from commands.handling.command_on import CommandOn
from commands.handling.handler import CommandHandler
from commands.handling.request import CommandRequest
from commands.subtask import SetParent
from commands.task import CompleteTask, CreateTask, ReopenTask
from commands.trash import RestoreTask, TrashTask
from domain.errors import Refusal
from domain.event import fold
from domain.subtask import SubtaskCount, TaskTree, tree_stream_id
from domain.task import Task
from infra.ids import new_id
from tests.commands.ranking_laws import rows_of
from tests.examples import ADA, PROJECT, fixed_uuid7, project, user, workspace
from tests.in_memory_event_log import InMemoryEventLog
from tests.law import law

TASKS = [fixed_uuid7(200 + number) for number in range(6)]
Step: TypeAlias = tuple[UUID, Callable[[int], Any]]
"""A task, and a command for it, given its version."""
_tasks = st.sampled_from(TASKS)
_commands: st.SearchStrategy[Callable[[int], Any]] = st.one_of(
    (st.none() | _tasks).map(lambda parent: lambda _: SetParent(parent_id=parent)),
    st.sampled_from(
        [
            lambda _: CompleteTask(),
            lambda _: CompleteTask(children="complete"),
            lambda _: ReopenTask(),
            *[lambda version: TrashTask(expected_version=version), lambda _: RestoreTask()] * 2,
            *[lambda _: ArchiveTask(), lambda _: UnarchiveTask()],
        ]
    ),
)
steps: st.SearchStrategy[list[Step]] = st.lists(st.tuples(_tasks, _commands), min_size=3, max_size=25)


@law(steps, examples=300)
def roll_ups_are_recounts(walk: Sequence[Step]) -> None:
    log = InMemoryEventLog([*user(), *workspace(), *project()])
    asyncio.run(_carry_out(log, walk))
    tasks = {task: require_found(fold(Task, log.history.events(task))) for task in TASKS}
    for row in rows_of(log):
        below = [tasks[task] for task in TASKS if row.id in ancestors(tasks, task) and not tasks[task].trashed]
        expected = SubtaskCount(sum(task.status == "done" for task in below), len(below))
        assert row.children == expected, f"{row.key} says {row.children}, not {expected}"


@law(steps, examples=100)
def the_tree_is_that_of_the_parents(walk: Sequence[Step]) -> None:
    log = InMemoryEventLog([*user(), *workspace(), *project()])
    asyncio.run(_carry_out(log, walk))
    tasks = {task: require_found(fold(Task, log.history.events(task))) for task in TASKS}
    tree = fold(TaskTree, log.history.events(tree_stream_id(PROJECT))) or TaskTree()
    for task in TASKS:
        assert list(tree.ancestors_of(task)) == ancestors(tasks, task)
        assert set(tree.iter_below(task)) == {each for each in TASKS if task in ancestors(tasks, each)}


def ancestors(tasks: dict[UUID, Any], task: UUID) -> list[UUID]:
    """By the parents of the tasks themselves; fails in a cycle."""
    found, parent = list[UUID](), tasks[task].parent_id
    while parent is not None:
        assert parent not in found, f"{parent} is below itself"
        found.append(parent)
        parent = tasks[parent].parent_id
    return found


async def _carry_out(log: InMemoryEventLog, walk: Sequence[Step]) -> None:
    """Create a chain of two and single tasks, then carry out what rules allow."""
    handler = CommandHandler(log)
    for number, task in enumerate(TASKS):
        await _handle(
            handler, task, CreateTask(project_id=PROJECT, title="Task", parent_id=TASKS[0] if number == 1 else None)
        )
    for task, command in walk:
        await _handle(handler, task, command(log.history.version(task)))


async def _handle(handler: CommandHandler, target: UUID, command: Any) -> None:
    with contextlib.suppress(Refusal):
        await handler.handle(CommandRequest([CommandOn(target, command)], ADA, new_id()))
