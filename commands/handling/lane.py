"""The append lane: requests that wait during an append go with the next one; an idle lane appends at once."""

import asyncio
from collections import deque
from collections.abc import Sequence
from itertools import islice
from typing import Protocol
from uuid import UUID

import msgspec

from commands.handling.append import Append, AppendResult, OutcomeUnknown, WrongExpectedVersion
from commands.handling.decision import Decision
from commands.handling.group import DecisionGroup, DecisionOutcome, QueuedRequest, settle
from commands.handling.request import CommandRequest
from commands.handling.stream_cache import StreamCache, StreamState
from commands.handling.task_numbers import NumberBlocks, NumberPool
from domain.errors import TooBusy

MAX_GROUP_REQUESTS, MAX_GROUP_EVENTS = 128, 500
"""Requests in a group, and events after which no more are added."""
MAX_QUEUED_REQUESTS, MAX_QUEUED_BYTES = 2_000, 32 * 2**20
"""Requests that may wait, and the size of their commands; the next one is refused with TooBusy."""
SNAPSHOT_INTERVAL_EVENTS = 200
"""How many events a stream grows by until the next snapshot."""
_encode = msgspec.msgpack.Encoder().encode


class EventAppender(Protocol):
    """The event log, as the lane needs it."""

    append_timeout_s: float
    """How long the callers of an append wait for it; then its outcome is unknown to them."""

    def save_snapshot(self, stream: UUID, known: StreamState, command_id: UUID) -> None:
        """Store the state of a long stream, whose last event is that command's; returns at once."""

    async def append(self, appends: Sequence[Append]) -> Sequence[AppendResult | Exception]:
        """Check them in order, each after those before it, and write those whose versions hold.

        One that builds on a failed one fails too, whatever its versions. One answer each; an exception, mostly
        WrongExpectedVersion, if nothing of it is written.
        """


class Lane:
    """Decides requests in turn and appends them in groups. One per process; its task never dies.

    An append that takes too long is left behind, and another task goes on with the requests that wait.

    A decision that writes nothing is appended too, as an assertion of what it read: from a cache that is behind the
    log, it would be an answer about the past.
    """

    def __init__(self, log: EventAppender, cache: StreamCache) -> None:
        self._log = log
        self._cache = cache
        self._number_pool = NumberPool()
        self._queue: deque[tuple[QueuedRequest, int]] = deque()
        self._queued_bytes = 0
        self._task: asyncio.Task[None] | None = None

    async def submit(self, request: CommandRequest) -> DecisionOutcome:
        """Decide and append; raises NotLoaded, WrongExpectedVersion or TooBusy, and then nothing is written.

        Raises OutcomeUnknown if the log does not answer in time. A request that is cancelled while it waits may have
        been written too: only the log knows.
        """
        size_bytes = len(_encode(request.commands))
        if len(self._queue) >= MAX_QUEUED_REQUESTS or self._queued_bytes + size_bytes > MAX_QUEUED_BYTES:
            raise TooBusy
        future: asyncio.Future[DecisionOutcome] = asyncio.get_running_loop().create_future()
        self._queue.append(((request, future), size_bytes))
        self._queued_bytes += size_bytes
        if self._task is None or self._task.done():
            self._start()
        return await future

    def _start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="lane")

    async def _run(self) -> None:
        loop, this_task = asyncio.get_running_loop(), asyncio.current_task()
        while self._queue and self._task is this_task:
            group = self._next_group()
            timer = loop.call_later(self._log.append_timeout_s, self._leave_behind, group)
            try:
                await self._append(group)
            except Exception as error:  # noqa: BLE001 - whatever it is belongs to those who wait, not to the lane
                self._fail(group, error)
            finally:
                timer.cancel()

    def _leave_behind(self, group: DecisionGroup) -> None:
        """Wait no longer for an append: whatever becomes of it, the next one checks every version again."""
        self._fail(group, OutcomeUnknown())
        self._start()

    def _fail(self, group: DecisionGroup, error: Exception) -> None:
        for decided in group.pending:
            self._cache.invalidate(decided.decision.read_versions)
            settle(decided.future, error)

    def _next_group(self) -> DecisionGroup:
        """Those who have waited the longest, and have not given up."""
        group = DecisionGroup(self._cache, NumberBlocks(self._number_pool, self._number_demand))
        while self._queue and len(group.requests) < MAX_GROUP_REQUESTS and group.event_count < MAX_GROUP_EVENTS:
            (request, future), size_bytes = self._queue.popleft()
            self._queued_bytes -= size_bytes
            if not future.done():
                group.add(request, future)
        return group

    def _number_demand(self, project_id: UUID) -> int:
        """How many more tasks are being created in a project right now; 0 if no other request waits."""
        waiting = [request for (request, _), _ in islice(self._queue, MAX_GROUP_REQUESTS) if not request.is_dry_run]
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
