"""The connection budget: how many connections to PostgreSQL the processes may open, held against its limit."""

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

from infra.database.connections import connect
from infra.errors import OperatorError

MAX_POOL_CONNECTIONS = 8
"""Of one pool."""
API_CONNECTIONS = MAX_POOL_CONNECTIONS + 1
"""Of an API process: its pool, and the probe."""
WORKER_CONNECTIONS = 2 + MAX_POOL_CONNECTIONS
"""Of a worker beside two for each partition: housekeeping, a rebuild's own, and the pool that purges the trash."""
COMMAND_CONNECTIONS = 5
"""For migrations, the command line and a backup."""
_DEFAULT_MAX_CONNECTIONS, _RESERVED_CONNECTIONS = 100, 3
"""Of PostgreSQL: what it allows by default, and of these, what it keeps for superusers."""
_SELECT_LIMIT_SQL = """
select current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int,
  (select count(*) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid())::int
"""


def instance_connections(api_processes: int, workers: int, partitions: int) -> int:
    """The most that an instance may open."""
    return api_processes * API_CONNECTIONS + workers * (WORKER_CONNECTIONS + 2 * partitions) + COMMAND_CONNECTIONS


def server_connections(needed: int) -> int:
    """The `max_connections` of a server that an instance has for itself, if it may open `needed`."""
    return max(_DEFAULT_MAX_CONNECTIONS, needed + _RESERVED_CONNECTIONS)


def require_connections(url: str, needed: int, *, is_alone: bool) -> None:
    """Raise OperatorError if PostgreSQL does not allow that many connections beside those that are open.

    `is_alone`: no other program uses the server, so that what is open now belongs to processes that are ending.
    An unreachable server is no reason to refuse: the process waits for it.
    """
    try:
        with connect(url, "taskledger start") as connection:
            limit, used = _limit_and_used(connection)
    except psycopg.OperationalError:
        return
    used = 0 if is_alone else used
    if limit - used < needed:
        in_use = f", of which {used} are in use" if used else ""
        raise OperatorError(
            f"PostgreSQL allows {limit} connections{in_use}, and {needed} may be needed: raise max_connections, "
            "or start fewer processes."
        )


def _limit_and_used(connection: Connection[TupleRow]) -> tuple[int, int]:
    limit, used = connection.execute(_SELECT_LIMIT_SQL).fetchone() or (0, 0)
    return limit, used
