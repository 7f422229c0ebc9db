"""A document by itself: its events out of the log, folded again, where it was parked or is not what it should be."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from domain import codec
from domain.event import Recorded, fold
from domain.projection import Skipping, skips_of
from infra import log
from infra.log import slices
from projections.engine import builds, folding, generations, parked, table, writing
from projections.engine.builds import Build, SyncConnection
from projections.engine.differences import RowDifference
from projections.engine.folding import Skips
from projections.engine.full_fold import parse_key
from projections.engine.parked import ParkedDocument
from projections.projection import DocumentKey, Projection, key_by_position, key_by_stream


class Cause(Struct, frozen=True):
    """A difference, with the events that last set what differs: their positions and names."""

    document: str
    fields: dict[str, tuple[Any, Any]]
    events: list[tuple[int, str]]


def skips(connection: SyncConnection, projection: Projection[Any]) -> Skips:
    """The events that operators decided to leave out of documents of a projection."""
    state = fold(Skipping, (one.event for one in log.stream(connection, skips_of(projection.name))))
    return frozenset(state.skips) if state else frozenset()


def retry(connection: SyncConnection, build: Build, found: ParkedDocument) -> ParkedDocument | None:
    """Fold a parked document again from its first event, so that order is the log's; answers why it stays parked.

    The log is read before the build is held, and only what came meanwhile after that.
    """
    key, projection = parse_key(found.document), build.projection
    left_out, head = skips(connection, projection), log.head(connection)
    read = [one for one in history(connection, projection, key, found.workspace_id) if one.position <= head]
    with connection.transaction():
        build = builds.lock_checkpoints(connection, build)
        until = builds.checkpoint_position(connection, build, folding.partition_of(key, build.partitions))
        since = [one for one in slices.positions(connection, head, until) if key in projection.keys(one)]
        events = [one for one in (*read, *since) if one.position <= until]
        still = refolded(connection, build, key, events, left_out)
        parked.unpark(connection, build, [key])
        parked.park(connection, build, [still] if still else [])
        generations.bump(connection, {build: {builds.WHOLE_BUILD_SCOPE}})  # whoever looks sees that, told or not
    return still


def refolded(
    connection: SyncConnection, build: Build, key: DocumentKey, events: Sequence[Recorded], left_out: Skips
) -> ParkedDocument | None:
    """Write a document as all its events make it, or as far as that goes; answers where it had to end."""
    document, still = _folded(build.projection, key, events, left_out)
    if writing.try_write(connection, build, key, document):
        table.replace_document(connection, build, key, None)
        return writing.write_event_by_event(connection, build, key, None, events, left_out)[1]
    return still


def _folded(
    projection: Projection[Any], key: DocumentKey, events: Iterable[Recorded], left_out: Skips
) -> tuple[Any, ParkedDocument | None]:
    document: Any = None
    for one in events:
        after = folding.fold_event(projection, key, document, one, left_out)
        if isinstance(after, ParkedDocument):
            return document, after
        document = after
    return document, None


def cause(connection: SyncConnection, projection: Projection[Any], difference: RowDifference) -> Cause:
    """Which events made the fields what they should be; the last one where there should be nothing."""
    key, fields = parse_key(difference.document), difference.changed_fields()
    row = difference.fresh or difference.live or {}
    workspace = msgspec.convert(row.get("workspace_id"), UUID | None)
    left_out, document, last = skips(connection, projection), None, None
    setters: dict[str, tuple[int, str]] = {}
    for one in history(connection, projection, key, workspace):
        after = folding.fold_event(projection, key, document, one, left_out)
        if isinstance(after, ParkedDocument):
            break
        last = (one.position, codec.tag(one.event))
        setters |= {name: last for name in fields if getattr(document, name, None) != getattr(after, name, None)}
        document = after
    events = set(setters.values()) if document is not None else {last} - {None}
    return Cause(difference.document, fields, sorted(event for event in events if event))


def history(
    connection: SyncConnection, projection: Projection[Any], key: DocumentKey, workspace: UUID | None
) -> Iterable[Recorded]:
    """The events that touch a document, oldest first. Ask the connection nothing else before the last of them."""
    if projection.keys is key_by_stream and isinstance(key, UUID):
        return log.stream(connection, key)
    if projection.keys is key_by_position and isinstance(key, int):
        return log.after(connection, key - 1, 1)
    return _touching(connection, projection, key, workspace)


def _touching(
    connection: SyncConnection, projection: Projection[Any], key: DocumentKey, workspace: UUID | None
) -> Iterator[Recorded]:
    for one in log.copied(connection, log.Chosen(workspace=workspace)):
        if key in projection.keys(one):
            yield one
