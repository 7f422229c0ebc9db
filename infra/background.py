"""Background work of a process: an unexpected error is logged, and a loop goes on after a pause."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from infra.backoff import Backoff
from infra.logs import logger
from infra.time_budget import BACKOFF_S


async def keep_running(name: str, run: Callable[[], Awaitable[None]]) -> None:
    """Run it to its end, or for ever; after an unexpected error it is run again, after longer and longer pauses."""
    backoff = Backoff()
    while True:
        started_at = time.monotonic()
        try:
            return await run()
        except Exception as error:  # noqa: BLE001 - nothing else would notice that it has ended
            log_unexpected(name, error)
        if time.monotonic() - started_at > BACKOFF_S[1]:
            backoff.reset()
        await asyncio.sleep(backoff.pause_s())


def log_failure(task: asyncio.Task[None]) -> None:
    """The done-callback of a task that nothing awaits."""
    if not task.cancelled() and (error := task.exception()):
        log_unexpected(task.get_name(), error)


def log_unexpected(name: str, error: BaseException) -> None:
    """Log an error that nothing handles, with its traceback."""
    logger.opt(exception=error).error("{} failed unexpectedly: {}", name, type(error).__name__)
