"""Folding: what becomes of documents by a batch of events, in memory."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias
from uuid import UUID

from msgspec import Struct

from domain.event import Recorded, Unknown
from projections.engine import parked
from projections.engine.parked import Parked
from projections.projection import Key, Projection, by_position

Touched: TypeAlias = Sequence[tuple[Key, Recorded]]
Skips: TypeAlias = Collection[tuple[str, int]]
"""Documents, as text, and the positions of events that an operator decided to leave out of them."""


class Folded(Struct, frozen=True):
    """What a batch made of the documents that it touched: those that changed, and those to be parked."""

    changed: dict[Key, Any]
    parked: list[Parked]


def touched(projection: Projection[Any], batch: Iterable[Recorded], partition: int, partitions: int) -> Touched:
    """Each document of the partition with each event that touches it, in the order of the log."""
    keys, only = projection.keys, projection.only
    if only:
        batch = [one for one in batch if type(one.event) in only]
    if partitions == 1:
        return [(key, one) for one in batch for key in keys(one)]
    return [(key, one) for one in batch for key in keys(one) if partition_of(key, partitions) == partition]


def partition_of(key: Key, partitions: int) -> int:
    """Which partition folds a document."""
    return (key if isinstance(key, int) else key.int) % partitions


def fold(
    projection: Projection[Any],
    touched: Touched,
    before: Mapping[Key, Any],
    closed: Collection[str] = (),
    skips: Skips = (),
) -> Folded:
    """Fold what can be folded; `closed` are the documents that are parked already."""
    after: dict[Key, Any] = dict(before)
    stopped: dict[Key, Parked] = {}
    for key, recorded in touched:
        if (stopped and key in stopped) or (closed and str(key) in closed):
            continue
        found = step(projection, key, after.get(key), recorded, skips)
        if type(found) is Parked:
            stopped[key] = found
        else:
            after[key] = found
    return Folded({key: row for key, row in after.items() if row != before.get(key)}, list(stopped.values()))


def step(projection: Projection[Any], key: Key, document: Any, recorded: Recorded, skips: Skips = ()) -> Any:
    """The document after one more event, or Parked where that cannot be folded."""
    if skips and (str(key), recorded.position) in skips:
        return document
    if type(recorded.event) is Unknown and not projection.takes_unknown:
        is_ours = document is not None or projection.keys is by_position
        return parked.because(key, recorded) if is_ours else None
    try:
        return projection.fold(key, document, recorded)
    except Exception as error:  # noqa: BLE001 - whatever a fold raises, it is about this document alone
        return parked.because(key, recorded, error)


def scopes(projection: Projection[Any], before: Mapping[Key, Any], after: Mapping[Key, Any]) -> Iterator[UUID]:
    """What the documents that changed are shown under, before and after."""
    for key, row in after.items():
        old = before.get(key)
        was = projection.scopes(old) if old is not None else ()
        now = projection.scopes(row) if row is not None else ()
        yield from now
        if was != now:  # mostly they are the same, where they are tuples
            yield from was
