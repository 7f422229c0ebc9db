"""The stream loader: reads each missing stream once, however many decisions wait for it, in batches."""

import asyncio
from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from commands.handling.stream_cache import NotLoaded, StreamCache, StreamState
from domain.errors import TooBusy, UnknownEvent
from domain.event import State

MAX_BATCH_STREAMS, MAX_QUEUED_STREAMS = 100, 2_000

StateKey = tuple[UUID, type[State]]
"""A stream, and the type of state to fold it into."""


class StateReader(Protocol):
    """The event log, as the loader needs it."""

    async def load_states(self, wanted: Sequence[StateKey]) -> Sequence[StreamState]:
        """The state of each stream, as that type."""


class StreamLoader:
    """Reads in batches: streams that are missing during a read go with the next one."""

    def __init__(self, log: StateReader, cache: StreamCache) -> None:
        self._log = log
        self._cache = cache
        self._pending: dict[StateKey, asyncio.Future[None]] = {}
        self._task: asyncio.Task[None] | None = None

    async def load(self, missing: NotLoaded) -> None:
        """Load streams into the cache; cancelling one caller does not cancel the read. Raises TooBusy."""
        wanted = [(stream, missing.state_type) for stream in missing.streams]
        new = [key for key in wanted if key not in self._pending]
        if self._pending and len(self._pending) + len(new) > MAX_QUEUED_STREAMS:
            raise TooBusy
        for key in new:
            self._pending[key] = asyncio.get_running_loop().create_future()
        futures = [self._pending[key] for key in wanted]
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="loading")
        await asyncio.gather(*map(asyncio.shield, futures))

    async def _run(self) -> None:
        while self._pending:
            first = list(self._pending)[:MAX_BATCH_STREAMS]
            batch = {wanted: self._pending.pop(wanted) for wanted in first}
            try:
                await self._load_batch(batch)
            except UnknownEvent:  # one unreadable stream must not fail the others
                for wanted, future in batch.items():
                    await self._load_one(wanted, future)
            except Exception as error:  # noqa: BLE001 - it goes to the callers that wait
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
    future.exception()  # retrieved, even if no caller waits any longer
