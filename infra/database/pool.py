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
STOPPED_S = 5
"""Whoever says nothing for so long in the middle of folding is taken for stopped."""
_TELLS_LONG_TRANSACTIONS = 170_000
_BY_INDEX = " -c enable_seqscan=off -c jit=off -c max_parallel_workers_per_gather=0"
"""Whatever statistics say, nothing that people ask for is worth reading a whole table, compiling a plan, or more
processes: to start those takes as long as most answers."""
POOL_TIMEOUT_S = 2
"""How long a request waits for a free connection before the answer is 503."""


class Away(psycopg.OperationalError):
    """PostgreSQL does not answer."""


class Pool(AsyncConnectionPool[AsyncConnection[TupleRow]]):
    """A pool that no connection gets lost from, whoever is cancelled, and that ends what is done aside with it."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._asides: set[asyncio.Task[None]] = set()
        self.is_silent = False
        """Whether PostgreSQL did not answer the last time that somebody looked; who can do without need not wait."""

    @contextlib.asynccontextmanager
    async def asking(self) -> AsyncIterator[AsyncConnection[TupleRow]]:
        """A connection to ask for what could be done without; raises Away at once while PostgreSQL is silent."""
        if self.is_silent:
            raise Away
        async with self.connection() as connection:
            yield connection

    async def apart(self, name: str) -> AsyncConnection[TupleRow]:
        """A connection to the same server that is not the pool's, under a name of its own."""
        url = conninfo.make_conninfo(str(self.conninfo), application_name=name)
        return await AsyncConnection.connect(url, autocommit=True)

    def aside(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something that nobody waits for; closing the pool cuts it short."""
        task = asyncio.create_task(work)
        self._asides.add(task)
        task.add_done_callback(self._asides.discard)

    async def close(self, timeout: float = 5.0) -> None:  # noqa: ASYNC109 - the library's own signature
        """Let nobody hold a connection that is no longer the pool's."""
        for task in self._asides:
            task.cancel()
        await asyncio.gather(*self._asides, return_exceptions=True)
        await super().close(timeout)

    async def putconn(self, conn: AsyncConnection[TupleRow]) -> None:
        """Give it back, cancelled or not: the library waits for a lock here, and forgets what it was to put back."""
        await asyncio.shield(super().putconn(conn))


def pool(url: str, size: int = 8) -> Pool:
    """A closed pool; `open()` it inside the event loop that will use it."""
    return Pool(
        _in_utc(url, "taskledger api", _BY_INDEX),
        kwargs={"autocommit": True},
        min_size=2,
        max_size=size,
        open=False,
        timeout=POOL_TIMEOUT_S,
        check=_check,
        configure=_with_json,
    )


def connect(url: str, name: str = "taskledger") -> Connection[TupleRow]:
    """A connection of one's own, in autocommit."""
    connection = Connection.connect(_in_utc(url, name), autocommit=True)
    set_json_loads(msgspec.json.decode, connection)
    set_json_dumps(msgspec.json.encode, connection)
    return connection


def folding(url: str, name: str) -> Connection[TupleRow]:
    """A connection for read models, whose commits wait for no disk: what a crash takes is folded again.

    A process that stops in the middle of a transaction is parted from it before long, and holds nobody up.
    """
    connection = connect(url, name)
    connection.execute("set synchronous_commit = off")
    connection.execute(f"set idle_in_transaction_session_timeout = '{STOPPED_S}s'")
    return connection


def projecting(url: str) -> Connection[TupleRow]:
    """A connection for batches, each a short transaction: whoever stops in it is parted, even between two messages.

    PostgreSQL before 17 tells only who is silent between two statements.
    """
    connection = folding(url, "taskledger worker")
    connection.execute("set enable_seqscan = off")  # documents are found by their keys, however few there were once
    connection.prepared_max = 300  # as many as there are sets of columns that change together
    if connection.info.server_version >= _TELLS_LONG_TRANSACTIONS:
        connection.execute(f"set transaction_timeout = '{2 * STOPPED_S}s'")
    return connection


async def in_time(work: Coroutine[Any, Any, T], seconds: float) -> T:
    """What comes of it; raises Away where that takes longer. It goes on then: the driver cannot be hurried."""
    task = asyncio.create_task(work)
    task.add_done_callback(lambda done: done.cancelled() or done.exception())  # seen, even where nobody waits any more
    done, _ = await asyncio.wait({task}, timeout=seconds)
    if not done:
        raise Away
    return task.result()


def _in_utc(url: str, name: str, more: str = "") -> str:
    """As somebody of that name, whose days are UTC's: the last instant of the calendar is none elsewhere."""
    options = f"{conninfo.conninfo_to_dict(url).get('options', '')} -c timezone=UTC{more}".strip()
    return conninfo.make_conninfo(url, options=options, connect_timeout=CONNECT_TIMEOUT_S, application_name=name)


async def _with_json(connection: AsyncConnection[TupleRow]) -> None:
    """Let the faster library read JSON."""
    set_json_loads(msgspec.json.decode, connection)


async def _check(connection: AsyncConnection[TupleRow]) -> None:
    """Raise where the server has gone; without a round trip, as a connection that it closed has something to read."""
    socket = select.poll()
    socket.register(connection.fileno(), select.POLLIN)
    if socket.poll(0):
        await AsyncConnectionPool.check_connection(connection)
