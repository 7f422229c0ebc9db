"""Database access for CLI commands: connections, and PostgreSQL errors that name the fix."""

import contextlib
from collections.abc import Iterator

import psycopg
from psycopg import Connection, conninfo
from psycopg.rows import TupleRow

from infra.database.connections import connect
from infra.errors import OperatorError


@contextlib.contextmanager
def database_connection(url: str) -> Iterator[Connection[TupleRow]]:
    """A connection; raises OperatorError if PostgreSQL does not answer or the database was never migrated."""
    try:
        connection = connect(url)
    except psycopg.OperationalError as error:
        why = _first_line(error) + (WRONG_LOGIN_ADVICE if "password authentication failed" in str(error) else "")
        raise OperatorError(f"PostgreSQL at {host_and_port(url)} does not answer: {why}") from error
    with operator_errors(url), connection:
        yield connection


@contextlib.contextmanager
def operator_errors(url: str) -> Iterator[None]:
    """Turns errors of PostgreSQL into an OperatorError of one line."""
    try:
        yield
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName) as error:
        raise OperatorError("The database has not been prepared: run `taskledger migrate` first.") from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise OperatorError(
            f"PostgreSQL at {host_and_port(url)} refuses access ({_first_line(error)}): {MISSING_GRANTS_ADVICE}"
        ) from error
    except psycopg.Error as error:
        raise OperatorError(f"PostgreSQL at {host_and_port(url)} reported an error: {_first_line(error)}") from error


WRONG_LOGIN_ADVICE = ": check the password in the URL, or restore secrets/ of the data folder from a backup."
MISSING_GRANTS_ADVICE = (
    "`taskledger migrate`, with the owner's URL in TASKLEDGER_MIGRATION_URL, grants the role its privileges."
)


def host_and_port(url: str) -> str:
    """Host and port of a URL, without its password."""
    parts = conninfo.conninfo_to_dict(url)
    return f"{parts.get('host', 'localhost')}:{parts.get('port', 5432)}"


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
