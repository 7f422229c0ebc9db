"""PostgreSQL connections: one pool for each API process, single connections for everything else."""

import select

from psycopg import AsyncConnection, Connection, conninfo
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

Pool = AsyncConnectionPool[AsyncConnection[TupleRow]]

CONNECT_TIMEOUT_S = 5
POOL_TIMEOUT_S = 2
"""How long a request waits for a free connection before the answer is 503."""


def pool(url: str, size: int = 8) -> Pool:
    """A closed pool; `open()` it inside the event loop that will use it."""
    return AsyncConnectionPool(
        conninfo.make_conninfo(url, connect_timeout=CONNECT_TIMEOUT_S, application_name="taskledger api"),
        kwargs={"autocommit": True},
        min_size=2,
        max_size=size,
        open=False,
        timeout=POOL_TIMEOUT_S,
        check=_check,
    )


def connect(url: str, name: str = "taskledger") -> Connection[TupleRow]:
    """A connection of one's own, in autocommit."""
    return Connection.connect(url, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S, application_name=name)


async def _check(connection: AsyncConnection[TupleRow]) -> None:
    """Raise where the server has gone; without a round trip, as a connection that it closed has something to read."""
    socket = select.poll()
    socket.register(connection.fileno(), select.POLLIN)
    if socket.poll(0):
        await AsyncConnectionPool.check_connection(connection)
