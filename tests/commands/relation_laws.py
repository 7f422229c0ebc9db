"""Laws of relations: whatever is done to tasks, each says what it waits for, and none waits for itself."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, get_args
from uuid import UUID

from hypothesis import strategies as st

from commands.archive import ArchiveTask, UnarchiveTask
from commands.command import require_found
from commands.handling.command_on import CommandOn
from commands.handling.handler import CommandHandler
from commands.handling.request import CommandRequest
from commands.relation import RelateTask, UnrelateTask
from commands.subtask import SetParent
from commands.task import CompleteTask, CreateTask, ReopenTask
from commands.trash import PurgeTask, RestoreTask, TrashTask
from domain.errors import Refusal
from domain.event import fold
from domain.instance import RULE_ACTOR
from domain.relation import BlockAdded, BlockGraph, BlockRemoved, RelationKind, blocks_stream_id
from domain.task import Task
from infra.ids import new_id
from tests.commands.ranking_laws import rows_of
from tests.examples import ADA, PROJECT, WORKSPACE, fixed_uuid7, project, user, workspace
from tests.in_memory_event_log import InMemoryEventLog
from tests.law import law

TASKS = [fixed_uuid7(200 + number) for number in range(4)]
Step: TypeAlias = tuple[UUID, Callable[[int], Any]]
"""A task, and a command for it, given its version."""
_tasks = st.sampled_from([TASKS[0], *TASKS])
_kinds = st.sampled_from(["blocks", "blocks", "blocked_by", *get_args(RelationKind)])
_relate = st.builds(lambda kind, task: lambda _: RelateTask(kind=kind, task_id=task), _kinds, _tasks)
_unrelate = st.builds(lambda kind, task: lambda _: UnrelateTask(kind=kind, task_id=task), _kinds, _tasks)
_set_parent = _tasks.map(lambda parent: lambda _: SetParent(parent_id=parent))
_others: st.SearchStrategy[Callable[[int], Any]] = st.sampled_from(
    [
        *[lambda _: CompleteTask(children="complete"), lambda _: ReopenTask()] * 2,
        *[lambda _: ArchiveTask(), lambda _: UnarchiveTask()] * 2,
        *[lambda version: TrashTask(expected_version=version), lambda _: RestoreTask()] * 2,
        lambda version: PurgeTask(expected_version=version),
    ]
)
_any_tasks = st.tuples(_tasks, st.one_of(_relate, _relate, _unrelate, _set_parent, _others, _others))
_one_blocker = st.tuples(st.just(TASKS[0]), _others)
steps: st.SearchStrategy[list[Step]] = st.one_of(
    *(st.lists(step, min_size=3, max_size=20) for step in (_any_tasks, _any_tasks, _one_blocker))
)
edges = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7), st.booleans()), max_size=20)


@law(steps, examples=300)
def tasks_wait_for_open_blockers(walk: Sequence[Step]) -> None:
    """The row of each task has its relations, their inverses are on the others, and it waits for open blockers."""
    log = _carried_out(walk)
    tasks = {task: require_found(fold(Task, log.history.events(task))) for task in TASKS}
    rows = {row.id: row for row in rows_of(log)}
    for task, row in rows.items():
        assert row.relations == tasks[task].relations
        assert not (row.relations and tasks[task].purged), "a purge takes relations back"
        for relation in row.relations:
            assert relation.inverse(task) in rows[relation.task_id].relations
        blockers = [relation.task_id for relation in row.relations if relation.kind == "blocked_by"]
        awaited = {one for one in blockers if tasks[one].status == "open" and tasks[one].is_on_board}
        assert set(row.blocked_by) == awaited, f"{row.key} waits for {row.blocked_by}, not {awaited}"
        assert len(row.blocked_by) == len(awaited)


@law(steps, examples=100)
def blocks_have_no_cycle(walk: Sequence[Step]) -> None:
    log = _carried_out(walk)
    tasks = {task: require_found(fold(Task, log.history.events(task))) for task in TASKS}
    graph = fold(BlockGraph, log.history.events(blocks_stream_id(WORKSPACE))) or BlockGraph()
    for task in TASKS:
        blocked = reachable({one: state.blocks for one, state in tasks.items() if not state.purged}, task)
        assert task not in blocked, f"{task} waits for itself"
        for other in TASKS:
            assert graph.waits_for(other, task) == (other == task or other in blocked)


@law(edges, examples=300)
def paths_are_found(changes: Sequence[tuple[int, int, bool]]) -> None:
    """In any graph, with cycles too."""
    ids, events = [fixed_uuid7(number + 1) for number in range(8)], list[BlockAdded | BlockRemoved]()
    blocks: dict[UUID, tuple[UUID, ...]] = dict.fromkeys(ids, ())
    for start, end, is_there in changes:
        others = tuple(each for each in blocks[ids[start]] if each != ids[end])
        blocks[ids[start]] = (*others, ids[end]) if is_there else others
        events.append((BlockAdded if is_there else BlockRemoved)(ids[start], ids[end]))
    graph = fold(BlockGraph, events) or BlockGraph()
    assert graph == (fold(BlockGraph, events[3:], fold(BlockGraph, events[:3])) or BlockGraph())
    for start_id in ids:
        found = {start_id, *reachable(blocks, start_id)}
        assert {each for each in ids if graph.waits_for(each, start_id)} == found


def reachable(edges: dict[UUID, tuple[UUID, ...]], start: UUID) -> set[UUID]:
    found, pending = set[UUID](), list(edges.get(start, ()))
    while pending:
        each = pending.pop()
        if each not in found:
            found.add(each)
            pending += edges.get(each, ())
    return found


def _carried_out(walk: Sequence[Step]) -> InMemoryEventLog:
    """Create the tasks, the first of which blocks the second, then carry out what rules allow."""
    log = InMemoryEventLog([*user(), *workspace(), *project()])
    asyncio.run(_carry_out(log, walk))
    return log


async def _carry_out(log: InMemoryEventLog, walk: Sequence[Step]) -> None:
    handler = CommandHandler(log)
    for task in TASKS:
        await _handle(handler, task, CreateTask(project_id=PROJECT, title="Task"))
    await _handle(handler, TASKS[0], RelateTask(kind="blocks", task_id=TASKS[1]))
    for task, command in walk:
        await _handle(handler, task, command(log.history.version(task)))


async def _handle(handler: CommandHandler, target: UUID, command: Any) -> None:
    actor = RULE_ACTOR if isinstance(command, PurgeTask) else ADA
    with contextlib.suppress(Refusal):
        await handler.handle(CommandRequest([CommandOn(target, command)], actor, new_id()))
