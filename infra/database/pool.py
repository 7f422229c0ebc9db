"""The pool of PostgreSQL connections of an API process."""

import asyncio
import contextlib
import select
from collections.abc import AsyncIterator, Coroutine
from typing import Any, TypeVar

import msgspec
import psycopg
from psycopg import AsyncConnection, conninfo
from psycopg.rows import TupleRow
from psycopg.types.json import set_json_loads
from psycopg_pool import AsyncConnectionPool

from infra.database.connections import session_conninfo

T = TypeVar("T")
_PLANNER_OPTIONS = " -c enable_seqscan=off -c jit=off -c max_parallel_workers_per_gather=0"
"""Requests never use a sequential scan, JIT compilation or parallel workers, whatever the statistics say: starting
those takes as long as most answers."""
POOL_TIMEOUT_S = 2
"""How long a request waits for a free connection before the answer is 503."""


class DatabaseUnavailable(psycopg.OperationalError):
    """PostgreSQL does not answer."""


class Pool(AsyncConnectionPool[AsyncConnection[TupleRow]]):
    """A pool that loses no connection when a task is cancelled, and that cancels its background tasks on close."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._background_tasks: set[asyncio.Task[None]] = set()
        self.is_unresponsive = False
        """Whether the last probe of PostgreSQL failed; optional queries then fail at once instead of waiting."""

    @contextlib.asynccontextmanager
    async def connection_fail_fast(self) -> AsyncIterator[AsyncConnection[TupleRow]]:
        """A connection for optional queries; raises DatabaseUnavailable at once while PostgreSQL does not answer."""
        if self.is_unresponsive:
            raise DatabaseUnavailable
        async with self.connection() as connection:
            yield connection

    async def connect_separately(self, application_name: str) -> AsyncConnection[TupleRow]:
        """A connection to the same server, outside the pool, with its own application name."""
        url = conninfo.make_conninfo(str(self.conninfo), application_name=application_name)
        return await AsyncConnection.connect(url, autocommit=True)

    def run_in_background(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine without waiting for it; closing the pool cancels it."""
        task = asyncio.create_task(coroutine)
        self._background_tasks.add(task)
        task.add_done_callback(self._background_tasks.discard)

    async def close(self, timeout: float = 5.0) -> None:  # noqa: ASYNC109 - the library's own signature
        """Cancel the background tasks, so that none still holds a connection, then close the pool."""
        for task in self._background_tasks:
            task.cancel()
        await asyncio.gather(*self._background_tasks, return_exceptions=True)
        await super().close(timeout)

    async def putconn(self, conn: AsyncConnection[TupleRow]) -> None:
        """Return a connection even if the task is cancelled: the library awaits a lock here, and would lose it."""
        await asyncio.shield(super().putconn(conn))


def create_pool(url: str, max_size: int = 8) -> Pool:
    """A closed pool; `open()` it inside the event loop that will use it."""
    return Pool(
        session_conninfo(url, "taskledger api", _PLANNER_OPTIONS),
        kwargs={"autocommit": True},
        min_size=2,
        max_size=max_size,
        open=False,
        timeout=POOL_TIMEOUT_S,
        check=_check_connection,
        configure=_configure_json,
    )


async def run_with_timeout(coroutine: Coroutine[Any, Any, T], timeout_s: float) -> T:
    """The coroutine's result; raises DatabaseUnavailable after the timeout.

    The coroutine then goes on running, as the driver cannot cancel a query promptly.
    """
    task = asyncio.create_task(coroutine)
    task.add_done_callback(lambda done: done.cancelled() or done.exception())  # retrieved even after the timeout
    done, _ = await asyncio.wait({task}, timeout=timeout_s)
    if not done:
        raise DatabaseUnavailable
    return task.result()


async def _configure_json(connection: AsyncConnection[TupleRow]) -> None:
    """Decode JSON with msgspec, which is faster than the standard library."""
    set_json_loads(msgspec.json.decode, connection)


async def _check_connection(connection: AsyncConnection[TupleRow]) -> None:
    """Raise if the server has closed the connection. Costs no round trip: a closed connection is readable."""
    poller = select.poll()
    poller.register(connection.fileno(), select.POLLIN)
    if poller.poll(0):
        await AsyncConnectionPool.check_connection(connection)
