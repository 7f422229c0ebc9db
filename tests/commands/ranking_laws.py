"""Laws of ranking: any moves of the tasks of a project give the order that a plain list would have."""

import asyncio
from collections.abc import Sequence
from typing import TypeAlias
from uuid import UUID

from hypothesis import strategies as st

from commands.handling.command_on import CommandOn
from commands.handling.handler import CommandHandler
from commands.handling.request import CommandRequest
from commands.task import CreateTask, MoveTask
from infra.ids import new_id
from projections import task_list
from projections.projection import key_by_stream_and_touches
from projections.task_list import StoredTaskRow
from tests.examples import ADA, PROJECT, fixed_uuid7, project, user, workspace
from tests.in_memory_event_log import InMemoryEventLog
from tests.law import law

TASKS = [fixed_uuid7(200 + number) for number in range(6)]
Move: TypeAlias = tuple[UUID, str, UUID | None]
"""A task, where it goes, and the task beside it."""
_tasks = st.sampled_from(TASKS)
moves = st.lists(
    st.one_of(
        st.tuples(_tasks, st.sampled_from(["top", "bottom", "new"]), st.none()),
        st.tuples(_tasks, st.sampled_from(["before", "after"]), _tasks),
    ),
    min_size=1,
    max_size=25,
)


@law(moves, examples=150)
def moves_give_the_order_of_a_plain_list(walk: Sequence[Move]) -> None:
    log = InMemoryEventLog([*user(), *workspace(), *project()])
    expected = asyncio.run(_carry_out(CommandHandler(log), walk))
    assert [row.id for row in sorted(rows_of(log), key=lambda row: (row.rank, row.id))] == expected


async def _carry_out(handler: CommandHandler, walk: Sequence[Move]) -> list[UUID]:
    """Carry out the moves, and do the same with a list, which is returned."""
    order, created = list[UUID](), 0
    for task in TASKS:
        await _handle(handler, task, CreateTask(project_id=PROJECT, title="Task"))
        order.append(task)
    for task, place, beside in walk:
        if place == "new":
            created += 1
            task = fixed_uuid7(300 + created)  # noqa: PLW2901 - another task
            await _handle(handler, task, CreateTask(project_id=PROJECT, title="Task"))
            order.append(task)
            continue
        named = {place: str(beside)} if beside else {place: True}
        await _handle(handler, task, MoveTask(**named))
        if beside != task:
            order.remove(task)
            ends = {"top": 0, "bottom": len(order)}
            order.insert(ends[place] if beside is None else order.index(beside) + (place == "after"), task)
    return order


async def _handle(handler: CommandHandler, target: UUID, command: CreateTask | MoveTask) -> None:
    await handler.handle(CommandRequest([CommandOn(target, command)], ADA, new_id()))


def rows_of(log: InMemoryEventLog) -> list[StoredTaskRow]:
    """The rows of the task list, folded from a log."""
    rows = dict[UUID, StoredTaskRow]()
    recorded = sorted((each for of in log.history.streams.values() for each in of), key=lambda each: each.position)
    for each in recorded:
        for key in key_by_stream_and_touches(each):
            after = task_list.fold(key, rows.get(key), each)
            if after:
                rows[key] = after
    return list(rows.values())
