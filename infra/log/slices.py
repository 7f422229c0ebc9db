"""Slices of the log: disjoint parts that several processes read at the same time."""

from collections.abc import Iterator
from itertools import pairwise
from uuid import UUID

from psycopg import Connection, capabilities
from psycopg.rows import TupleRow

from domain.event import RecordedEvent
from infra.log.rows import SELECT_EVENTS, decode_row_or_unknown

SAMPLE_EVENTS = 20_000
"""The sample size that is enough to split the streams into about equal slices."""
_CHUNK_ROWS = 1_000 if capabilities.has_stream_chunked() else 1
"""The rows that the client library returns at once; before version 17 it returns each alone."""
_MAX_UUID = UUID(int=2**128 - 1)
_SELECT_BY_STREAM = f"""{SELECT_EVENTS}
    where originator_id > %(low)s and originator_id <= %(high)s and notification_id <= %(head)s
    order by originator_id, originator_version"""
_SELECT_BY_POSITION = (
    f"{SELECT_EVENTS} where notification_id > %(low)s and notification_id <= %(high)s order by notification_id"
)
_COUNT_EVENTS = "select count(*) from log.events where notification_id <= %s"


def count_events(connection: Connection[TupleRow], head: int) -> int:
    """The number of events up to and including a position."""
    row = connection.execute(_COUNT_EVENTS, (head,)).fetchone()
    return row[0] if row else 0


def split_by_stream(connection: Connection[TupleRow], events: int, parts: int) -> list[tuple[UUID, UUID]]:
    """About equal slices of a log with `events` events: (exclusive first, inclusive last) stream id of each."""
    sql = "select originator_id from log.events tablesample system (%s) repeatable (1) order by originator_id"
    share = min(100.0, 100.0 * SAMPLE_EVENTS / max(1, events))
    sample = [stream for (stream,) in connection.execute(sql, (share,))]
    inner = {sample[len(sample) * part // parts] for part in range(1, parts)} if sample else set()
    return list(pairwise([UUID(int=0), *sorted(inner - {_MAX_UUID}), _MAX_UUID]))


def split_by_position(head: int, parts: int) -> list[tuple[int, int]]:
    """About equal slices: (exclusive first, inclusive last) position of each."""
    return list(pairwise(sorted({head * part // parts for part in range(parts + 1)}))) or [(0, head)]


def iter_by_stream(connection: Connection[TupleRow], low: UUID, high: UUID, head: int) -> Iterator[RecordedEvent]:
    """The events of a slice up to position `head`, stream by stream, in constant memory."""
    yield from _stream_events(connection, _SELECT_BY_STREAM, {"low": low, "high": high, "head": head})


def iter_by_position(connection: Connection[TupleRow], low: int, high: int) -> Iterator[RecordedEvent]:
    """The events of a slice in commit order, in constant memory."""
    yield from _stream_events(connection, _SELECT_BY_POSITION, {"low": low, "high": high})


def _stream_events(
    connection: Connection[TupleRow], sql: str, parameters: dict[str, object]
) -> Iterator[RecordedEvent]:
    """The events of a query, in chunks: half as much work for each row as by COPY."""
    with connection.cursor(binary=True) as cursor:
        yield from map(decode_row_or_unknown, cursor.stream(sql, parameters, size=_CHUNK_ROWS))
