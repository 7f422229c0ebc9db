"""A pipeline: prepared statements that are sent to PostgreSQL together, with one wait for all their results.

The driver's own pipeline sends each statement by itself, and looks for results after each: ten times as much work.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from itertools import count
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

import psycopg
from msgspec import Struct
from psycopg import generators
from psycopg.abc import Buffer, PQGen
from psycopg.adapt import AdaptersMap, Loader, PyFormat, Transformer
from psycopg.pq import ExecStatus, Format, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult
from psycopg.rows import TupleRow

from projections.engine import tsvector_adapter
from projections.engine.connection import SyncConnection

MAX_PREPARED_STATEMENTS = 500
"""With more, all are prepared again: several times as many as there are sets of columns that change together."""


class _EncodedJsonb(Loader):
    """A jsonb value as it is sent, without its version: it is decoded by the type of its field."""

    format = Format.BINARY

    def load(self, data: Buffer) -> bytes:
        return bytes(data[1:])


_ADAPTERS = AdaptersMap(psycopg.adapters)
_ADAPTERS.register_loader("jsonb", _EncodedJsonb)
tsvector_adapter.register(_ADAPTERS)


def array_literal(values: Iterable[UUID | int | str | None]) -> str:
    """An array as text, of ids, numbers, or names without special characters; quicker than the driver's binary one."""
    return "{" + ",".join("null" if value is None else str(value) for value in values) + "}"


class _Statement(Struct, frozen=True):
    """A statement to send, and where its rows go."""

    sql: bytes
    types: tuple[int, ...]
    values: Sequence[Buffer | None]
    formats: Sequence[Format]
    rows: list[TupleRow]


class _Prepared:
    """The statements that a connection has prepared: their names, by their text and the types of their parameters."""

    def __init__(self) -> None:
        self.names: dict[tuple[bytes, tuple[int, ...]], bytes] = {}
        self.numbers = count()
        self.transformer = Transformer(_ADAPTERS)


_PREPARED: WeakKeyDictionary[SyncConnection, _Prepared] = WeakKeyDictionary()


class Pipeline:
    """The statements of a connection that wait to be sent; for one thread, in autocommit mode."""

    def __init__(self, connection: SyncConnection) -> None:
        self.connection = connection
        self._waiting: list[_Statement] = []
        prepared = _PREPARED.get(connection)
        if prepared is None:
            prepared = _PREPARED[connection] = _Prepared()
            connection.execute("deallocate all")  # after a rollback, the driver would deallocate its own and ours
            connection.prepare_threshold = None
        self._prepared = prepared

    def send(self, sql: bytes, *parameters: Any) -> list[TupleRow]:
        """Add a statement with parameters $1, $2...; the list that it returns has its rows after `sync`."""
        transformer, rows = self._prepared.transformer, list[TupleRow]()
        formats = [PyFormat.BINARY if type(each) is list else PyFormat.AUTO for each in parameters]
        values = transformer.dump_sequence(parameters, formats)
        self._waiting.append(_Statement(sql, transformer.types or (), values, transformer.formats or (), rows))
        return rows

    def sync(self) -> None:
        """Send what waits, and fetch all rows. Raises the first statement's error; PostgreSQL runs no later one."""
        waiting, self._waiting = self._waiting, []
        if waiting:
            if len(self._prepared.names) > MAX_PREPARED_STATEMENTS:
                self.connection.execute("deallocate all")
                self._prepared.names.clear()
            self.connection.wait(self._exchange(waiting))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """A transaction that begins and commits together with other statements; a savepoint inside another one."""
        is_outermost = self.connection.info.transaction_status == TransactionStatus.IDLE
        try:
            with nullcontext() if is_outermost else self.connection.transaction():
                if is_outermost:
                    self.send(b"begin")
                yield
                if is_outermost:
                    self.send(b"commit")
                self.sync()
        except BaseException:
            self._waiting.clear()
            if is_outermost:
                with suppress(psycopg.Error):  # of a lost connection, which rolls back too
                    self.connection.rollback()
            raise

    def _exchange(self, statements: Sequence[_Statement]) -> PQGen[None]:
        pgconn, errors = self.connection.pgconn, list[PGresult]()
        pgconn.enter_pipeline_mode()
        names = [self._send(each) for each in statements]
        pgconn.pipeline_sync()
        yield from generators.send(pgconn)
        for statement, name in zip(statements, names, strict=True):
            if name and (yield from _fetch_result(pgconn, errors)):
                self._prepared.names[statement.sql, statement.types] = name
            if result := (yield from _fetch_result(pgconn, errors)):
                self._prepared.transformer.set_pgresult(result)
                statement.rows.extend(self._prepared.transformer.load_rows(0, result.ntuples, tuple))
        yield from generators.fetch_many(pgconn)  # the end of the pipeline
        pgconn.exit_pipeline_mode()
        if errors:
            raise psycopg.errors.error_from_result(errors[0])

    def _send(self, statement: _Statement) -> bytes | None:
        """Send a statement; returns the name under which it is prepared first, if it is not yet."""
        pgconn, new_name = self.connection.pgconn, None
        name = self._prepared.names.get((statement.sql, statement.types))
        if name is None:
            name = new_name = f"folding_{next(self._prepared.numbers)}".encode()
            pgconn.send_prepare(name, statement.sql, statement.types)
        pgconn.send_query_prepared(name, statement.values, statement.formats, Format.BINARY)
        return new_name


def _fetch_result(pgconn: PGconn, errors: list[PGresult]) -> PQGen[PGresult | None]:
    """The result of the next statement; None if it failed or was not executed, which is added to the errors."""
    results: list[PGresult] = yield from generators.fetch_many(pgconn)
    if not results:
        raise psycopg.OperationalError("the connection is lost")
    if results[0].status in {ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK}:
        return results[0]
    errors.append(results[0])
    return None
