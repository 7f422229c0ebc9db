"""Runs coroutines together; none outlives a failure of another."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from infra.cancel import cancel_all

T = TypeVar("T")


async def gather_or_cancel(*coroutines: Coroutine[Any, Any, T]) -> list[T]:
    """Their results; if one fails, the others have ended before its error is raised.

    With `asyncio.gather` alone they would go on, on pools that the test closes, and retry for ever.
    """
    tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
    try:
        return await asyncio.gather(*tasks)
    finally:
        await cancel_all(*tasks)
