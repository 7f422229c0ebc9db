"""The append lane: what waits while an append is in flight rides the next one; an idle lane appends at once."""

import asyncio
from collections import deque
from collections.abc import Sequence
from itertools import islice
from typing import Protocol
from uuid import UUID

from commands.handling.append import Append, AppendResult, WrongExpectedVersion
from commands.handling.decision import Decision
from commands.handling.group import DecisionGroup, DecisionOutcome, QueuedRequest, settle
from commands.handling.request import CommandRequest
from commands.handling.stream_cache import StreamCache, StreamState
from commands.handling.task_numbers import NumberBlocks, NumberPool
from domain.errors import TooBusy

MAX_GROUP_REQUESTS, MAX_GROUP_EVENTS = 128, 500
"""Orders in a group, and events after which no more are added."""
MAX_QUEUED_REQUESTS = 2_000
"""Orders that may wait; the next one is refused with TooBusy, so that memory stays bounded."""
SNAPSHOT_INTERVAL_EVENTS = 200
"""How many events a stream grows by until its state is kept anew."""


class EventAppender(Protocol):
    """The event log, as writing needs it."""

    def save_snapshot(self, stream: UUID, known: StreamState, command_id: UUID) -> None:
        """Keep what is known of a long stream, whose last event is that command's; returns at once."""

    async def append(self, appends: Sequence[Append]) -> Sequence[AppendResult | Exception]:
        """Judge them in order, each on what those before it leave, and write those that hold.

        What rides on one that failed fails too, whatever its versions. One answer each; an exception,
        Changed above all, where nothing of it is written.
        """


class Lane:
    """Decides orders in their turn and appends them in groups. One for each process; its task never dies.

    A decision that writes nothing rides along too, as a mere assertion of what it looked at: on a memory
    that is behind the log it would be an answer about the past.
    """

    def __init__(self, log: EventAppender, cache: StreamCache) -> None:
        self._log = log
        self._cache = cache
        self._number_pool = NumberPool()
        self._queue: deque[QueuedRequest] = deque()
        self._task: asyncio.Task[None] | None = None

    async def submit(self, request: CommandRequest) -> DecisionOutcome:
        """Decide and append; raises NotLoaded, Changed or TooBusy, and then nothing is written.

        Who is cancelled while waiting may have had their wish: the log alone knows.
        """
        if len(self._queue) >= MAX_QUEUED_REQUESTS:
            raise TooBusy
        future: asyncio.Future[DecisionOutcome] = asyncio.get_running_loop().create_future()
        self._queue.append((request, future))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="lane")
        return await future

    async def _run(self) -> None:
        while self._queue:
            group = self._next_group()
            try:
                await self._append(group)
            except Exception as error:  # noqa: BLE001 - whatever it is belongs to those who wait, not to the lane
                for decided in group.pending:
                    self._cache.invalidate(decided.decision.read_versions)
                    settle(decided.future, error)

    def _next_group(self) -> DecisionGroup:
        """Those who have waited the longest, and have not given up."""
        group = DecisionGroup(self._cache, NumberBlocks(self._number_pool, self._number_demand))
        while self._queue and len(group.requests) < MAX_GROUP_REQUESTS and group.event_count < MAX_GROUP_EVENTS:
            request, future = self._queue.popleft()
            if not future.done():
                group.add(request, future)
        return group

    def _number_demand(self, project_id: UUID) -> int:
        """How many more tasks are being created in a project just now; 0 where nobody else waits for anything."""
        waiting = [request for request, _ in islice(self._queue, MAX_GROUP_REQUESTS) if not request.is_dry_run]
        queued_commands = (command_on.command for request in waiting for command_on in request.commands)
        creating = [one for one in queued_commands if one.creates and getattr(one, "project_id", None) == project_id]
        return 1 + len(creating) if waiting else 0

    async def _append(self, group: DecisionGroup) -> None:
        answers = await self._log.append(group.appends) if group.appends else []
        for append, decided, answer in zip(group.appends, group.pending, answers, strict=True):
            if isinstance(answer, Exception):
                self._cache.invalidate(
                    answer.streams if isinstance(answer, WrongExpectedVersion) else decided.decision.read_versions
                )
                settle(decided.future, answer)
                continue
            if append.events:
                self._update_cache(decided.decision, append.command_id)
            group.release_numbers(decided.decision)
            settle(decided.future, DecisionOutcome(decided.decision, answer.position, decided.refusal))

    def _update_cache(self, decision: Decision, command_id: UUID) -> None:
        for stream in {stream for stream, _ in decision.new_events}:
            state = decision.stream_states[stream]
            if state.version // SNAPSHOT_INTERVAL_EVENTS > decision.read_versions[stream] // SNAPSHOT_INTERVAL_EVENTS:
                self._log.save_snapshot(stream, state, command_id)
            self._cache.set_unless_older(stream, state)
