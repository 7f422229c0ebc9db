"""Slices of the log: how it is cut for several processes to read at once, each event by one of them."""

from collections.abc import Iterator
from itertools import pairwise
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from domain.event import Recorded
from infra.log.rows import COLUMNS, TYPES, seen

SAMPLE = 20_000
"""So many events tell well enough where streams lie."""
_LAST = UUID(int=2**128 - 1)
_STREAMS = f"""{COLUMNS} where originator_id > %(low)s and originator_id <= %(high)s and notification_id <= %(head)s
    order by originator_id, originator_version"""
_POSITIONS = f"{COLUMNS} where notification_id > %(low)s and notification_id <= %(high)s order by notification_id"
_COUNT = "select count(*) from log.events where notification_id <= %s"


def count(connection: Connection[TupleRow], head: int) -> int:
    """How many events there are up to a position."""
    row = connection.execute(_COUNT, (head,)).fetchone()
    return row[0] if row else 0


def by_stream(connection: Connection[TupleRow], events: int, parts: int) -> list[tuple[UUID, UUID]]:
    """About equal parts of a log of so many events: after one stream, up to and with another."""
    sql = "select originator_id from log.events tablesample system (%s) repeatable (1) order by originator_id"
    share = min(100.0, 100.0 * SAMPLE / max(1, events))
    sample = [stream for (stream,) in connection.execute(sql, (share,))]
    inner = {sample[len(sample) * part // parts] for part in range(1, parts)} if sample else set()
    return list(pairwise([UUID(int=0), *sorted(inner - {_LAST}), _LAST]))


def by_position(head: int, parts: int) -> list[tuple[int, int]]:
    """About equal parts: after one position, up to and with another."""
    return list(pairwise(sorted({head * part // parts for part in range(parts + 1)}))) or [(0, head)]


def streams(connection: Connection[TupleRow], low: UUID, high: UUID, head: int) -> Iterator[Recorded]:
    """The events of a part up to a position, stream by stream, in memory that stays small."""
    yield from _copied(connection, _STREAMS, {"low": low, "high": high, "head": head})


def positions(connection: Connection[TupleRow], low: int, high: int) -> Iterator[Recorded]:
    """The events of a part in the order of the log, in memory that stays small."""
    yield from _copied(connection, _POSITIONS, {"low": low, "high": high})


def _copied(connection: Connection[TupleRow], sql: str, parameters: dict[str, object]) -> Iterator[Recorded]:
    with connection.cursor() as cursor, cursor.copy(f"copy ({sql}) to stdout (format binary)", parameters) as rows:
        rows.set_types(TYPES)
        yield from map(seen, rows.rows())
