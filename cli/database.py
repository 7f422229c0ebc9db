"""Connections of a command to PostgreSQL: what it refuses becomes an error that names the mend."""

import contextlib
from collections.abc import Iterator, Sequence

import psycopg
from psycopg import Connection, conninfo
from psycopg.rows import TupleRow

from infra.database.pool import connect
from infra.errors import OperatorError
from infra.reading import tables
from infra.reading.progress import ProjectionBehind
from projections.engine import builds


@contextlib.contextmanager
def database_connection(url: str) -> Iterator[Connection[TupleRow]]:
    """A connection; raises OperatorError where PostgreSQL does not answer, or was never migrated."""
    try:
        connection = connect(url)
    except psycopg.OperationalError as error:
        raise OperatorError(f"PostgreSQL at {host_and_port(url)} does not answer: {_first_line(error)}") from error
    with operator_errors(url), connection:
        yield connection


def query_read_models(connection: Connection[TupleRow], sql: str, parameters: Sequence[object]) -> list[TupleRow]:
    """The rows of a query of read models, which it names `{name}`; raises OperatorError where one is not there yet."""
    build_numbers = {name: build.number for name, build in builds.serving_builds(connection).items()}
    try:
        return connection.execute(tables.with_table_names(sql, build_numbers), parameters).fetchall()
    except ProjectionBehind as error:
        raise OperatorError(
            "The read models are still being built: `taskledger projections list` says more."
        ) from error


@contextlib.contextmanager
def operator_errors(url: str) -> Iterator[None]:
    """What PostgreSQL refuses, in one line of its own."""
    try:
        yield
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName) as error:
        raise OperatorError("The database has not been prepared: run `taskledger migrate` first.") from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise OperatorError(
            f"PostgreSQL at {host_and_port(url)} refuses ({_first_line(error)}): {MISSING_GRANTS_ADVICE}"
        ) from error
    except psycopg.Error as error:
        raise OperatorError(f"PostgreSQL at {host_and_port(url)} gave up: {_first_line(error)}") from error


MISSING_GRANTS_ADVICE = (
    "`taskledger migrate`, with the owner's URL in TASKLEDGER_MIGRATION_URL, gives the role its rights."
)


def host_and_port(url: str) -> str:
    """Host and port of a URL, without its password."""
    parts = conninfo.conninfo_to_dict(url)
    return f"{parts.get('host', 'localhost')}:{parts.get('port', 5432)}"


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
