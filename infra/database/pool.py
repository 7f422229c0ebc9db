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
"""Whoever says nothing for so long in the middle of folding is taken for stopped."""
_MIN_VERSION_TRANSACTION_TIMEOUT = 170_000
_PLANNER_OPTIONS = " -c enable_seqscan=off -c jit=off -c max_parallel_workers_per_gather=0"
"""Whatever statistics say, nothing that people ask for is worth reading a whole table, compiling a plan, or more
processes: to start those takes as long as most answers."""
POOL_TIMEOUT_S = 2
"""How long a request waits for a free connection before the answer is 503."""


class DatabaseUnavailable(psycopg.OperationalError):
    """PostgreSQL does not answer."""


class Pool(AsyncConnectionPool[AsyncConnection[TupleRow]]):
    """A pool that no connection gets lost from, whoever is cancelled, and that ends what is done aside with it."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._background_tasks: set[asyncio.Task[None]] = set()
        self.is_unresponsive = False
        """Whether PostgreSQL did not answer the last time that somebody looked; who can do without need not wait."""

    @contextlib.asynccontextmanager
    async def connection_fail_fast(self) -> AsyncIterator[AsyncConnection[TupleRow]]:
        """A connection to ask for what could be done without; raises Away at once while PostgreSQL is silent."""
        if self.is_unresponsive:
            raise DatabaseUnavailable
        async with self.connection() as connection:
            yield connection

    async def connect_separately(self, application_name: str) -> AsyncConnection[TupleRow]:
        """A connection to the same server that is not the pool's, under a name of its own."""
        url = conninfo.make_conninfo(str(self.conninfo), application_name=application_name)
        return await AsyncConnection.connect(url, autocommit=True)

    def run_in_background(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Do something that nobody waits for; closing the pool cuts it short."""
        task = asyncio.create_task(coroutine)
        self._background_tasks.add(task)
        task.add_done_callback(self._background_tasks.discard)

    async def close(self, timeout: float = 5.0) -> None:  # noqa: ASYNC109 - the library's own signature
        """Let nobody hold a connection that is no longer the pool's."""
        for task in self._background_tasks:
            task.cancel()
        await asyncio.gather(*self._background_tasks, return_exceptions=True)
        await super().close(timeout)

    async def putconn(self, conn: AsyncConnection[TupleRow]) -> None:
        """Give it back, cancelled or not: the library waits for a lock here, and forgets what it was to put back."""
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
    """A connection of one's own, in autocommit."""
    connection = Connection.connect(_session_conninfo(url, application_name), autocommit=True)
    set_json_loads(msgspec.json.decode, connection)
    set_json_dumps(msgspec.json.encode, connection)
    return connection


def connect_for_folding(url: str, application_name: str) -> Connection[TupleRow]:
    """A connection for read models, whose commits wait for no disk: what a crash takes is folded again.

    A process that stops in the middle of a transaction is parted from it before long, and holds nobody up.
    """
    connection = connect(url, application_name)
    connection.execute("set synchronous_commit = off")
    connection.execute(f"set idle_in_transaction_session_timeout = '{STALL_TIMEOUT_S}s'")
    return connection


def connect_for_worker(url: str) -> Connection[TupleRow]:
    """A connection for batches, each a short transaction: whoever stops in it is parted, even between two messages.

    PostgreSQL before 17 tells only who is silent between two statements.
    """
    connection = connect_for_folding(url, "taskledger worker")
    connection.execute("set enable_seqscan = off")  # documents are found by their keys, however few there were once
    connection.prepared_max = 300  # as many as there are sets of columns that change together
    if connection.info.server_version >= _MIN_VERSION_TRANSACTION_TIMEOUT:
        connection.execute(f"set transaction_timeout = '{2 * STALL_TIMEOUT_S}s'")
    return connection


async def run_with_timeout(coroutine: Coroutine[Any, Any, T], timeout_s: float) -> T:
    """What comes of it; raises Away where that takes longer. It goes on then: the driver cannot be hurried."""
    task = asyncio.create_task(coroutine)
    task.add_done_callback(lambda done: done.cancelled() or done.exception())  # seen, even where nobody waits any more
    done, _ = await asyncio.wait({task}, timeout=timeout_s)
    if not done:
        raise DatabaseUnavailable
    return task.result()


def _session_conninfo(url: str, application_name: str, extra_options: str = "") -> str:
    """As somebody of that name, whose days are UTC's: the last instant of the calendar is none elsewhere."""
    options = f"{conninfo.conninfo_to_dict(url).get('options', '')} -c timezone=UTC{extra_options}".strip()
    return conninfo.make_conninfo(
        url, options=options, connect_timeout=CONNECT_TIMEOUT_S, application_name=application_name
    )


async def _configure_json(connection: AsyncConnection[TupleRow]) -> None:
    """Let the faster library read JSON."""
    set_json_loads(msgspec.json.decode, connection)


async def _check_connection(connection: AsyncConnection[TupleRow]) -> None:
    """Raise where the server has gone; without a round trip, as a connection that it closed has something to read."""
    poller = select.poll()
    poller.register(connection.fileno(), select.POLLIN)
    if poller.poll(0):
        await AsyncConnectionPool.check_connection(connection)
