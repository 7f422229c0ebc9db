"""What a command of this package needs of a running instance, opened for as long as it takes."""

import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence

import psycopg
from msgspec import Struct
from psycopg import Connection, conninfo
from psycopg.rows import TupleRow

from commands.handling.handler import CommandHandler
from infra.column_counts import ColumnCounter
from infra.database.pool import connect, create_pool
from infra.errors import OperatorError
from infra.identity.passwords import Passwords
from infra.log import EventLog
from infra.messaging import clients
from infra.messaging.subscription import Subscription
from infra.reading import tables
from infra.reading.progress import ProjectionBehind, ProjectionProgress
from infra.settings import Settings
from projections.engine import builds


class Opened(Struct, frozen=True):
    """The parts that commands are carried out with."""

    log: EventLog
    handling: CommandHandler
    counting: ColumnCounter
    credentials: Passwords


@contextlib.asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Opened]:
    """The log and what stands on it; raises OperatorError where PostgreSQL does not answer."""
    url = settings.database_url
    with database(url):
        pass
    async with create_pool(url) as connections:
        log = EventLog(url, connections)
        handling = CommandHandler(log)
        projected = ProjectionProgress(
            Subscription(clients.subscriber_client(settings.redis_url)), connections, settings.partitions
        )
        with _named(url):
            counting = ColumnCounter(log, handling, connections, projected)
            yield Opened(log, handling, counting, Passwords(connections))


@contextlib.contextmanager
def database(url: str) -> Iterator[Connection[TupleRow]]:
    """A connection; raises OperatorError where PostgreSQL does not answer, or was never migrated."""
    try:
        connection = connect(url)
    except psycopg.OperationalError as error:
        raise OperatorError(f"PostgreSQL at {address(url)} does not answer: {_first_line(error)}") from error
    with _named(url), connection:
        yield connection


def asked(connection: Connection[TupleRow], sql: str, parameters: Sequence[object]) -> list[TupleRow]:
    """The rows of a query of read models, which it names `{name}`; raises OperatorError where one is not there yet."""
    numbers = {name: build.number for name, build in builds.serving_builds(connection).items()}
    try:
        return connection.execute(tables.with_table_names(sql, numbers), parameters).fetchall()
    except ProjectionBehind as error:
        raise OperatorError(
            "The read models are still being built: `taskledger projections list` says more."
        ) from error


@contextlib.contextmanager
def _named(url: str) -> Iterator[None]:
    """What PostgreSQL refuses, in one line of its own."""
    try:
        yield
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName) as error:
        raise OperatorError("The database has not been prepared: run `taskledger migrate` first.") from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise OperatorError(f"PostgreSQL at {address(url)} refuses ({_first_line(error)}): {UNGRANTED}") from error
    except psycopg.Error as error:
        raise OperatorError(f"PostgreSQL at {address(url)} gave up: {_first_line(error)}") from error


UNGRANTED = "`taskledger migrate`, with the owner's URL in TASKLEDGER_MIGRATION_URL, gives the role its rights."


def address(url: str) -> str:
    """Host and port of a URL, without its password."""
    parts = conninfo.conninfo_to_dict(url)
    return f"{parts.get('host', 'localhost')}:{parts.get('port', 5432)}"


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
