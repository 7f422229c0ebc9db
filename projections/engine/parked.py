"""Parked documents: a build stops updating them, because one of their events cannot be folded."""

from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from domain.event import OpaqueEvent, RecordedEvent
from projections.engine.builds import Build
from projections.engine.connection import SyncConnection
from projections.projection import DocumentKey

MAX_REASON_CHARACTERS = 300
"""A longer reason is truncated."""
_PARKED_KEYS = "select document from read.parked where build = %s"
_ALL_PARKED = """select document, position, workspace_id, unknown, reason, parked_at from read.parked
    where build = %s order by position, document"""
_PARK = """insert into read.parked as old (build, document, position, workspace_id, unknown, reason)
    values (%s, %s, %s, %s, %s, %s) on conflict (build, document) do update
    set position = excluded.position, unknown = excluded.unknown, reason = excluded.reason"""
_UNPARK = "delete from read.parked where build = %s and document = %s"


class ParkedDocument(Struct, frozen=True):
    """A document, and its first event that could not be folded; `unknown` is its name, if its type is unknown."""

    document: str
    position: int
    workspace_id: UUID | None
    unknown: str | None
    reason: str
    parked_at: datetime | None = None


def parked_by_event(key: DocumentKey, recorded: RecordedEvent, error: Exception | None = None) -> ParkedDocument:
    """The document, parked because this event cannot be folded into it."""
    unknown = recorded.event.stored_name if isinstance(recorded.event, OpaqueEvent) else None
    reason = f"unknown event {unknown!r}" if error is None else f"{type(error).__name__}: {error}"
    words = " ".join(reason.replace("\0", "").split())[:MAX_REASON_CHARACTERS]
    return ParkedDocument(str(key), recorded.position, recorded.workspace_id, unknown, words)


def parked_keys(connection: SyncConnection, build: Build) -> set[str]:
    """The keys of the parked documents, as text."""
    return {document for (document,) in connection.execute(_PARKED_KEYS, (build.number,))}


def all_parked(connection: SyncConnection, build: Build) -> list[ParkedDocument]:
    """The parked documents, by position."""
    return [ParkedDocument(*row) for row in connection.execute(_ALL_PARKED, (build.number,))]


def parked_by_unknown(connection: SyncConnection, build: Build, event_names: Collection[str]) -> list[ParkedDocument]:
    """The documents parked because of an unknown event of one of these names."""
    sql = f"{_ALL_PARKED.partition(' order')[0]} and unknown = any(%s) order by position, document"
    return [ParkedDocument(*row) for row in connection.execute(sql, (build.number, list(event_names)))]


def park(connection: SyncConnection, build: Build, parked_documents: Iterable[ParkedDocument]) -> None:
    """Park these documents."""
    for one in parked_documents:
        row = (build.number, one.document, one.position, one.workspace_id, one.unknown, one.reason)
        connection.execute(_PARK, row)


def clear_parked(connection: SyncConnection, build: Build) -> None:
    """Unpark all documents of the build."""
    connection.execute("delete from read.parked where build = %s", (build.number,))


def unpark(connection: SyncConnection, build: Build, keys: Collection[DocumentKey]) -> None:
    """Unpark the documents of these keys."""
    for key in keys:
        connection.execute(_UNPARK, (build.number, str(key)))
