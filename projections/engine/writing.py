"""Saving: how the documents that a batch changed get into their table."""

import struct
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import psycopg
from msgspec import Struct

from domain.event import RecordedEvent
from projections.engine import folding, parked, table
from projections.engine.builds import Build
from projections.engine.connection import SyncConnection
from projections.engine.folding import KeyedEvents, Skips
from projections.engine.parked import ParkedDocument
from projections.engine.table import Documents
from projections.projection import DocumentKey

REJECTION_ERRORS = (
    psycopg.DataError,
    psycopg.IntegrityError,
    psycopg.errors.ProgramLimitExceeded,  # too long for an index
    OverflowError,
    struct.error,
    TypeError,
    ValueError,
)
"""What a table, or the way into it, says of a document that it does not take."""


class BuildWork(Struct, frozen=True):
    """What a batch has in store for one build: its documents, each with each event that touches it."""

    build: Build
    keyed_events: KeyedEvents


WriteDocuments: TypeAlias = Callable[[SyncConnection, BuildWork, Documents, Documents], list[ParkedDocument]]
"""Writes the documents that changed, given what was there before, and answers those that the table refuses."""


def pipelined(connection: SyncConnection, work: BuildWork, before: Documents, rows: Documents) -> list[ParkedDocument]:
    """In few statements, which nobody waits for."""
    table.write_documents(connection, work.build, before, rows)
    return []


def by_copy(connection: SyncConnection, work: BuildWork, before: Documents, rows: Documents) -> list[ParkedDocument]:
    """New documents by COPY, which is quicker for many."""
    new = {key: row for key, row in rows.items() if key not in before}
    table.copy_documents(connection, work.build, new.values())
    table.write_documents(connection, work.build, before, {key: row for key, row in rows.items() if key in before})
    return []


def row_by_row(connection: SyncConnection, work: BuildWork, before: Documents, rows: Documents) -> list[ParkedDocument]:
    """What the table takes; a document that it refuses is parked as far as it takes it."""
    stopped = []
    for key, row in rows.items():
        if try_write(connection, work.build, key, row):
            events = [one for touched, one in work.keyed_events if touched == key]
            stopped.append(write_event_by_event(connection, work.build, key, before.get(key), events)[1])
    return [one for one in stopped if one]


def write_event_by_event(  # noqa: PLR0913, PLR0917 - a document, what happened to it, and where it goes
    connection: SyncConnection,
    build: Build,
    key: DocumentKey,
    document: Any,
    events: Iterable[RecordedEvent],
    skips: Skips = (),
) -> tuple[Any, ParkedDocument | None]:
    """Fold and write a document event by event; answers how it is at last, and where it had to end."""
    for one in events:
        after = folding.fold_event(build.projection, key, document, one, skips)
        if isinstance(after, ParkedDocument):
            return document, after
        error = try_write(connection, build, key, after) if after != document else None
        if error:
            return document, parked.parked_by_event(key, one, error)
        document = after
    return document, None


def try_write(connection: SyncConnection, build: Build, key: DocumentKey, row: Any) -> Exception | None:
    """Write a document over what was there; why the table does not take it, which changes nothing."""
    try:
        with connection.transaction():
            table.replace_document(connection, build, key, row)
    except REJECTION_ERRORS as error:
        return error
    return None
