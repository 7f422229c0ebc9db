"""Saving: how the documents that a batch changed get into their table."""

from collections.abc import Callable
from typing import TypeAlias

import psycopg
from msgspec import Struct

from projections.engine import parked, table
from projections.engine.builds import Build, Database
from projections.engine.folding import Touched
from projections.engine.parked import Parked
from projections.engine.table import Rows

REFUSED = (psycopg.DataError, psycopg.IntegrityError, TypeError, ValueError)
"""What a table, or the way into it, says of a document that it does not take."""


class Work(Struct, frozen=True):
    """What a batch has in store for one build: its documents, each with each event that touches it."""

    build: Build
    touched: Touched


Save: TypeAlias = Callable[[Database, Work, Rows, Rows], list[Parked]]
"""Writes the documents that changed, given what was there before, and answers those that the table refuses."""


def together(connection: Database, work: Work, _: Rows, rows: Rows) -> list[Parked]:
    """All in one statement, which nobody waits for."""
    table.save(connection, work.build, rows)
    return []


def copied(connection: Database, work: Work, before: Rows, rows: Rows) -> list[Parked]:
    """New documents by COPY, which is quicker for many."""
    new = {key: row for key, row in rows.items() if key not in before}
    table.fill(connection, work.build, new.values())
    table.save(connection, work.build, {key: row for key, row in rows.items() if key in before})
    return []


def one_by_one(connection: Database, work: Work, _: Rows, rows: Rows) -> list[Parked]:
    """What the table takes; the rest is to be parked with the first event of the batch that touches it."""
    first = dict(reversed(work.touched))
    refused = []
    for key, row in rows.items():
        try:
            with connection.transaction():
                table.save(connection, work.build, {key: row})
        except REFUSED as error:
            refused.append(parked.because(key, first[key], error))
    return refused
