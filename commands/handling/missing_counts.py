"""Missing column counts: the one fact that a decision may need and no stream has, supplied so that it can be repeated.

It is exact without a lock. The version of the guard stream is read first, then the tasks are counted in a read model
that includes everything in the log at that moment. No task can have entered since: an uncounted column with a limit
admits none. A task that left has moved the guard, and then the count is not written, but made again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol, cast
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from commands.column import CountColumn
from commands.column_counts import is_counted
from commands.handling.command_on import CommandOn
from commands.handling.loader import StateReader
from commands.handling.outcome import Committed
from commands.handling.request import CommandRequest
from commands.handling.stream_cache import StreamState
from domain.column import ColumnCount, ColumnTasks, column_stream_id
from domain.errors import ColumnNotCounted, Refusal, TooBusy
from domain.instance import RULE_ACTOR
from domain.project import Project
from domain.task import TaskStatus

MAX_COUNT_ATTEMPTS = 8
"""How often a request is decided again, at most, without a count having been written for it."""


class TaskCount(Struct, frozen=True):
    """How many tasks are in a column, and the id of the command that would write that."""

    tasks: int
    command_id: UUID


class ColumnCounts(Protocol):
    """Where tasks are counted: a read model, as a layer above implements it."""

    async def count_tasks(self, project_id: UUID, column: str) -> TaskCount:
        """Counted in a state that includes everything in the log at the time of the call.

        Raises an error of its own if the read model does not get that far in time.
        """

    async def list_tasks(self, project_id: UUID, column: str | None, status: TaskStatus | None = None) -> ColumnTasks:
        """The tasks in a column in such a state, of one status or any, with as many ids as a command may change.

        Without a column, those on the whole board.
        """


class MissingCounts:
    """Writes the counts that requests lack, each once, however many requests wait for it."""

    def __init__(
        self, log: StateReader, counts: ColumnCounts, handle: Callable[[CommandRequest], Awaitable[Committed]]
    ) -> None:
        self._log = log
        self._counts = counts
        self._handle = handle
        self._in_flight: dict[UUID, asyncio.Task[bool]] = {}

    async def write(self, missing: ColumnNotCounted) -> bool:
        """Whether the count was written, by this call or by another that was already at it."""
        project_id, column = _column_of(missing)
        guard = column_stream_id(project_id, column)
        if guard not in self._in_flight:
            task = asyncio.create_task(self._write(project_id, column, guard), name="counting")
            self._in_flight[guard] = task
            task.add_done_callback(lambda _: self._in_flight.pop(guard))
        return await asyncio.shield(self._in_flight[guard])

    async def assume(self, request: CommandRequest, missing: ColumnNotCounted) -> CommandRequest:
        """The dry run with the count as an assumed state; raises the refusal if there is nothing to count."""
        project_id, column = _column_of(missing)
        guard = column_stream_id(project_id, column)
        version = await self._uncounted_version(guard)
        if version is None or guard in request.assumed_states:
            raise missing
        count = ColumnCount((await self._counts.count_tasks(project_id, column)).tasks)
        assumed_count = {guard: StreamState(version, {ColumnCount: count})}
        return replace(request, assumed_states={**request.assumed_states, **assumed_count})

    async def refusal(self, missing: ColumnNotCounted) -> Refusal:
        """The answer after too many attempts.

        TooBusy if other requests kept moving the guard. The refusal itself if the column gets its limit in this very
        request, so that there is nothing to count yet.
        """
        project_id, column = _column_of(missing)
        (state,) = await self._log.load_states([(project_id, Project)])
        project = cast("Project | None", state.states[Project])
        config = project.find_column_by_id(column) if project else None
        return TooBusy() if config is not None and config.wip_limit is not None else missing

    async def _write(self, project_id: UUID, column: str, guard: UUID) -> bool:
        version = await self._uncounted_version(guard)
        if version is None:
            return False
        count = await self._counts.count_tasks(project_id, column)
        command = CommandOn(project_id, CountColumn(column=column, tasks=count.tasks, seen=version))
        return (await self._handle(CommandRequest([command], RULE_ACTOR, count.command_id))).has_changes

    async def _uncounted_version(self, guard: UUID) -> int | None:
        """The version of a guard stream; None if it has not begun, or is counted."""
        (state,) = await self._log.load_states([(guard, ColumnCount)])
        is_already_counted = is_counted(cast("ColumnCount | None", state.states[ColumnCount]))
        return None if is_already_counted else state.version or None


def _column_of(missing: ColumnNotCounted) -> tuple[UUID, str]:
    return UUID(str(missing.params["project"])), str(missing.params["column"])
