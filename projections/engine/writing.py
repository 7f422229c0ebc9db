"""Writing the documents that a batch changed to their table: pipelined, by COPY, or row by row."""

import struct
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, TypeAlias

import psycopg
from msgspec import Struct

from domain.event import RecordedEvent
from projections.engine import folding, parked, table
from projections.engine.builds import Build
from projections.engine.connection import SyncConnection
from projections.engine.folding import DocumentChange, EventsByDocument, Skips
from projections.engine.parked import ParkedDocument
from projections.engine.pipeline import Pipeline
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
"""The errors of a table, or of the encoding for it, that reject a document."""


class BuildWork(Struct, frozen=True):
    """The work of a batch for one build: its documents, each with the events that touch it."""

    build: Build
    events: EventsByDocument

    def loaded_keys(self) -> Collection[DocumentKey]:
        """The keys of the documents that may exist before the batch."""
        return folding.loaded_keys(self.build.projection, self.events)


WriteDocuments: TypeAlias = Callable[[Pipeline, BuildWork, Sequence[DocumentChange]], list[ParkedDocument]]
"""Writes the changed documents; returns the documents that the table rejects."""


def pipelined(pipeline: Pipeline, work: BuildWork, changes: Sequence[DocumentChange]) -> list[ParkedDocument]:
    """Write in few statements, without waiting for their results."""
    table.write_documents(pipeline, work.build, changes)
    return []


def by_copy(pipeline: Pipeline, work: BuildWork, changes: Sequence[DocumentChange]) -> list[ParkedDocument]:
    """Insert new documents by COPY, which is faster for many."""
    table.copy_documents(pipeline.connection, work.build, [change for change in changes if change.before is None])
    table.write_documents(pipeline, work.build, [change for change in changes if change.before is not None])
    return []


def row_by_row(pipeline: Pipeline, work: BuildWork, changes: Sequence[DocumentChange]) -> list[ParkedDocument]:
    """Write each document by itself; one that the table rejects is written up to the rejected event, and parked."""
    connection, stopped = pipeline.connection, []
    for change in changes:
        if try_write(connection, work.build, change):
            events = work.events[change.key]
            stopped.append(write_event_by_event(connection, work.build, change.key, change.before, events)[1])
    return [one for one in stopped if one]


def write_event_by_event(  # noqa: PLR0913, PLR0917 - a document, what happened to it, and where it goes
    connection: SyncConnection,
    build: Build,
    key: DocumentKey,
    document: Any,
    events: Iterable[RecordedEvent],
    skips: Skips = (),
) -> tuple[Any, ParkedDocument | None]:
    """Fold and write a document event by event; returns its last state, and why it is parked, if it is."""
    for one in events:
        change, newly_parked = folding.fold_document(build.projection, key, document, [one], skips)
        if newly_parked:
            return document, newly_parked
        error = try_write(connection, build, change) if change.after != document else None
        if error:
            return document, parked.parked_by_event(key, one, error)
        document = change.after
    return document, None


def try_write(connection: SyncConnection, build: Build, change: DocumentChange) -> Exception | None:
    """Replace a document; returns the error if the table rejects it, which leaves the old row."""
    try:
        with connection.transaction():
            table.replace_document(connection, build, change)
    except REJECTION_ERRORS as error:
        return error
    return None
