"""Loading: what decisions lack is read once, however many wait for it, and together with what others lack."""

import asyncio
from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from commands.handling.stream_cache import Known, Memory, NotLoaded
from domain.errors import TooBusy, UnknownEvent
from domain.event import State

MOST_TOGETHER, MOST_WAITING = 100, 2_000

Wanted = tuple[UUID, type[State]]
"""A stream, and the kind of state that it is wanted as."""


class Log(Protocol):
    """The event log, as loading needs it."""

    async def load_states(self, wanted: Sequence[Wanted]) -> Sequence[Known]:
        """What is to be known of each stream, as that kind of state."""


class Loading:
    """Reads in groups: what is asked for while a read is in flight rides the next one."""

    def __init__(self, log: Log, memory: Memory) -> None:
        self._log = log
        self._memory = memory
        self._waiting: dict[Wanted, asyncio.Future[None]] = {}
        self._task: asyncio.Task[None] | None = None

    async def load(self, missing: NotLoaded) -> None:
        """Remember it; who is cancelled leaves the read to the others. Raises what the log raises, or TooBusy."""
        wanted = missing.stream, missing.kind
        if wanted not in self._waiting:
            if len(self._waiting) >= MOST_WAITING:
                raise TooBusy
            self._waiting[wanted] = asyncio.get_running_loop().create_future()
        future = self._waiting[wanted]
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="loading")
        await asyncio.shield(future)

    async def _run(self) -> None:
        while self._waiting:
            first = list(self._waiting)[:MOST_TOGETHER]
            together = {wanted: self._waiting.pop(wanted) for wanted in first}
            try:
                await self._read(together)
            except UnknownEvent:  # what one stream holds is no reason for the others to fail
                for wanted, future in together.items():
                    await self._read_alone(wanted, future)
            except Exception as error:  # noqa: BLE001 - it belongs to those who wait
                for future in together.values():
                    _fail(future, error)

    async def _read(self, together: dict[Wanted, asyncio.Future[None]]) -> None:
        found = await self._log.load_states(list(together))
        for ((stream, _), future), known in zip(together.items(), found, strict=True):
            self._memory.learn(stream, known)
            future.set_result(None)

    async def _read_alone(self, wanted: Wanted, future: asyncio.Future[None]) -> None:
        try:
            await self._read({wanted: future})
        except Exception as error:  # noqa: BLE001 - as above
            _fail(future, error)


def _fail(future: asyncio.Future[None], error: Exception) -> None:
    future.set_exception(error)
    future.exception()  # seen, even where nobody waits any more
