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
from projections.engine.builds import Build, Database
from projections.engine.differences import Difference
from projections.engine.folding import Skips
from projections.engine.full_fold import key_of
from projections.engine.parked import Parked
from projections.projection import Key, Projection, by_position, by_stream


class Cause(Struct, frozen=True):
    """A difference, with the events that last set what differs: their positions and names."""

    document: str
    fields: dict[str, tuple[Any, Any]]
    events: list[tuple[int, str]]


def skips(connection: Database, projection: Projection[Any]) -> Skips:
    """The events that operators decided to leave out of documents of a projection."""
    state = fold(Skipping, (one.event for one in log.stream(connection, skips_of(projection.name))))
    return frozenset(state.skips) if state else frozenset()


def retry(connection: Database, build: Build, found: Parked) -> Parked | None:
    """Fold a parked document again from its first event, so that order is the log's; answers why it stays parked.

    The log is read before the build is held, and only what came meanwhile after that.
    """
    key, projection = key_of(found.document), build.projection
    left_out, head = skips(connection, projection), log.head(connection)
    read = [one for one in history(connection, projection, key, found.workspace_id) if one.position <= head]
    with connection.transaction():
        build = builds.freeze(connection, build)
        until = builds.position(connection, build, folding.partition_of(key, build.partitions))
        since = [one for one in slices.positions(connection, head, until) if key in projection.keys(one)]
        events = [one for one in (*read, *since) if one.position <= until]
        still = refolded(connection, build, key, events, left_out)
        parked.unpark(connection, build, [key])
        parked.park(connection, build, [still] if still else [])
        generations.age(connection, {build: {builds.WHOLE}})  # whoever looks sees that, told or not
    return still


def refolded(
    connection: Database, build: Build, key: Key, events: Sequence[Recorded], left_out: Skips
) -> Parked | None:
    """Write a document as all its events make it, or as far as that goes; answers where it had to end."""
    document, still = _folded(build.projection, key, events, left_out)
    if writing.refusal(connection, build, key, document):
        table.put(connection, build, key, None)
        return writing.furthest(connection, build, key, None, events, left_out)[1]
    return still


def _folded(
    projection: Projection[Any], key: Key, events: Iterable[Recorded], left_out: Skips
) -> tuple[Any, Parked | None]:
    document: Any = None
    for one in events:
        after = folding.step(projection, key, document, one, left_out)
        if isinstance(after, Parked):
            return document, after
        document = after
    return document, None


def cause(connection: Database, projection: Projection[Any], difference: Difference) -> Cause:
    """Which events made the fields what they should be; the last one where there should be nothing."""
    key, fields = key_of(difference.document), difference.fields()
    row = difference.fresh or difference.live or {}
    workspace = msgspec.convert(row.get("workspace_id"), UUID | None)
    left_out, document, last = skips(connection, projection), None, None
    setters: dict[str, tuple[int, str]] = {}
    for one in history(connection, projection, key, workspace):
        after = folding.step(projection, key, document, one, left_out)
        if isinstance(after, Parked):
            break
        last = (one.position, codec.tag(one.event))
        setters |= {name: last for name in fields if getattr(document, name, None) != getattr(after, name, None)}
        document = after
    events = set(setters.values()) if document is not None else {last} - {None}
    return Cause(difference.document, fields, sorted(event for event in events if event))


def history(connection: Database, projection: Projection[Any], key: Key, workspace: UUID | None) -> Iterable[Recorded]:
    """The events that touch a document, oldest first. Ask the connection nothing else before the last of them."""
    if projection.keys is by_stream and isinstance(key, UUID):
        return log.stream(connection, key)
    if projection.keys is by_position and isinstance(key, int):
        return log.after(connection, key - 1, 1)
    return _touching(connection, projection, key, workspace)


def _touching(
    connection: Database, projection: Projection[Any], key: Key, workspace: UUID | None
) -> Iterator[Recorded]:
    for one in log.copied(connection, log.Chosen(workspace=workspace)):
        if key in projection.keys(one):
            yield one
