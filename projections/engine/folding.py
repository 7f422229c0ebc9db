"""Folding a batch of events into documents, in memory."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from domain.event import Event, OpaqueEvent, RecordedEvent
from projections.engine import parked
from projections.engine.parked import ParkedDocument
from projections.projection import DocumentKey, Projection, key_by_position

FIRST_VERSION = 1
"""The version of the first event of a stream."""
EventsByDocument: TypeAlias = Mapping[DocumentKey, Sequence[RecordedEvent]]
Skips: TypeAlias = Collection[tuple[str, int]]
"""Documents, as text, each with the position of an event that an administrator decided to skip."""


class Step(NamedTuple):
    """An event that changed a document, and the document after it."""

    event: RecordedEvent
    document: Any


class DocumentChange(NamedTuple):
    """A document before and after a batch; None where there is none.

    If its projection keeps the past, `steps` has each new version that it had on the way.
    """

    key: DocumentKey
    before: Any
    after: Any
    steps: Sequence[Step] = ()


class FoldResult(Struct, frozen=True):
    """The documents that a batch changed, and those to be parked."""

    changes: list[DocumentChange]
    parked: list[ParkedDocument]


def events_by_document(
    projection: Projection[Any], events: Iterable[RecordedEvent], partition: int, partitions: int
) -> EventsByDocument:
    """The documents of the partition, each with the events that touch it, in log order."""
    keys, found = projection.keys, dict[DocumentKey, list[RecordedEvent]]()
    if projection.event_types:
        only = _as_set(projection.event_types)
        events = [one for one in events if type(one.event) in only]
    for one in events:
        for key in keys(one):
            if partitions == 1 or partition_of(key, partitions) == partition:
                found.setdefault(key, []).append(one)
    return found


@cache
def _as_set(event_types: tuple[type[Event], ...]) -> frozenset[type[Event]]:
    """The types in a form that is quick to ask: there may be dozens, and every event is asked about."""
    return frozenset(event_types)


def loaded_keys(projection: Projection[Any], events: EventsByDocument) -> Collection[DocumentKey]:
    """The keys of the documents that may exist before these events; no event comes twice.

    Where each stream has one document, none exists before the first event of its stream.
    """
    if projection.keys is key_by_position:
        return ()
    if not projection.is_by_stream:
        return list(events)
    return [key for key, (first, *_) in events.items() if first.stream != key or first.version > FIRST_VERSION]


def partition_of(key: DocumentKey, partitions: int) -> int:
    """Which partition folds a document."""
    return (key if isinstance(key, int) else key.int) % partitions


def fold_documents(
    projection: Projection[Any],
    events: EventsByDocument,
    before: Mapping[DocumentKey, Any],
    parked_keys: Collection[str] = (),
    skips: Skips = (),
) -> FoldResult:
    """Fold the events into the documents, except those in `parked_keys`, which are parked already."""
    changes, newly_parked = list[DocumentChange](), list[ParkedDocument]()
    for key, touching in events.items():
        if parked_keys and str(key) in parked_keys:
            continue
        change, newly = fold_document(projection, key, before.get(key), touching, skips)
        if newly:
            newly_parked.append(newly)
        if change.steps or (change.after is not change.before and change.after != change.before):
            changes.append(change)
    return FoldResult(changes, newly_parked)


def fold_document(
    projection: Projection[Any], key: DocumentKey, before: Any, events: Iterable[RecordedEvent], skips: Skips = ()
) -> tuple[DocumentChange, ParkedDocument | None]:
    """How events change one document, and why it is parked if one of them cannot be folded."""
    document, steps, past = before, list[Step](), projection.past
    for recorded in events:
        found = fold_event(projection, key, document, recorded, skips)
        if type(found) is ParkedDocument:
            return DocumentChange(key, before, document, steps), found
        if past and found is not document and _is_new_version(document, found, past.transient):
            steps.append(Step(recorded, found))
        document = found
    return DocumentChange(key, before, document, steps), None


def _is_new_version(before: Any, after: Any, transient: Collection[str]) -> bool:
    """Whether more differs than transient fields."""
    if not transient or before is None or after is None:
        return bool(before != after)
    return bool(replace(before, **{name: getattr(after, name) for name in transient}) != after)


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


def changed_scopes(projection: Projection[Any], changes: Iterable[DocumentChange]) -> Iterator[UUID]:
    """The scopes of the changed documents, before and after."""
    for _, old, new, _ in changes:
        was = projection.scopes(old) if old is not None else ()
        now = projection.scopes(new) if new is not None else ()
        yield from now
        if was != now:  # mostly equal tuples
            yield from was
