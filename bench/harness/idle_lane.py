"""An idle lane: the cost of one command, compared with its bare append on a separate connection, in turns."""

import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Collection, Coroutine, Sequence
from pathlib import Path
from typing import Any, cast
from uuid import UUID

from msgspec import Struct
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from bench.data.board import create_task_command
from bench.harness.run_module import run_plan
from cli.open_instance import open_instance
from commands.handling.append import Append, AppendResult
from commands.handling.command_on import CommandOn
from commands.handling.handler import CommandHandler, EventStore, Histories
from commands.handling.loader import StateKey
from commands.handling.request import CommandRequest
from commands.handling.stream_cache import StreamState
from commands.task import CreateTask
from domain.event import Actor
from infra import settings
from infra.database.pool import Pool
from infra.ids import new_id
from infra.log.event_log import EventLog
from infra.time_budget import APPEND_S


class IdleLanePlan(Struct, frozen=True):
    """The user who creates tasks and the instance: in one project through the handler, in the other by bare appends."""

    data: str
    user: UUID
    handled_project: UUID
    appended_project: UUID
    seconds: float


class IdleLaneLatencies(Struct, frozen=True):
    """The latencies of handled commands and of bare appends, in milliseconds."""

    handled_ms: list[float]
    appended_ms: list[float]


async def alternate(plan: IdleLanePlan) -> IdleLaneLatencies:
    """Create one task at a time, through the handler and by a bare append; each goes first every other time."""
    instance_settings, actor, idle = (
        settings.resolve(Path(plan.data), needs_address_key=True),
        Actor(plan.user),
        IdleLaneLatencies([], []),
    )
    handled, appended = create_task_command(plan.handled_project), create_task_command(plan.appended_project)
    deadline = time.monotonic() + plan.seconds
    async with open_instance(instance_settings) as instance, _bare_log(instance_settings.database_url) as bare:
        recording_log = _RecordingLog(bare)
        recording_handling = CommandHandler(recording_log)

        async def time_handled() -> None:
            idle.handled_ms.append(await _time_ms(_handle(instance.command_handler, handled, actor)))

        async def time_appended() -> None:
            await _handle(recording_handling, appended, actor)
            idle.appended_ms.append(await _time_ms(_append(bare, recording_log.recorded)))

        pair = (time_handled, time_appended)
        while time.monotonic() < deadline:
            for run in pair:
                await run()
            pair = pair[::-1]
    return idle


@contextlib.asynccontextmanager
async def _bare_log(url: str) -> AsyncIterator[EventLog]:
    """The log on one plain connection, without a pool, so that only the append is measured."""
    async with await AsyncConnection.connect(url, autocommit=True) as connection:
        yield EventLog(url, cast("Pool", _SingleConnectionPool(connection)))


class _SingleConnectionPool(Struct, frozen=True):
    """The part of a pool that the log uses."""

    single: AsyncConnection[TupleRow]

    def run_in_background(self, work: Coroutine[Any, Any, None]) -> None:
        """Discard the work: only the append is measured."""
        work.close()

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection[TupleRow]]:
        yield self.single


class _RecordingLog:
    """A log that records appends instead of writing them, so that they can be written and timed later."""

    append_timeout_s = APPEND_S

    def __init__(self, log: EventStore) -> None:
        self.recorded: Sequence[Append] = []
        self._log = log

    async def append(self, appends: Sequence[Append]) -> Sequence[AppendResult | Exception]:
        self.recorded = appends
        return [AppendResult(0) for _ in appends]

    async def load_streams(self, ids: Collection[UUID]) -> Histories:
        return await self._log.load_streams(ids)

    async def load_states(self, wanted: Sequence[StateKey]) -> Sequence[StreamState]:
        return await self._log.load_states(wanted)

    def save_snapshot(self, stream: UUID, known: StreamState, command_id: UUID) -> None:
        """Save nothing: no event was written."""


async def _handle(handling: CommandHandler, command: CreateTask, actor: Actor) -> None:
    await handling.handle(CommandRequest([CommandOn(new_id(), command)], actor, new_id()))


async def _append(log: EventLog, appends: Sequence[Append]) -> None:
    if not all(isinstance(one, AppendResult) for one in await log.append(appends)):
        raise RuntimeError("The bare append was rejected, so its latency is void.")


async def _time_ms(awaitable: Awaitable[None]) -> float:
    began = time.perf_counter()
    await awaitable
    return round((time.perf_counter() - began) * 1000, 4)


if __name__ == "__main__":
    run_plan(IdleLanePlan, alternate)
