"""The full fold of a rebuild: the documents of a part of the log from the first event on, in bounded memory."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeAlias
from uuid import UUID

from domain import codec
from domain.event import RecordedEvent
from projections.engine import folding
from projections.engine.folding import DocumentChange, Skips, Step
from projections.engine.parked import ParkedDocument
from projections.projection import DocumentKey, Projection, parse_key

CHUNK_EVENTS = 1_000
"""Events folded at once, if any event may touch any document."""
MAX_DOCUMENTS = 50_000
"""Documents held in memory at once, in that case."""
BUCKET_COUNT = 1 << 16
"""Documents are divided into this number of buckets, in that case."""
BucketRange: TypeAlias = tuple[int, int]


class FullFold:
    """The fold of one part; `event_count` counts the events read, `parked` lists the documents that are parked."""

    def __init__(self, projection: Projection[Any], skips: Skips = ()) -> None:
        self._projection = projection
        self._skips = skips
        self.event_count = 0
        self.parked: list[ParkedDocument] = []

    def fold_streams(self, histories: Iterable[tuple[UUID, Sequence[RecordedEvent]]]) -> Iterator[DocumentChange]:
        """The documents of streams, each from all events that change it."""
        for stream, events in histories:
            yield self._fold_document(stream, events)

    def fold_positions(self, history: Iterable[RecordedEvent]) -> Iterator[DocumentChange]:
        """The documents of a projection with one document an event."""
        for one in history:
            yield self._fold_document(one.position, [one])

    def fold_buckets(
        self, history: Iterable[RecordedEvent], bucket_range: BucketRange
    ) -> tuple[list[DocumentChange], BucketRange | None]:
        """The documents of a range of buckets, from all events of their workspaces in commit order.

        Also returns the rest of the range, if memory ran out.
        """
        low, high = bucket_range
        documents: dict[DocumentKey, Any] = {}
        steps: dict[DocumentKey, list[Step]] = {}
        parked: dict[str, ParkedDocument] = {}
        for chunk in _chunks(history):
            self.event_count += len(chunk)
            events = folding.events_by_document(self._projection, chunk, 0, 1)
            touched = {key: each for key, each in events.items() if low <= bucket_of(key) < high}
            before = {key: documents[key] for key in touched if key in documents}
            folded = folding.fold_documents(self._projection, touched, before, parked, self._skips)
            parked |= {one.document: one for one in folded.parked}
            documents |= {change.key: change.after for change in folded.changes}
            for change in folded.changes:
                steps.setdefault(change.key, []).extend(change.steps)
            while len(documents) > MAX_DOCUMENTS and high - low > 1:
                high = (low + high) // 2
                documents = {key: row for key, row in documents.items() if bucket_of(key) < high}
        self.parked += [one for one in parked.values() if low <= bucket_of(parse_key(one.document)) < high]
        rest = (high, bucket_range[1]) if high < bucket_range[1] else None
        return [DocumentChange(key, None, row, steps[key]) for key, row in documents.items()], rest

    def _fold_document(self, key: DocumentKey, events: Sequence[RecordedEvent]) -> DocumentChange:
        """One document from all its events, or as it was before the first that cannot be folded."""
        self.event_count += len(events)
        change, parked = folding.fold_document(self._projection, key, None, events, self._skips)
        if parked is not None:
            self.parked.append(parked)
        return change


def skipped_names(projection: Projection[Any]) -> list[str]:
    """The stored names of the event types that change nothing in a projection: a rebuild does not read them."""
    only = projection.event_types
    return [name for name, event_type in codec.all_event_types().items() if only and event_type not in only]


def bucket_of(key: DocumentKey) -> int:
    """The bucket of a document; unrelated to partitions."""
    return (key if isinstance(key, int) else key.int) % BUCKET_COUNT


def _chunks(history: Iterable[RecordedEvent]) -> Iterator[list[RecordedEvent]]:
    rest = iter(history)
    while chunk := list(islice(rest, CHUNK_EVENTS)):
        yield chunk
