"""The tree of tasks on PostgreSQL: no two processes together put a task below itself."""

import asyncio
from random import Random
from typing import Any
from uuid import UUID

import pytest

from commands import subtask
from commands.handling.command_on import CommandOn
from commands.handling.loader import StateKey
from commands.handling.request import CommandRequest
from commands.subtask import SetParent
from commands.task import CreateTask
from domain.errors import MakesACycle, TooBusy
from domain.subtask import TaskTree, tree_stream_id
from domain.task import Task
from infra.ids import new_id
from infra.settings import Settings
from tests.examples import ADA
from tests.planted_defects import assert_async_check_fails
from tests.store.two_processes import PROJECTS, TwoProcesses, two_processes

ROUNDS, TASKS = 1_000, 4


async def concurrent_parents_make_no_cycle(both: TwoProcesses, rounds: int) -> None:
    """In each round both processes put one of few tasks below another one, at the same time."""
    tasks, chance = [new_id() for _ in range(TASKS)], Random(1)
    for task in tasks:
        await handle(both, 0, task, CreateTask(project_id=PROJECTS[0], title="Task"))
    for _ in range(rounds):
        moves = [(chance.choice(tasks), chance.choice([None, *tasks])) for _ in both.handlers]
        await asyncio.gather(
            *(
                handle(both, place, task, SetParent(parent_id=None if parent == task else parent))
                for place, (task, parent) in enumerate(moves)
            )
        )
        await assert_no_cycle(both, tasks)


async def handle(both: TwoProcesses, place: int, task: UUID, command: SetParent | CreateTask) -> None:
    try:
        await both.handlers[place].handle(CommandRequest([CommandOn(task, command)], ADA, new_id()))
    except (MakesACycle, TooBusy):
        return


async def assert_no_cycle(both: TwoProcesses, tasks: list[UUID]) -> None:
    wanted: list[StateKey] = [*((task, Task) for task in tasks), (tree_stream_id(PROJECTS[0]), TaskTree)]
    *loaded, of_tree = await both.logs[0].load_states(wanted)
    states: dict[UUID, Any] = {task: one.states[Task] for task, one in zip(tasks, loaded, strict=True)}
    tree: Any = of_tree.states[TaskTree] or TaskTree()
    for task in tasks:
        above, parent = list[UUID](), states[task]
        while parent is not None and parent.parent_id is not None:
            assert parent.parent_id not in {task, *above}, "a task is below itself"
            above.append(parent.parent_id)
            parent = states[parent.parent_id]
        assert list(tree.ancestors_of(task)) == above


async def test_concurrent_parents_make_no_cycle(settings: Settings) -> None:
    async with two_processes(settings.database_url) as both:
        await concurrent_parents_make_no_cycle(both, ROUNDS)


async def test_a_check_that_looks_one_level_up_is_noticed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subtask, "require_parent", lambda parent_id, *_: (parent_id,))
    async with two_processes(settings.database_url) as both:
        await assert_async_check_fails(lambda: concurrent_parents_make_no_cycle(both, ROUNDS))
