"""The graphs of tasks on PostgreSQL: no two processes together put a task below itself, or let it wait for itself."""

import asyncio
from random import Random
from typing import Any, TypeAlias
from uuid import UUID

import pytest

from commands import relation, subtask
from commands.handling.command_on import CommandOn
from commands.handling.loader import StateKey
from commands.handling.request import CommandRequest
from commands.relation import RelateTask, UnrelateTask
from commands.subtask import SetParent
from commands.task import CreateTask
from domain.errors import MakesACycle, TooBusy
from domain.relation import BlockGraph, blocks_stream_id
from domain.subtask import TaskTree, tree_stream_id
from domain.task import Task
from infra.ids import new_id
from infra.settings import Settings
from tests.commands.relation_laws import reachable
from tests.examples import ADA, WORKSPACE
from tests.planted_defects import assert_async_check_fails
from tests.store.two_processes import PROJECTS, TwoProcesses, two_processes

pytestmark = pytest.mark.slow

ROUNDS, TASKS = 1_000, 4
GraphCommand: TypeAlias = SetParent | RelateTask | UnrelateTask


async def concurrent_changes_make_no_cycle(both: TwoProcesses, rounds: int) -> None:
    """In each round both processes put a task below another one or let it block another one, at the same time."""
    tasks, chance = [new_id() for _ in range(TASKS)], Random(1)
    for task in tasks:
        await handle(both, 0, task, CreateTask(project_id=PROJECTS[0], title="Task"))
    for _ in range(rounds):
        changes = [(chance.choice(tasks), draw_command(chance, tasks)) for _ in both.handlers]
        await asyncio.gather(*(handle(both, place, *change) for place, change in enumerate(changes)))
        await assert_no_cycle(both, tasks)


def draw_command(chance: Random, tasks: list[UUID]) -> GraphCommand:
    other = chance.choice(tasks)
    commands: list[GraphCommand] = [
        SetParent(parent_id=other),
        SetParent(parent_id=None),
        RelateTask(kind="blocks", task_id=other),
        RelateTask(kind="blocks", task_id=other),
        UnrelateTask(kind="blocks", task_id=other),
    ]
    return chance.choice(commands)


async def handle(both: TwoProcesses, place: int, task: UUID, command: GraphCommand | CreateTask) -> None:
    try:
        await both.handlers[place].handle(CommandRequest([CommandOn(task, command)], ADA, new_id()))
    except (MakesACycle, TooBusy):
        return


async def assert_no_cycle(both: TwoProcesses, tasks: list[UUID]) -> None:
    guards: list[StateKey] = [(tree_stream_id(PROJECTS[0]), TaskTree), (blocks_stream_id(WORKSPACE), BlockGraph)]
    wanted: list[StateKey] = [*((task, Task) for task in tasks), *guards]
    *loaded, of_tree, of_blocks = await both.logs[0].load_states(wanted)
    states: dict[UUID, Any] = {task: one.states[Task] for task, one in zip(tasks, loaded, strict=True)}
    tree, graph = of_tree.states[TaskTree] or TaskTree(), of_blocks.states[BlockGraph] or BlockGraph()
    assert isinstance(tree, TaskTree)
    assert isinstance(graph, BlockGraph)
    for task in tasks:
        above, parent = list[UUID](), states[task]
        while parent is not None and parent.parent_id is not None:
            assert parent.parent_id not in {task, *above}, "a task is below itself"
            above.append(parent.parent_id)
            parent = states[parent.parent_id]
        assert list(tree.ancestors_of(task)) == above
        blocked = reachable({one: state.blocks for one, state in states.items()}, task)
        assert task not in blocked, "a task waits for itself"
        assert all(graph.waits_for(other, task) is (other in {task, *blocked}) for other in tasks)


async def test_concurrent_changes_make_no_cycle(settings: Settings) -> None:
    async with two_processes(settings.database_url) as both:
        await concurrent_changes_make_no_cycle(both, ROUNDS)


async def test_a_check_that_looks_one_level_up_is_noticed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subtask, "require_parent", lambda parent_id, *_: (parent_id,))
    async with two_processes(settings.database_url) as both:
        await assert_async_check_fails(lambda: concurrent_changes_make_no_cycle(both, ROUNDS))


async def test_a_rule_that_reads_no_graph_is_noticed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relation, "_require_acyclic", lambda *_: None)
    async with two_processes(settings.database_url) as both:
        await assert_async_check_fails(lambda: concurrent_changes_make_no_cycle(both, ROUNDS))
