"""Cancels asyncio tasks reliably."""

import asyncio
from typing import Any


async def cancel_all(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks until they end: redis-py can swallow a cancellation while it connects (its issue 2551)."""
    while running := [task for task in tasks if not task.done()]:
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=0.1)
