"""What a projection must show: the naive fold of the whole log, one event after the other, in memory."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID, uuid4

from psycopg import Connection
from psycopg.rows import TupleRow, dict_row
from psycopg.sql import SQL, Identifier

from commands.append import Append
from domain.event import Recorded
from infra import log
from infra.log.appending import APPEND, Group
from projections import engine, table
from projections.projection import Projection, every
from tests.examples import ADA, WORKSPACE, Facts

Rows = dict[UUID, Any]


def naive(projection: Projection[Any], history: Iterable[Recorded]) -> Rows:
    """The documents, by a fold that knows no batches, no checkpoint and no table."""
    documents: Rows = {}
    for recorded in history:
        for key in projection.keys(recorded):
            documents[key] = projection.fold(key, documents.get(key), recorded)
    return {key: document for key, document in documents.items() if document is not None}


def shown(connection: Connection[TupleRow], projection: Projection[Any]) -> Rows:
    """The documents that the table holds."""
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(SQL("select * from read.{}").format(Identifier(projection.name)))
        return {row["id"]: table.document(projection, row) for row in rows}


def all_events(connection: Connection[TupleRow]) -> Sequence[Recorded]:
    return log.after(connection, 0, 1_000_000)


def is_right(connection: Connection[TupleRow]) -> bool:
    """Every projection equals the naive fold of the log."""
    history = all_events(connection)
    return all(shown(connection, projection) == naive(projection, history) for projection in every().values())


def catch_up(connection: Connection[TupleRow], cut: int = 1_000) -> None:
    """Fold all that is new, so many events a batch."""
    for projection in every().values():
        while engine.advance(connection, projection, lambda at, after, _: log.after(at, after, cut)):
            pass


def write(connection: Connection[TupleRow], facts: Facts, workspace: UUID = WORKSPACE) -> None:
    """Put facts, of streams that have not begun, into the log as they are, without asking any rule."""
    streams = dict.fromkeys((stream for stream, _ in facts), 0)
    group = Group([Append(streams, facts, ADA, uuid4(), workspace)])
    with connection.cursor(binary=True) as cursor:
        (answer,) = group.answers(cursor.execute(APPEND, group.parameters()).fetchall())
    if isinstance(answer, Exception):
        raise answer
