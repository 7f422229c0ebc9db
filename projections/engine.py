"""The engine: reads the log after the checkpoint, folds, and writes rows and checkpoint in one transaction."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from uuid import UUID

from msgspec import Struct
from psycopg import Connection
from psycopg.rows import TupleRow

from domain.event import Recorded, Unknown
from projections import table
from projections.projection import Projection

R = TypeVar("R", bound=Struct)
Read = Callable[[Connection[TupleRow], int, int], Sequence[Recorded]]
"""The next events of the log after a position, so many at most."""

BATCH = 1_000


class Progress(Struct, frozen=True):
    """What one batch did: how far the projection has read, and the new generation of each scope it changed."""

    projection: str
    position: int
    generations: dict[UUID, int]
    events: int


def prepare(connection: Connection[TupleRow], projection: Projection[Any]) -> None:
    """Create the projection's table and checkpoint where they are not there yet.

    A table of another version is dropped: the worker folds it afresh, from the first event.
    """
    with connection.transaction():
        if connection.execute(table.OUTDATED, (projection.name, projection.version)).rowcount:
            connection.execute(table.drop(projection))
            connection.execute(table.AGE_ALL, (projection.name,))
            connection.execute(table.UNPARK, (projection.name,))
        connection.execute(projection.table)
        connection.execute(table.START, (projection.name, projection.version))


def advance(connection: Connection[TupleRow], projection: Projection[R], read: Read) -> Progress | None:
    """Fold the next batch; None where there is none, or where somebody else is at it, who will look again."""
    while batch := read(connection, start := checkpoint(connection, projection.name), BATCH):
        with connection.transaction():
            taken = _take(connection, projection.name, start, batch[-1].position)
            if taken is not None:
                generations = _fold(connection, projection, batch, _parked(connection, projection) if taken else set())
                return Progress(projection.name, batch[-1].position, generations, len(batch))
        if checkpoint(connection, projection.name) == start:
            return None
    return None


def rebuild(connection: Connection[TupleRow], projection: Projection[R], read: Read) -> Progress:
    """Fold the whole log afresh in one transaction: readers see the old table until it commits."""
    count = position = 0
    with connection.transaction():
        connection.execute(table.LOCK, (projection.name,))
        connection.execute(table.empty(projection))
        connection.execute(table.UNPARK, (projection.name,))
        parked: set[UUID] = set()
        while batch := read(connection, position, BATCH):
            _fold(connection, projection, batch, parked)
            position, count = batch[-1].position, count + len(batch)
        connection.execute(table.MOVE, {"projection": projection.name, "position": position})
        connection.execute(table.AGE_ALL, (projection.name,))
    return Progress(projection.name, position, {}, count)


def checkpoint(connection: Connection[TupleRow], projection: str) -> int:
    """The position up to which the projection has read."""
    row = connection.execute(table.CHECKPOINT, (projection,), prepare=True).fetchone()
    return row[0] if row else 0


def parked(connection: Connection[TupleRow], projection: str) -> int:
    """How many documents the projection shows no further, because of an event that it does not know."""
    return len(connection.execute(table.PARKED, (projection,)).fetchall())


def _take(connection: Connection[TupleRow], projection: str, start: int, end: int) -> bool | None:
    """Move the checkpoint if it is where we read it: the first statement, so that a late worker writes nothing.

    A checkpoint that another transaction holds, a rebuild perhaps, is not waited for. Answers whether any
    document is parked, None where the checkpoint was not taken.
    """
    taken = connection.execute(table.TAKE, (end, projection, start), prepare=True).fetchone()
    return bool(taken[0]) if taken else None


def _parked(connection: Connection[TupleRow], projection: Projection[Any]) -> set[UUID]:
    return {document for (document,) in connection.execute(table.PARKED, (projection.name,))}


def _fold(
    connection: Connection[TupleRow], projection: Projection[R], batch: Sequence[Recorded], parked: set[UUID]
) -> dict[UUID, int]:
    """Fold what is known; a document with an event that is not is parked there: what it shows stays as it was."""
    touched = [(key, recorded) for recorded in batch for key in projection.keys(recorded)]
    before = table.load(connection, projection, {key for key, _ in touched} - parked)
    after: dict[UUID, R | None] = dict(before)
    unknown: list[tuple[UUID, int, str]] = []
    for key, recorded in touched:
        if key in parked:
            continue
        if not isinstance(recorded.event, Unknown):
            after[key] = projection.fold(key, after.get(key), recorded)
        elif after.get(key) is not None:
            unknown.append((key, recorded.position, f"unknown event {recorded.event.stored_name!r}"))
            parked.add(key)
    if unknown:
        connection.execute(table.PARK, (projection.name, *map(list, zip(*unknown, strict=True))))
    changed = {key: row for key, row in after.items() if row != before.get(key)}
    table.save(connection, projection, changed)
    scopes = {
        scope for key in changed for row in (before.get(key), after[key]) if row for scope in projection.scopes(row)
    }
    return table.age(connection, projection.name, scopes)
