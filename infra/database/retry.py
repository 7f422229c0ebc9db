"""Retry: a read whose connection was lost is sent once more, after a short pause with jitter."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import psycopg
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

from infra import time_budget
from infra.database.circuit import DatabaseUnavailable

T = TypeVar("T")
_NOTHING_SENT = (PoolClosed, PoolTimeout, TooManyRequests, DatabaseUnavailable)
_SHUTDOWN_STATES = ("57P01", "57P02", "57P03")
"""PostgreSQL is shutting down, has crashed, or is not ready yet."""


async def retry_once(read: Callable[[], Awaitable[T]]) -> T:
    """The result of a read; if its connection is lost, that of a second attempt."""
    try:
        return await read()
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        if not is_connection_lost(error):
            raise
    await asyncio.sleep(retry_pause_s())
    return await read()


def is_connection_lost(error: psycopg.Error) -> bool:
    """Whether a statement was sent and its connection failed, so that the answer is unknown."""
    if isinstance(error, _NOTHING_SENT):
        return False
    is_lost = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return is_lost and (error.sqlstate is None or error.sqlstate in _SHUTDOWN_STATES)


def retry_pause_s() -> float:
    """A random pause, so that not all callers try again at the same time."""
    return random.uniform(*time_budget.RETRY_PAUSE_S)  # noqa: S311 - jitter, no secret
