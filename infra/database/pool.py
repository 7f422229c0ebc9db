"""The pool of PostgreSQL connections of an API process."""

import asyncio
import contextlib
import select
import time
from collections.abc import AsyncIterator, Coroutine
from typing import Any, TypeVar, cast

import msgspec
from psycopg import AsyncConnection, conninfo
from psycopg.rows import TupleRow
from psycopg.types.json import set_json_loads
from psycopg_pool import AsyncConnectionPool

from infra import time_budget
from infra.background import keep_running, log_failure
from infra.database.checkouts import Checkouts
from infra.database.circuit import Circuit, DatabaseUnavailable
from infra.database.connection_budget import MAX_POOL_CONNECTIONS
from infra.database.connections import session_conninfo

T = TypeVar("T")
MIN_CONNECTIONS = 2
"""Of the pool of one API process."""
MAX_LIFETIME_S = 3600.0
"""A connection is replaced after about an hour, so that no session of PostgreSQL grows without bound."""
CUT_INTERVAL_S = 0.5
CLOSE_WAIT_S = 1.0
"""Until connections that are still in use when the pool closes are cut off."""
_PLANNER_OPTIONS = " -c enable_seqscan=off -c jit=off -c max_parallel_workers_per_gather=0 -c random_page_cost=1.1"
"""Requests never use a sequential scan, JIT compilation or parallel workers, whatever the statistics say: starting
those takes as long as most answers. What they read is in memory or on a solid-state drive, where no page is far."""


class Pool(AsyncConnectionPool[AsyncConnection[TupleRow]]):
    """A pool that fails fast while its circuit is open, cuts off stuck connections, and loses none."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._background_tasks: set[asyncio.Task[None]] = set()
        self._cutter: asyncio.Task[None] | None = None
        self.circuit = Circuit()
        self.checkouts = Checkouts()

    @contextlib.asynccontextmanager
    async def connection(self, timeout: float | None = None) -> AsyncIterator[AsyncConnection[TupleRow]]:  # noqa: ASYNC109 - the library's own signature
        """A connection; raises DatabaseUnavailable at once while PostgreSQL does not answer.

        It must be returned within `DATABASE_CHECKOUT_S`, or it is cut off.
        """
        self.circuit.check()
        async with super().connection(timeout) as connection:
            self.checkouts.start(connection)
            try:
                yield connection
            finally:
                self.checkouts.end(connection)

    async def getconn(self, timeout: float | None = None) -> AsyncConnection[TupleRow]:  # noqa: ASYNC109 - as above
        """A connection that the server has not closed. That costs no round trip: a closed connection is readable."""
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        while True:
            connection = await super().getconn(deadline - time.monotonic())
            if not _is_readable(connection):
                return connection
            await connection.close()
            await self.putconn(connection)  # which replaces it

    async def putconn(self, conn: AsyncConnection[TupleRow]) -> None:
        """Return a connection even if the task is cancelled: the library awaits a lock here, and would lose it."""
        await asyncio.shield(super().putconn(conn))

    async def open(self, wait: bool = False, timeout: float = 30.0) -> None:  # noqa: ASYNC109, FBT001, FBT002 - as above
        """Open the pool, and start to cut off connections that are overdue."""
        await super().open(wait, timeout)
        self._cutter = asyncio.create_task(keep_running("cutting off overdue connections", self._cut_overdue))

    async def connect_separately(self, application_name: str) -> AsyncConnection[TupleRow]:
        """A connection to the same server, outside the pool, with its own application name."""
        url = conninfo.make_conninfo(str(self.conninfo), application_name=application_name)
        return await AsyncConnection.connect(url, autocommit=True)

    def run_in_background(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine without waiting for it; closing the pool cancels it, and an error is logged."""
        task = asyncio.create_task(coroutine, name=getattr(coroutine, "__qualname__", None))
        task.add_done_callback(log_failure)
        self._background_tasks.add(task)
        task.add_done_callback(self._background_tasks.discard)

    async def close(self, timeout: float = 5.0) -> None:  # noqa: ASYNC109 - as above
        """Cancel the background tasks, cut off connections that are still in use, then close the pool."""
        if self._cutter:
            self._cutter.cancel()
        for task in self._background_tasks:
            task.cancel()
        if self._background_tasks:
            await asyncio.wait(self._background_tasks, timeout=CLOSE_WAIT_S)
        self.checkouts.cut_all()
        await asyncio.gather(*self._background_tasks, return_exceptions=True)
        await super().close(timeout)

    async def _cut_overdue(self) -> None:
        while True:
            await asyncio.sleep(CUT_INTERVAL_S)
            self.checkouts.cut_overdue()


def create_pool(url: str, max_size: int = MAX_POOL_CONNECTIONS) -> Pool:
    """A closed pool; `open()` it inside the event loop that will use it."""
    return Pool(
        session_conninfo(
            url,
            "taskledger api",
            _PLANNER_OPTIONS + _timeout_options(),
            connect_timeout_s=time_budget.DATABASE_CONNECT_S,
        ),
        kwargs={"autocommit": True},
        min_size=MIN_CONNECTIONS,
        max_size=max_size,
        open=False,
        timeout=time_budget.DATABASE_POOL_S,
        max_lifetime=MAX_LIFETIME_S,
        reconnect_timeout=time_budget.RECONNECT_PAUSE_S,
        configure=_configure_json,
    )


def _timeout_options() -> str:
    return (
        f" -c statement_timeout={round(time_budget.DATABASE_STATEMENT_S * 1000)}"
        f" -c lock_timeout={round(time_budget.DATABASE_LOCK_S * 1000)}"
    )


async def run_with_timeout(coroutine: Coroutine[Any, Any, T], timeout_s: float) -> T:
    """The coroutine's result; raises DatabaseUnavailable after the timeout.

    The coroutine then goes on running, as the driver cannot cancel a query promptly; so it does if the caller is
    cancelled, and its error is dropped then.
    """
    task = asyncio.create_task(_result_or_error(coroutine))
    done, _ = await asyncio.wait({task}, timeout=timeout_s)
    if not done:
        raise DatabaseUnavailable
    result, error = task.result()
    if error is not None:
        raise error
    return cast("T", result)


async def _result_or_error(coroutine: Coroutine[Any, Any, T]) -> tuple[T | None, Exception | None]:
    """What the coroutine returns or raises: an event loop that ends prints the exceptions of tasks, read or not."""
    try:
        return await coroutine, None
    except Exception as error:  # noqa: BLE001 - the caller raises it, if there still is one
        return None, error


async def _configure_json(connection: AsyncConnection[TupleRow]) -> None:
    """Decode JSON with msgspec, which is faster than the standard library."""
    set_json_loads(msgspec.json.decode, connection)


def _is_readable(connection: AsyncConnection[TupleRow]) -> bool:
    """Whether the server has sent something that no statement asked for: mostly the end of the connection."""
    if connection.closed:
        return True
    poller = select.poll()
    poller.register(connection.fileno(), select.POLLIN)
    return bool(poller.poll(0))
