"""PostgreSQL connections: one pool for each API process, single connections for everything else."""

import asyncio
import contextlib
import select
from collections.abc import AsyncIterator, Coroutine
from typing import Any, TypeVar

import msgspec
import psycopg
from psycopg import AsyncConnection, Connection, conninfo
from psycopg.rows import TupleRow
from psycopg.types.json import set_json_dumps, set_json_loads
from psycopg_pool import AsyncConnectionPool

T = TypeVar("T")
CONNECT_TIMEOUT_S = 5
STALL_TIMEOUT_S = 5
"""PostgreSQL ends the transaction of a folding process that is idle in it for this long."""
_MIN_VERSION_TRANSACTION_TIMEOUT = 170_000
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
        _session_conninfo(url, "taskledger api", _PLANNER_OPTIONS),
        kwargs={"autocommit": True},
        min_size=2,
        max_size=max_size,
        open=False,
        timeout=POOL_TIMEOUT_S,
        check=_check_connection,
        configure=_configure_json,
    )


def connect(url: str, application_name: str = "taskledger") -> Connection[TupleRow]:
    """A new connection outside any pool, in autocommit mode."""
    connection = Connection.connect(_session_conninfo(url, application_name), autocommit=True)
    set_json_loads(msgspec.json.decode, connection)
    set_json_dumps(msgspec.json.encode, connection)
    return connection


def connect_for_folding(url: str, application_name: str) -> Connection[TupleRow]:
    """A connection for read models; its commits do not wait for the disk, as what a crash loses is folded again.

    PostgreSQL disconnects a process that stalls inside a transaction, so that its locks block no other.
    """
    connection = connect(url, application_name)
    connection.execute("set synchronous_commit = off")
    connection.execute(f"set idle_in_transaction_session_timeout = '{STALL_TIMEOUT_S}s'")
    return connection


def connect_for_worker(url: str) -> Connection[TupleRow]:
    """A connection for batches, each a short transaction; PostgreSQL disconnects a worker that stalls inside one.

    From PostgreSQL 17 on this includes a stall between two messages of one statement; earlier versions notice only a
    stall between two statements.
    """
    connection = connect_for_folding(url, "taskledger worker")
    connection.execute("set enable_seqscan = off")  # documents are found by key, even if statistics say few
    connection.prepared_max = 300  # at least one for each set of columns that change together
    if connection.info.server_version >= _MIN_VERSION_TRANSACTION_TIMEOUT:
        connection.execute(f"set transaction_timeout = '{2 * STALL_TIMEOUT_S}s'")
    return connection


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


def _session_conninfo(url: str, application_name: str, extra_options: str = "") -> str:
    """The URL with an application name and the time zone UTC: elsewhere the calendar's last instant overflows."""
    options = f"{conninfo.conninfo_to_dict(url).get('options', '')} -c timezone=UTC{extra_options}".strip()
    return conninfo.make_conninfo(
        url, options=options, connect_timeout=CONNECT_TIMEOUT_S, application_name=application_name
    )


async def _configure_json(connection: AsyncConnection[TupleRow]) -> None:
    """Decode JSON with msgspec, which is faster than the standard library."""
    set_json_loads(msgspec.json.decode, connection)


async def _check_connection(connection: AsyncConnection[TupleRow]) -> None:
    """Raise if the server has closed the connection. Costs no round trip: a closed connection is readable."""
    poller = select.poll()
    poller.register(connection.fileno(), select.POLLIN)
    if poller.poll(0):
        await AsyncConnectionPool.check_connection(connection)
