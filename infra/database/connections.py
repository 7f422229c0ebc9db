"""PostgreSQL connections outside any pool: for the command line, for folding, and for workers."""

import msgspec
from psycopg import Connection, conninfo
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier
from psycopg.types.json import set_json_dumps, set_json_loads

from infra import time_budget

STALL_TIMEOUT_S = 5
"""PostgreSQL ends the transaction of a folding process that is idle in it for this long."""
_MIN_VERSION_TRANSACTION_TIMEOUT = 170_000


def connect(url: str, application_name: str = "taskledger") -> Connection[TupleRow]:
    """A new connection outside any pool, in autocommit mode."""
    connection = Connection.connect(session_conninfo(url, application_name), autocommit=True)
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
    for method in ("seqscan", "hashjoin", "mergejoin"):  # documents are found by key, even if statistics say few
        connection.execute(SQL("set {} = off").format(Identifier(f"enable_{method}")))
    connection.execute("set plan_cache_mode = force_generic_plan")  # they differ by nothing but the keys
    if connection.info.server_version >= _MIN_VERSION_TRANSACTION_TIMEOUT:
        connection.execute(f"set transaction_timeout = '{2 * STALL_TIMEOUT_S}s'")
    return connection


def session_conninfo(
    url: str,
    application_name: str,
    extra_options: str = "",
    connect_timeout_s: int = time_budget.WORKER_CONNECT_S,
) -> str:
    """The URL with an application name and the time zone UTC: elsewhere the calendar's last instant overflows."""
    options = f"{conninfo.conninfo_to_dict(url).get('options', '')} -c timezone=UTC{extra_options}".strip()
    return conninfo.make_conninfo(
        url, options=options, connect_timeout=connect_timeout_s, application_name=application_name
    )
