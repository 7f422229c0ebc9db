"""Loading: what decisions lack is read once, however many wait for it, and together with what others lack."""

import asyncio
from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from commands.handling.stream_cache import NotLoaded, StreamCache, StreamState
from domain.errors import TooBusy, UnknownEvent
from domain.event import State

MAX_BATCH_STREAMS, MAX_QUEUED_STREAMS = 100, 2_000

StateKey = tuple[UUID, type[State]]
"""A stream, and the kind of state that it is wanted as."""


class StateReader(Protocol):
    """The event log, as loading needs it."""

    async def load_states(self, wanted: Sequence[StateKey]) -> Sequence[StreamState]:
        """What is to be known of each stream, as that kind of state."""


class StreamLoader:
    """Reads in groups: what is asked for while a read is in flight rides the next one."""

    def __init__(self, log: StateReader, cache: StreamCache) -> None:
        self._log = log
        self._cache = cache
        self._pending: dict[StateKey, asyncio.Future[None]] = {}
        self._task: asyncio.Task[None] | None = None

    async def load(self, missing: NotLoaded) -> None:
        """Remember it; who is cancelled leaves the read to the others. Raises what the log raises, or TooBusy."""
        wanted = missing.stream, missing.state_type
        if wanted not in self._pending:
            if len(self._pending) >= MAX_QUEUED_STREAMS:
                raise TooBusy
            self._pending[wanted] = asyncio.get_running_loop().create_future()
        future = self._pending[wanted]
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="loading")
        await asyncio.shield(future)

    async def _run(self) -> None:
        while self._pending:
            first = list(self._pending)[:MAX_BATCH_STREAMS]
            batch = {wanted: self._pending.pop(wanted) for wanted in first}
            try:
                await self._load_batch(batch)
            except UnknownEvent:  # what one stream holds is no reason for the others to fail
                for wanted, future in batch.items():
                    await self._load_one(wanted, future)
            except Exception as error:  # noqa: BLE001 - it belongs to those who wait
                for future in batch.values():
                    _fail(future, error)

    async def _load_batch(self, batch: dict[StateKey, asyncio.Future[None]]) -> None:
        found = await self._log.load_states(list(batch))
        for ((stream, _), future), known in zip(batch.items(), found, strict=True):
            self._cache.set_unless_older(stream, known)
            future.set_result(None)

    async def _load_one(self, key: StateKey, future: asyncio.Future[None]) -> None:
        try:
            await self._load_batch({key: future})
        except Exception as error:  # noqa: BLE001 - as above
            _fail(future, error)


def _fail(future: asyncio.Future[None], error: Exception) -> None:
    future.set_exception(error)
    future.exception()  # seen, even where nobody waits any more
