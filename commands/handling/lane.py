"""The append lane: what waits while an append is in flight rides the next one; an idle lane appends at once."""

import asyncio
from collections import deque
from collections.abc import Sequence
from itertools import islice
from typing import Protocol
from uuid import UUID

from commands.handling.append import Accepted, Append, Changed
from commands.handling.decision import Decision
from commands.handling.group import Group, Order, Ordered, Verdict, settle
from commands.handling.stream_cache import Known, Memory
from commands.handling.task_numbers import Numbers, Supply
from domain.errors import TooBusy

MOST_TOGETHER, MOST_EVENTS = 128, 500
"""Orders in a group, and events after which no more are added."""
MOST_WAITING = 2_000
"""Orders that may wait; the next one is refused with TooBusy, so that memory stays bounded."""
KEPT_EVERY = 200
"""How many events a stream grows by until its state is kept anew."""


class Log(Protocol):
    """The event log, as writing needs it."""

    def save_snapshot(self, stream: UUID, known: Known, command_id: UUID) -> None:
        """Keep what is known of a long stream, whose last event is that command's; returns at once."""

    async def append(self, appends: Sequence[Append]) -> Sequence[Accepted | Exception]:
        """Judge them in order, each on what those before it leave, and write those that hold.

        What rides on one that failed fails too, whatever its versions. One answer each; an exception,
        Changed above all, where nothing of it is written.
        """


class Lane:
    """Decides orders in their turn and appends them in groups. One for each process; its task never dies.

    A decision that writes nothing rides along too, as a mere assertion of what it looked at: on a memory
    that is behind the log it would be an answer about the past.
    """

    def __init__(self, log: Log, memory: Memory) -> None:
        self._log = log
        self._memory = memory
        self._numbers = Numbers()
        self._waiting: deque[Ordered] = deque()
        self._task: asyncio.Task[None] | None = None

    async def carry_out(self, order: Order) -> Verdict:
        """Decide and append; raises NotLoaded, Changed or TooBusy, and then nothing is written.

        Who is cancelled while waiting may have had their wish: the log alone knows.
        """
        if len(self._waiting) >= MOST_WAITING:
            raise TooBusy
        future: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        self._waiting.append((order, future))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="lane")
        return await future

    async def _run(self) -> None:
        while self._waiting:
            group = self._group()
            try:
                await self._append(group)
            except Exception as error:  # noqa: BLE001 - whatever it is belongs to those who wait, not to the lane
                for decided in group.decided:
                    self._memory.forget(decided.decision.seen)
                    settle(decided.future, error)

    def _group(self) -> Group:
        """Those who have waited the longest, and have not given up."""
        group = Group(self._memory, Supply(self._numbers, self._wanted))
        while self._waiting and len(group.orders) < MOST_TOGETHER and group.events < MOST_EVENTS:
            order, future = self._waiting.popleft()
            if not future.done():
                group.add(order, future)
        return group

    def _wanted(self, project: UUID) -> int:
        """How many more tasks are being created in a project just now; 0 where nobody else waits for anything."""
        waiting = [order for order, _ in islice(self._waiting, MOST_TOGETHER) if not order.dry]
        asked = (wish.command for order in waiting for wish in order.wishes)
        creating = [one for one in asked if one.creates and getattr(one, "project_id", None) == project]
        return 1 + len(creating) if waiting else 0

    async def _append(self, group: Group) -> None:
        answers = await self._log.append(group.appends) if group.appends else []
        for append, decided, answer in zip(group.appends, group.decided, answers, strict=True):
            if isinstance(answer, Exception):
                self._memory.forget(answer.streams if isinstance(answer, Changed) else decided.decision.seen)
                settle(decided.future, answer)
                continue
            if append.events:
                self._learn(decided.decision, append.command_id)
            group.keep_numbers(decided.decision)
            settle(decided.future, Verdict(decided.decision, answer.position, decided.no))

    def _learn(self, decision: Decision, command_id: UUID) -> None:
        for stream in {stream for stream, _ in decision.written}:
            known = decision.leaves[stream]
            if known.version // KEPT_EVERY > decision.seen[stream] // KEPT_EVERY:
                self._log.save_snapshot(stream, known, command_id)
            self._memory.learn(stream, known)
