"""Loading: what decisions lack is read once, however many wait for it, and remembered."""

import asyncio
from typing import Protocol
from uuid import UUID

from commands.known import Known, Memory, NotLoaded
from domain.event import State


class Log(Protocol):
    """The event log, as loading needs it."""

    async def known(self, stream: UUID, kind: type[State]) -> Known:
        """What is to be known of a stream, as one kind of state."""


class Loading:
    """The reads in hand."""

    def __init__(self, log: Log, memory: Memory) -> None:
        self._log = log
        self._memory = memory
        self._reads: dict[tuple[UUID, type[State]], asyncio.Task[None]] = {}

    async def load(self, missing: NotLoaded) -> None:
        """Remember it; who is cancelled leaves the read to the others. Raises what the log raises."""
        name = missing.stream, missing.kind
        if name not in self._reads:
            self._reads[name] = asyncio.create_task(self._read(*name))
            self._reads[name].add_done_callback(lambda read: self._end(name, read))
        await asyncio.shield(self._reads[name])

    async def _read(self, stream: UUID, kind: type[State]) -> None:
        self._memory.learn(stream, await self._log.known(stream, kind))

    def _end(self, name: tuple[UUID, type[State]], read: asyncio.Task[None]) -> None:
        del self._reads[name]
        if not read.cancelled():
            read.exception()  # seen, even where nobody waits any more
