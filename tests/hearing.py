"""Hearing: applications of this process hear at once of what a test folds itself, as if no message ever took time.

What comes late, or never, is asked for in tests of its own (tests/infra/test_interleaving.py, test_staleness.py).
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec
import pytest
import redis

from infra.reading import progress
from infra.reading.progress import ProjectionProgress
from projections.engine.advance import BatchReport

_EVERYBODY: dict[ProjectionProgress, asyncio.AbstractEventLoop] = {}


@contextmanager
def hearing() -> Iterator[None]:
    """Know of everybody who watches from now on."""
    watch = ProjectionProgress.poll

    async def known(self: ProjectionProgress) -> None:
        _EVERYBODY[self] = asyncio.get_running_loop()
        try:
            await watch(self)
        finally:
            del _EVERYBODY[self]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ProjectionProgress, "poll", known)
        yield


def publisher(client: redis.Redis) -> Callable[[BatchReport], None]:
    """As a worker's, and heard before it returns, or before whoever waits for this thread goes on."""
    publish = progress.publisher(client)

    def tell(progress: BatchReport) -> None:
        publish(progress)
        for one, loop in list(_EVERYBODY.items()):
            if _running() is loop:
                one._on_message(msgspec.json.encode(progress))  # noqa: SLF001 - as its channel does it
            else:
                loop.call_soon_threadsafe(one._on_message, msgspec.json.encode(progress))  # noqa: SLF001 - as above

    return tell


def _running() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
