"""Races for a column with a limit: each is a check that fails if a count differs from the tasks in the column."""

import asyncio
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle
from typing import Any

from commands.column import ColumnSpec, SetColumns
from commands.command import Command
from commands.handling.command_on import CommandOn
from commands.handling.handler import CommandHandler
from commands.handling.outcome import Committed
from commands.handling.request import CommandRequest
from commands.task import CreateTask, MoveTask
from commands.trash import TrashTask
from domain.column import ColumnCount, column_stream_id
from domain.errors import ColumnIsFull, Refusal, TooBusy
from domain.event import fold
from domain.project import WipPolicy
from domain.task import Task
from infra.column_counter import ColumnCounter
from infra.database.connections import connect
from infra.ids import new_id
from infra.messaging import redis_clients
from infra.messaging.subscription import Subscription
from infra.reading.progress import ProjectionProgress
from infra.reading.progress_waiting import ProgressWaiter
from infra.settings import Settings
from infra.worker.projector import Projector
from tests.examples import ADA
from tests.store.two_processes import PROJECTS, TwoProcesses

WIP_LIMIT = 5
PROJECT = PROJECTS[0]
DOING_GUARD = column_stream_id(PROJECT, "doing")


class ColumnHandlers:
    """Two processes that count columns, for use with a running worker."""

    def __init__(self, both: TwoProcesses, settings: Settings) -> None:
        self.both = both
        self.handlers = [
            CommandHandler(log, ColumnCounter(log, pool, progress, ProgressWaiter(progress, pool)))
            for log, pool in zip(both.logs, both.pools, strict=True)
            for progress in [ProjectionProgress(Subscription(redis_clients.subscriber_client(settings.redis_url)), 1)]
        ]

    async def handle(self, process: int, *commands: CommandOn) -> Committed | Refusal:
        while True:
            try:
                return await self.handlers[process % 2].handle(CommandRequest(commands, ADA, new_id()))
            except TooBusy:
                await asyncio.sleep(0)  # as a client does that is asked to retry
            except Refusal as refusal:
                return refusal

    async def commit(self, *commands: CommandOn) -> Committed:
        answer = await self.handle(0, *commands)
        assert isinstance(answer, Committed), answer
        return answer

    async def handle_concurrently(self, commands: Sequence[CommandOn]) -> list[Committed | Refusal]:
        return await asyncio.gather(*(self.handle(at, command) for at, command in enumerate(commands)))

    async def set_limit(self, wip: WipPolicy, limit: int | None = WIP_LIMIT) -> None:
        """Set the limit of the board's middle column."""
        version = (await self.both.logs[0].load_streams([PROJECT]))[PROJECT][-1].version
        columns = (ColumnSpec(name="To do"), ColumnSpec(name="In progress", wip_limit=limit), ColumnSpec(name="Done"))
        await self.commit(CommandOn(PROJECT, SetColumns(columns=columns, wip=wip, expected_version=version)))


@contextmanager
def running_worker(settings: Settings, pause_s: float = 0.005) -> Iterator[None]:
    """A worker that polls with short pauses."""
    over = threading.Event()
    projector = Projector(settings.database_url, 1, lambda _: None)

    def work() -> None:
        while not over.wait(pause_s):
            projector.project(0)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(20)
        projector.close()


async def a_full_column_rejects_concurrent_entries(doors: ColumnHandlers) -> None:
    """64 tasks enter an uncounted column at once: half are new, half come from another column."""
    there = [new_id() for _ in range(32)]
    for task in there:
        await doors.commit(_create(task, "todo"))
    await doors.commit(_create(new_id(), "doing"))
    await doors.set_limit("refuse")
    moves = [CommandOn(task, MoveTask(column="doing", expected_version=1)) for task in there]
    creates = [_create(new_id(), "doing") for _ in range(32)]
    answers = await doors.handle_concurrently([entry for pair in zip(moves, creates, strict=True) for entry in pair])
    counts = Counter(type(answer) for answer in answers)
    assert counts == {Committed: WIP_LIMIT - 1, ColumnIsFull: 64 - WIP_LIMIT + 1}, counts
    await _assert_counted(doors, WIP_LIMIT)


async def concurrent_moves_are_counted_exactly(doors: ColumnHandlers) -> None:
    """The limit is removed and set again while tasks enter and leave, so the column is counted meanwhile."""
    there = [new_id() for _ in range(24)]
    for task in there:
        await doors.commit(_create(task, "doing"))
    over = asyncio.Event()

    async def settings() -> None:
        for limit in cycle([3, None, 40]):
            if over.is_set():
                return
            await doors.set_limit("warn", limit)
            await asyncio.sleep(0.02)

    setting = asyncio.create_task(settings())
    goes: list[Command[Any]] = [TrashTask(expected_version=1), MoveTask(column="done", expected_version=1)]
    leaving = [CommandOn(task, goes[at % 2]) for at, task in enumerate(there)]
    coming = [_create(new_id(), "doing") for _ in there]
    answers = await doors.handle_concurrently([change for pair in zip(leaving, coming, strict=True) for change in pair])
    over.set()
    await setting
    assert all(isinstance(answer, Committed) for answer in answers), answers
    await doors.set_limit("warn", 7)
    (last,) = (await doors.commit(_create(new_id(), "doing"))).results
    assert [warning.tasks for warning in last.warnings] == [25]
    await _assert_counted(doors, 25)


def _create(task: Any, column: str) -> CommandOn:
    return CommandOn(task, CreateTask(project_id=PROJECT, title="Milk", column=column))


async def _assert_counted(doors: ColumnHandlers, tasks: int) -> None:
    """Assert that the recorded count equals a fold of every task."""
    log = doors.both.logs[0]
    assert await log.load_state(ColumnCount, DOING_GUARD) == ColumnCount(tasks)
    with connect(doors.both.url) as connection:
        streams = connection.execute("select originator_id from log.events where topic = 'TaskCreated'").fetchall()
    histories = await log.load_streams([stream for (stream,) in streams])
    found = [fold(Task, (recorded.event for recorded in history)) for history in histories.values()]
    assert sum(task is not None and task.column == "doing" and task.is_on_board for task in found) == tasks


Race = Callable[[ColumnHandlers], Awaitable[None]]
