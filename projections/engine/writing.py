"""Saving: how the documents that a batch changed get into their table."""

import struct
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import psycopg
from msgspec import Struct

from domain.event import Recorded
from projections.engine import folding, parked, table
from projections.engine.builds import Build, Database
from projections.engine.folding import Skips, Touched
from projections.engine.parked import Parked
from projections.engine.table import Rows
from projections.projection import Key

REFUSED = (
    psycopg.DataError,
    psycopg.IntegrityError,
    psycopg.errors.ProgramLimitExceeded,  # too long for an index
    OverflowError,
    struct.error,
    TypeError,
    ValueError,
)
"""What a table, or the way into it, says of a document that it does not take."""


class Work(Struct, frozen=True):
    """What a batch has in store for one build: its documents, each with each event that touches it."""

    build: Build
    touched: Touched


Save: TypeAlias = Callable[[Database, Work, Rows, Rows], list[Parked]]
"""Writes the documents that changed, given what was there before, and answers those that the table refuses."""


def together(connection: Database, work: Work, before: Rows, rows: Rows) -> list[Parked]:
    """In few statements, which nobody waits for."""
    table.save(connection, work.build, before, rows)
    return []


def copied(connection: Database, work: Work, before: Rows, rows: Rows) -> list[Parked]:
    """New documents by COPY, which is quicker for many."""
    new = {key: row for key, row in rows.items() if key not in before}
    table.fill(connection, work.build, new.values())
    table.save(connection, work.build, before, {key: row for key, row in rows.items() if key in before})
    return []


def one_by_one(connection: Database, work: Work, before: Rows, rows: Rows) -> list[Parked]:
    """What the table takes; a document that it refuses is parked as far as it takes it."""
    stopped = []
    for key, row in rows.items():
        if refusal(connection, work.build, key, row):
            events = [one for touched, one in work.touched if touched == key]
            stopped.append(furthest(connection, work.build, key, before.get(key), events)[1])
    return [one for one in stopped if one]


def furthest(  # noqa: PLR0913, PLR0917 - a document, what happened to it, and where it goes
    connection: Database, build: Build, key: Key, document: Any, events: Iterable[Recorded], skips: Skips = ()
) -> tuple[Any, Parked | None]:
    """Fold and write a document event by event; answers how it is at last, and where it had to end."""
    for one in events:
        after = folding.step(build.projection, key, document, one, skips)
        if isinstance(after, Parked):
            return document, after
        error = refusal(connection, build, key, after) if after != document else None
        if error:
            return document, parked.because(key, one, error)
        document = after
    return document, None


def refusal(connection: Database, build: Build, key: Key, row: Any) -> Exception | None:
    """Write a document over what was there; why the table does not take it, which changes nothing."""
    try:
        with connection.transaction():
            table.put(connection, build, key, row)
    except REFUSED as error:
        return error
    return None
