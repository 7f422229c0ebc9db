"""The advisory lock that a process holds while it builds a projection as one version of the code folds it."""

from typing import Any

from projections.engine.connection import SyncConnection
from projections.fingerprint import fingerprint
from projections.projection import Projection

_TRY_LOCK_SQL = "select pg_try_advisory_lock(729140211, hashtext(%s))"
_UNLOCK_SQL = "select pg_advisory_unlock(729140211, hashtext(%s))"
_ADVISORY_LOCK_SQL = """select from pg_locks where locktype = 'advisory' and classid = 729140211
    and database = (select oid from pg_database where datname = current_database()) and objid ="""
_IS_LOCKED_SQL = f"select exists ({_ADVISORY_LOCK_SQL} hashtext(%s)::oid)"
JOB_HAS_LOCK_SQL = f"{_ADVISORY_LOCK_SQL} hashtext(operation.projection || ' ' || operation.fingerprint)::oid"
"""A row if the process that runs the job `operation` is alive."""


def try_lock(connection: SyncConnection, projection: Projection[Any]) -> bool:
    """Lock the projection as this code folds it, until the connection ends; False if another process has the lock."""
    row = connection.execute(_TRY_LOCK_SQL, (_lock_name(projection, fingerprint(projection)),)).fetchone()
    return bool(row and row[0])


def unlock(connection: SyncConnection, projection: Projection[Any]) -> None:
    """Release the lock at once; the server may notice late that the connection has ended."""
    connection.execute(_UNLOCK_SQL, (_lock_name(projection, fingerprint(projection)),))


def is_locked(connection: SyncConnection, projection: Projection[Any], code: str | None = None) -> bool:
    """Whether a process builds the projection as the code of that fingerprint folds it, or else this code."""
    row = connection.execute(_IS_LOCKED_SQL, (_lock_name(projection, code or fingerprint(projection)),)).fetchone()
    return bool(row and row[0])


def _lock_name(projection: Projection[Any], code: str) -> str:
    return f"{projection.name} {code}"
