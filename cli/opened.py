"""What a command of this package needs of a running instance, opened for as long as it takes."""

import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence

import psycopg
from msgspec import Struct
from psycopg import Connection, conninfo
from psycopg.rows import TupleRow

from commands.handling.handler import CommandHandler
from infra.column_counter import ColumnCounter
from infra.database.pool import connect, create_pool
from infra.errors import OperatorError
from infra.identity.passwords import Passwords
from infra.log import EventLog
from infra.messaging import redis_clients
from infra.messaging.subscription import Subscription
from infra.reading import tables
from infra.reading.progress import ProjectionBehind, ProjectionProgress
from infra.settings import Settings
from projections.engine import builds


class OpenInstance(Struct, frozen=True):
    """The parts that commands are carried out with."""

    log: EventLog
    command_handler: CommandHandler
    column_counter: ColumnCounter
    passwords: Passwords


@contextlib.asynccontextmanager
async def open_instance(settings: Settings) -> AsyncIterator[OpenInstance]:
    """The log and what stands on it; raises OperatorError where PostgreSQL does not answer."""
    url = settings.database_url
    with database_connection(url):
        pass
    async with create_pool(url) as connections:
        log = EventLog(url, connections)
        command_handler = CommandHandler(log)
        progress = ProjectionProgress(
            Subscription(redis_clients.subscriber_client(settings.redis_url)), connections, settings.partitions
        )
        with _as_operator_errors(url):
            column_counter = ColumnCounter(log, command_handler, connections, progress)
            yield OpenInstance(log, command_handler, column_counter, Passwords(connections))


@contextlib.contextmanager
def database_connection(url: str) -> Iterator[Connection[TupleRow]]:
    """A connection; raises OperatorError where PostgreSQL does not answer, or was never migrated."""
    try:
        connection = connect(url)
    except psycopg.OperationalError as error:
        raise OperatorError(f"PostgreSQL at {host_and_port(url)} does not answer: {_first_line(error)}") from error
    with _as_operator_errors(url), connection:
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
def _as_operator_errors(url: str) -> Iterator[None]:
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
