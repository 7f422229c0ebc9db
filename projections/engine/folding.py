"""Folding a batch of events into documents, in memory."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias
from uuid import UUID

from msgspec import Struct

from domain.event import OpaqueEvent, RecordedEvent
from projections.engine import parked
from projections.engine.parked import ParkedDocument
from projections.projection import DocumentKey, Projection, key_by_position

KeyedEvents: TypeAlias = Sequence[tuple[DocumentKey, RecordedEvent]]
Skips: TypeAlias = Collection[tuple[str, int]]
"""Documents, as text, each with the position of an event that an administrator decided to skip."""


class FoldResult(Struct, frozen=True):
    """The documents that a batch changed, and those to be parked."""

    changed: dict[DocumentKey, Any]
    parked: list[ParkedDocument]


def key_events(
    projection: Projection[Any], events: Iterable[RecordedEvent], partition: int, partitions: int
) -> KeyedEvents:
    """Each document of the partition with each event that touches it, in log order."""
    keys, only = projection.keys, projection.event_types
    if only:
        events = [one for one in events if type(one.event) in only]
    if partitions == 1:
        return [(key, one) for one in events for key in keys(one)]
    return [(key, one) for one in events for key in keys(one) if partition_of(key, partitions) == partition]


def partition_of(key: DocumentKey, partitions: int) -> int:
    """Which partition folds a document."""
    return (key if isinstance(key, int) else key.int) % partitions


def fold_documents(
    projection: Projection[Any],
    keyed_events: KeyedEvents,
    before: Mapping[DocumentKey, Any],
    parked_keys: Collection[str] = (),
    skips: Skips = (),
) -> FoldResult:
    """Fold the events into the documents, except those in `parked_keys`, which are parked already."""
    after: dict[DocumentKey, Any] = dict(before)
    newly_parked: dict[DocumentKey, ParkedDocument] = {}
    for key, recorded in keyed_events:
        if (newly_parked and key in newly_parked) or (parked_keys and str(key) in parked_keys):
            continue
        found = fold_event(projection, key, after.get(key), recorded, skips)
        if type(found) is ParkedDocument:
            newly_parked[key] = found
        else:
            after[key] = found
    return FoldResult({key: row for key, row in after.items() if row != before.get(key)}, list(newly_parked.values()))


def fold_event(
    projection: Projection[Any], key: DocumentKey, document: Any, recorded: RecordedEvent, skips: Skips = ()
) -> Any:
    """The document after one more event, or a ParkedDocument if the event cannot be folded."""
    if skips and (str(key), recorded.position) in skips:
        return document
    if type(recorded.event) is OpaqueEvent and not projection.accepts_unknown:
        is_ours = document is not None or projection.keys is key_by_position
        return parked.parked_by_event(key, recorded) if is_ours else None
    try:
        return projection.fold(key, document, recorded)
    except Exception as error:  # noqa: BLE001 - any error of a fold parks this document alone
        return parked.parked_by_event(key, recorded, error)


def fold_until_parked(
    projection: Projection[Any], key: DocumentKey, events: Iterable[RecordedEvent], skips: Skips = ()
) -> tuple[Any, ParkedDocument | None]:
    """Fold one document from its first event; returns it, and why it is parked if an event cannot be folded."""
    document: Any = None
    for one in events:
        found = fold_event(projection, key, document, one, skips)
        if type(found) is ParkedDocument:
            return document, found
        document = found
    return document, None


def changed_scopes(
    projection: Projection[Any], before: Mapping[DocumentKey, Any], after: Mapping[DocumentKey, Any]
) -> Iterator[UUID]:
    """The scopes of the changed documents, before and after."""
    for key, row in after.items():
        old = before.get(key)
        was = projection.scopes(old) if old is not None else ()
        now = projection.scopes(row) if row is not None else ()
        yield from now
        if was != now:  # mostly equal tuples
            yield from was
