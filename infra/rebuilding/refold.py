"""Refolding one document from its events: to retry a parked one, or to find the cause of a difference."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from domain import codec
from domain.event import RecordedEvent, fold
from domain.projection import Skipping, skips_stream_id
from infra import log
from infra.log import slices
from projections.engine import builds, cache_generations, folding, parked, table, writing
from projections.engine.builds import Build
from projections.engine.comparison import RowDifference
from projections.engine.connection import SyncConnection
from projections.engine.folding import Skips
from projections.engine.parked import ParkedDocument
from projections.engine.pipeline import Pipeline
from projections.projection import DocumentKey, Projection, key_by_position, parse_key


class DifferenceCause(Struct, frozen=True):
    """A difference, with the events (position and name) that last set the fields that differ."""

    document: str
    fields: dict[str, tuple[Any, Any]]
    events: list[tuple[int, str]]


def load_skips(connection: SyncConnection, projection: Projection[Any]) -> Skips:
    """The events that administrators decided to skip in documents of a projection."""
    state = fold(Skipping, (one.event for one in log.load_stream(connection, skips_stream_id(projection.name))))
    return frozenset(state.skips) if state else frozenset()


def retry_parked(connection: SyncConnection, build: Build, parked_document: ParkedDocument) -> ParkedDocument | None:
    """Fold a parked document again from its first event, in log order; returns why it stays parked, if it does.

    The log is read before the checkpoints are locked; only the events that came meanwhile are read after that.
    """
    key, projection = parse_key(parked_document.document), build.projection
    skips, head = load_skips(connection, projection), log.head(connection)
    read_before = [
        one for one in load_history(connection, projection, key, parked_document.workspace_id) if one.position <= head
    ]
    with connection.transaction():
        build = builds.lock_checkpoints(connection, build)
        position = builds.checkpoint_position(connection, build, folding.partition_of(key, build.partitions))
        intervening = [
            one for one in slices.iter_by_position(connection, head, position) if key in projection.keys(one)
        ]
        events = [one for one in (*read_before, *intervening) if one.position <= position]
        still_parked = refold_document(connection, build, key, events, skips)
        parked.unpark(connection, build, [key])
        parked.park(connection, build, [still_parked] if still_parked else [])
        pipeline = Pipeline(connection)
        cache_generations.bump(pipeline, {build: {builds.WHOLE_BUILD_SCOPE}})  # for caches that miss the message too
        pipeline.sync()
    return still_parked


def refold_document(
    connection: SyncConnection, build: Build, key: DocumentKey, events: Sequence[RecordedEvent], skips: Skips
) -> ParkedDocument | None:
    """Write a document folded from all its events, or up to the first that fails; returns why it is parked then."""
    change, still_parked = folding.fold_document(build.projection, key, None, events, skips)
    table.delete_document(connection, build, key)
    if writing.try_write(connection, build, change):
        return writing.write_event_by_event(connection, build, key, None, events, skips)[1]
    return still_parked


def find_cause(connection: SyncConnection, projection: Projection[Any], difference: RowDifference) -> DifferenceCause:
    """The events that set the fields to their right values; the last event if the document should not exist."""
    key, fields = parse_key(difference.document), difference.changed_fields()
    row = difference.fresh or difference.live or {}
    workspace = msgspec.convert(row.get("workspace_id"), UUID | None)
    skips, document, last = load_skips(connection, projection), None, None
    setters: dict[str, tuple[int, str]] = {}
    for one in load_history(connection, projection, key, workspace):
        next_document = folding.fold_event(projection, key, document, one, skips)
        if isinstance(next_document, ParkedDocument):
            break
        last = (one.position, codec.stored_name_of(one.event))
        setters |= {
            name: last for name in fields if getattr(document, name, None) != getattr(next_document, name, None)
        }
        document = next_document
    events = set(setters.values()) if document is not None else {last} - {None}
    return DifferenceCause(difference.document, fields, sorted(event for event in events if event))


def load_history(
    connection: SyncConnection, projection: Projection[Any], key: DocumentKey, workspace: UUID | None
) -> Iterable[RecordedEvent]:
    """The events that touch a document, oldest first. The connection is busy until the last one is read."""
    if projection.is_by_stream and isinstance(key, UUID):
        own = log.load_stream(connection, key)
        return log.in_commit_order(own, log.load_touching(connection, key)) if projection.follows_touches else own
    if projection.keys is key_by_position and isinstance(key, int):
        return log.load_after(connection, key - 1, 1)
    return _scan_history(connection, projection, key, workspace)


def _scan_history(
    connection: SyncConnection, projection: Projection[Any], key: DocumentKey, workspace: UUID | None
) -> Iterator[RecordedEvent]:
    for one in log.iter_events(connection, log.EventSelection(workspace_id=workspace)):
        if key in projection.keys(one):
            yield one
