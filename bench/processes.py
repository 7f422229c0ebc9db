"""How the work of a create grows with the processes that decide: counted, as rates of 16 on two cores mean nothing."""

import asyncio
import contextlib
import random
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.data.board import create_task_command
from bench.harness.instance import BenchInstance, print_progress, start_instance
from bench.harness.rounds import MANY_CLIENTS
from commands.handling.append import Append, AppendResult
from commands.handling.command_on import CommandOn
from commands.handling.handler import CommandHandler
from commands.handling.loader import StateKey
from commands.handling.request import CommandRequest
from commands.handling.stream_cache import StreamState
from commands.task import CreateTask
from domain.event import Actor
from infra.database.pool import Pool, create_pool
from infra.ids import new_id
from infra.log.event_log import EventLog

PROCESS_COUNTS = (1, 2, 4, 8, 16)
CREATES_PER_CLIENT = 60
"""Each client makes as many before, uncounted, to fill the caches."""


class CountingLog(EventLog):
    """The event log of one command handler; all of them share the counts."""

    def __init__(self, url: str, pool: Pool, counts: Counter[str]) -> None:
        super().__init__(url, pool)
        self._counts = counts

    async def append(self, appends: Sequence[Append]) -> Sequence[AppendResult | Exception]:
        answers = await super().append(appends)
        failed = sum(isinstance(answer, Exception) for answer in answers)
        self._counts.update(groups=1, appends=len(appends), failed=failed)
        return answers

    async def load_states(self, wanted: Sequence[StateKey]) -> list[StreamState]:
        self._counts.update(streams_read=len(wanted))
        return await super().load_states(wanted)


def measure() -> None:
    """Count for each number of processes, and print a table."""
    table = Table("deciding processes", "appends in a group", "failed appends a create", "streams read a create")
    creates = MANY_CLIENTS * CREATES_PER_CLIENT
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, start_instance(Path(folder) / "data") as ours:
        for processes in PROCESS_COUNTS:
            found = asyncio.run(count_creates(ours, processes))
            each = (found["appends"] / found["groups"], found["failed"] / creates, found["streams_read"] / creates)
            table.add_row(str(processes), *(f"{number:.2f}" for number in each))
            print_progress(f"{processes} processes are counted.")
    Console().print(table)


async def count_creates(ours: BenchInstance, handler_count: int) -> Counter[str]:
    """What the creates of W1 ask of the log if so many command handlers, each with its own caches, carry them out."""
    counts, actor = Counter[str](), Actor(ours.user)
    commands = [create_task_command(project) for project in ours.board.projects]
    async with _open_handlers(ours.owner_url, handler_count, counts) as handlers:
        for _ in ("fill the caches", "count"):
            counts.clear()
            async with asyncio.TaskGroup() as clients:
                for number in range(MANY_CLIENTS):
                    clients.create_task(_create_tasks(handlers[number % handler_count], actor, commands))
    return counts


@contextlib.asynccontextmanager
async def _open_handlers(url: str, count: int, counts: Counter[str]) -> AsyncIterator[Sequence[CommandHandler]]:
    async with contextlib.AsyncExitStack() as opened:
        pools = [await opened.enter_async_context(create_pool(url)) for _ in range(count)]
        yield [CommandHandler(CountingLog(url, pool, counts)) for pool in pools]


async def _create_tasks(handler: CommandHandler, actor: Actor, commands: Sequence[CreateTask]) -> None:
    for _ in range(CREATES_PER_CLIENT):
        command = CommandOn(new_id(), random.choice(commands))
        await handler.handle(CommandRequest([command], actor, new_id()))
