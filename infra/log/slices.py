"""Slices of the log: disjoint parts that several processes read at the same time."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from uuid import UUID

from psycopg import Connection, capabilities
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier

from domain.event import RecordedEvent
from infra.log.rows import SELECT_EVENTS, decode_row_or_unknown

SAMPLE_EVENTS = 20_000
"""The sample size that is enough to split the streams into about equal slices."""
_CHUNK_ROWS = 100 if capabilities.has_stream_chunked() else 1
"""The rows that the client library returns at once; before version 17 it returns each alone. More are not faster."""
_MAX_UUID = UUID(int=2**128 - 1)
_SELECT_NEEDED = f"{SELECT_EVENTS} where topic <> all(%(skipped)s::text[])"
_SELECT_BY_STREAM = f"""{_SELECT_NEEDED}
    and originator_id > %(low)s and originator_id <= %(high)s and notification_id <= %(head)s
    order by originator_id, originator_version"""
_SELECT_BY_POSITION = (
    f"{_SELECT_NEEDED} and notification_id > %(low)s and notification_id <= %(high)s order by notification_id"
)
_SELECT_BY_WORKSPACE = f"""{_SELECT_NEEDED}
    and workspace_id > %(low)s and workspace_id <= %(high)s and notification_id <= %(head)s order by notification_id"""
_SELECT_WITHOUT_WORKSPACE = (
    f"{_SELECT_NEEDED} and workspace_id is null and notification_id <= %(head)s order by notification_id"
)
_SELECT_SAMPLE = """select {column} from log.events tablesample system (%s) repeatable (1)
    where {column} is not null order by 1"""
_COUNT_EVENTS = "select count(*) from log.events where notification_id <= %s"


def count_events(connection: Connection[TupleRow], head: int) -> int:
    """The number of events up to and including a position."""
    row = connection.execute(_COUNT_EVENTS, (head,)).fetchone()
    return row[0] if row else 0


def split_by_stream(connection: Connection[TupleRow], events: int, parts: int) -> list[tuple[UUID, UUID]]:
    """About equal slices of a log with `events` events: (exclusive first, inclusive last) stream id of each."""
    return _split_by_id(connection, "originator_id", events, parts)


def split_by_workspace(
    connection: Connection[TupleRow], events: int, parts: int
) -> list[tuple[UUID, UUID] | tuple[None, None]]:
    """About equal slices of whole workspaces, and one (of None) of the events without a workspace."""
    return [*_split_by_id(connection, "workspace_id", events, parts), (None, None)]


def split_by_position(head: int, parts: int) -> list[tuple[int, int]]:
    """About equal slices: (exclusive first, inclusive last) position of each."""
    return list(pairwise(sorted({head * part // parts for part in range(parts + 1)}))) or [(0, head)]


def iter_by_stream(
    connection: Connection[TupleRow], low: UUID, high: UUID, head: int, skipped: Sequence[str] = ()
) -> Iterator[RecordedEvent]:
    """The events of a slice up to position `head`, stream by stream, in constant memory, without the skipped types."""
    yield from _stream_events(connection, _SELECT_BY_STREAM, low=low, high=high, head=head, skipped=list(skipped))


def iter_by_workspace(
    connection: Connection[TupleRow], low: UUID | None, high: UUID | None, head: int, skipped: Sequence[str] = ()
) -> Iterator[RecordedEvent]:
    """The same of a slice of workspaces, in commit order; None: of no workspace."""
    sql = _SELECT_WITHOUT_WORKSPACE if low is None else _SELECT_BY_WORKSPACE
    yield from _stream_events(connection, sql, low=low, high=high, head=head, skipped=list(skipped))


def iter_by_position(
    connection: Connection[TupleRow], low: int, high: int, skipped: Sequence[str] = ()
) -> Iterator[RecordedEvent]:
    """The events of a slice in commit order, in constant memory, without the skipped types."""
    yield from _stream_events(connection, _SELECT_BY_POSITION, low=low, high=high, skipped=list(skipped))


def _split_by_id(connection: Connection[TupleRow], column: str, events: int, parts: int) -> list[tuple[UUID, UUID]]:
    """About equal slices by the ids in a column, as a sample has them."""
    share = min(100.0, 100.0 * SAMPLE_EVENTS / max(1, events))
    sample = [id_ for (id_,) in connection.execute(SQL(_SELECT_SAMPLE).format(column=Identifier(column)), (share,))]
    inner = {sample[len(sample) * part // parts] for part in range(1, parts)} if sample else set()
    return list(pairwise([UUID(int=0), *sorted(inner - {_MAX_UUID}), _MAX_UUID]))


def _stream_events(connection: Connection[TupleRow], sql: str, **parameters: object) -> Iterator[RecordedEvent]:
    """The events of a query, in chunks: half as much work for each row as by COPY."""
    with connection.cursor(binary=True) as cursor:
        yield from map(decode_row_or_unknown, cursor.stream(sql, parameters, size=_CHUNK_ROWS))
