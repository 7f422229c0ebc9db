"""The law of bulk changes: a command on many tasks does what it does on one after the other."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias
from uuid import UUID

from hypothesis import strategies as st

from commands.archive import ArchiveTask, UnarchiveTask
from commands.handling.command_on import CommandOn
from commands.handling.handler import CommandHandler
from commands.handling.request import CommandRequest
from commands.label import LabelTask, UnlabelTask
from commands.subtask import SetParent
from commands.task import CompleteTask, CreateTask, MoveTask, ReopenTask
from commands.trash import RestoreTask, TrashTask
from domain.column import DEFAULT_COLUMNS, ColumnCounted, column_stream_id
from domain.errors import Refusal
from domain.event import Change
from domain.project import ColumnsSet
from infra.ids import new_id
from tests.examples import ADA, LIMITED_BOARD, PROJECT, fixed_uuid7, project, user, workspace
from tests.in_memory_event_log import InMemoryEventLog
from tests.law import law

TASKS = [fixed_uuid7(200 + number) for number in range(6)]
NOWHERE = fixed_uuid7(299)
LIMITED = "doing"
Effect: TypeAlias = tuple[dict[UUID, list[str]], int, dict[UUID, str]]
"""The events of each stream by name, how many tasks changed, and the codes of refusals."""
_tasks = st.sampled_from(TASKS)
_commands: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(
        [
            MoveTask(column=LIMITED),
            MoveTask(column=LIMITED),
            MoveTask(column="done"),
            MoveTask(top=True),
            CompleteTask(),
            CompleteTask(),
            CompleteTask(children="complete"),
            ReopenTask(),
            TrashTask(),
            RestoreTask(),
            ArchiveTask(),
            UnarchiveTask(),
            LabelTask(label="Shop"),
            UnlabelTask(label="shop"),
        ]
    ),
    (st.none() | _tasks).map(lambda parent: SetParent(parent_id=parent)),
    _tasks.map(lambda beside: MoveTask(after=str(beside))),
)
_walks = st.lists(st.tuples(_tasks, _commands), max_size=10)
_selections = st.lists(st.sampled_from([*TASKS, NOWHERE]), min_size=2, max_size=7, unique=True)


@law(_walks, _commands, _selections, examples=300)
def many_at_once_are_as_one_by_one(walk: Sequence[tuple[UUID, Any]], command: Any, tasks: Sequence[UUID]) -> None:
    before = [*user(), *workspace(), *project(), (PROJECT, _LIMITS), (column_stream_id(PROJECT, LIMITED), _EMPTY)]
    log = InMemoryEventLog(before)
    asyncio.run(_prepare(log, walk))
    at_once = asyncio.run(_effect_of(_carry_out_at_once, log, command, tasks))
    assert at_once == asyncio.run(_effect_of(_carry_out_one_by_one, log, command, tasks))


_LIMITS = ColumnsSet(Change(DEFAULT_COLUMNS, LIMITED_BOARD), Change("warn", "refuse"))
_EMPTY = ColumnCounted(0)


async def _prepare(log: InMemoryEventLog, walk: Sequence[tuple[UUID, Any]]) -> None:
    """Create a chain of two and single tasks, then carry out what rules allow."""
    handler = CommandHandler(log)
    for number, task in enumerate(TASKS):
        parent = TASKS[0] if number == 1 else None
        await handler.handle(_request(task, CreateTask(project_id=PROJECT, title="Task", parent_id=parent)))
    for task, command in walk:
        await _refusal_of(handler, task, command)


async def _effect_of(
    carry_out: Callable[..., Any], log: InMemoryEventLog, command: Any, tasks: Sequence[UUID]
) -> Effect:
    """On a copy of the log."""
    copy = InMemoryEventLog(log.history.facts)
    changed, refusals = await carry_out(CommandHandler(copy), copy, command, tasks)
    names = {stream: [type(event).__name__ for event in copy.history.events(stream)] for stream in copy.history.streams}
    return names, changed, refusals


async def _carry_out_at_once(
    handler: CommandHandler, log: InMemoryEventLog, command: Any, tasks: Sequence[UUID]
) -> tuple[int, dict[UUID, str]]:
    del log
    every = [CommandOn(task, command) for task in tasks]
    outcome = await handler.carry_out_each(CommandRequest(every, ADA, new_id(), allows_any_version=True))
    return len(outcome.changed), {tasks[index]: refusal.code for index, refusal in outcome.refused.items()}


async def _carry_out_one_by_one(
    handler: CommandHandler, log: InMemoryEventLog, command: Any, tasks: Sequence[UUID]
) -> tuple[int, dict[UUID, str]]:
    changed, refusals = 0, dict[UUID, str]()
    for task in tasks:
        before = log.written_count
        if code := await _refusal_of(handler, task, command):
            refusals[task] = code
        changed += log.written_count > before
    return changed, refusals


async def _refusal_of(handler: CommandHandler, task: UUID, command: Any) -> str:
    """The code of the refusal of a command that names no version; empty if there is none."""
    try:
        await handler.handle(_request(task, command))
    except Refusal as refusal:
        return refusal.code()
    return ""


def _request(task: UUID, command: Any) -> CommandRequest:
    is_new = isinstance(command, CreateTask)
    return CommandRequest([CommandOn(task, command)], ADA, new_id(), allows_any_version=not is_new)
