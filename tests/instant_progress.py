"""Instant progress: applications in this process receive a test's progress messages at once, without latency.

Late and lost messages are tested elsewhere: tests/infra/reading/test_interleaving.py and test_staleness.py.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec
import pytest
import redis

from infra.reading import progress_messages
from infra.reading.progress import ProjectionProgress
from infra.reading.progress_polling import ProgressPoller
from projections.engine.advance import BatchReport

_LIVE_PROGRESS: dict[ProjectionProgress, asyncio.AbstractEventLoop] = {}


@contextmanager
def tracked_progress() -> Iterator[None]:
    """Track every ProjectionProgress that is polled from now on."""
    original_poll = ProgressPoller.poll_forever

    async def register_and_poll(self: ProgressPoller) -> None:
        progress = self._progress
        _LIVE_PROGRESS[progress] = asyncio.get_running_loop()
        try:
            await original_poll(self)
        finally:
            del _LIVE_PROGRESS[progress]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ProgressPoller, "poll_forever", register_and_poll)
        yield


def instant_publisher(client: redis.Redis) -> Callable[[BatchReport], None]:
    """A worker's publisher whose messages arrive before it returns, or before the waiting event loop continues."""
    publish = progress_messages.publisher(client)

    def publish_and_deliver(progress: BatchReport) -> None:
        publish(progress)
        for one, loop in list(_LIVE_PROGRESS.items()):
            if _running_loop() is loop:
                one._on_message(msgspec.json.encode(progress))  # noqa: SLF001 - as the subscription does
            else:
                loop.call_soon_threadsafe(one._on_message, msgspec.json.encode(progress))  # noqa: SLF001 - as above

    return publish_and_deliver


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
