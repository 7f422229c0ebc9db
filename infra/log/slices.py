"""Slices of the log: disjoint parts that several processes read at the same time."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from operator import attrgetter
from uuid import UUID

from psycopg import Connection, capabilities
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier

from domain.event import RecordedEvent
from infra.log.queries import in_commit_order
from infra.log.rows import EVENT_COLUMNS, SELECT_EVENTS, decode_row_or_unknown

SAMPLE_EVENTS = 20_000
"""The sample size that is enough to split the streams into about equal slices."""
_CHUNK_ROWS = 100 if capabilities.has_stream_chunked() else 1
"""The rows that the client library returns at once; before version 17 it returns each alone. More are not faster."""
_MAX_UUID = UUID(int=2**128 - 1)
_SELECT_NEEDED = f"{SELECT_EVENTS} where topic <> all(%(skipped)s::text[])"
_SELECT_BY_STREAM = f"""{_SELECT_NEEDED}
    and originator_id > %(low)s and originator_id <= %(high)s and notification_id <= %(head)s
    order by originator_id, originator_version"""
_SELECT_TOUCHING = f"""select {EVENT_COLUMNS}, document from log.events join log.touches using (notification_id)
    where topic <> all(%(skipped)s::text[])
    and document > %(low)s and document <= %(high)s and notification_id <= %(head)s order by notification_id"""  # noqa: S608
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


def iter_streams(
    connection: Connection[TupleRow], low: UUID, high: UUID, head: int, skipped: Sequence[str] = ()
) -> Iterator[tuple[UUID, list[RecordedEvent]]]:
    """Each stream of a slice with its events up to position `head`, without the skipped types."""
    events = _stream_events(connection, _SELECT_BY_STREAM, low=low, high=high, head=head, skipped=list(skipped))
    for stream, own in groupby(events, attrgetter("stream")):
        yield stream, list(own)


def iter_touched_streams(
    connection: Connection[TupleRow], low: UUID, high: UUID, head: int, skipped: Sequence[str] = ()
) -> Iterator[tuple[UUID, list[RecordedEvent]]]:
    """The same, each stream also with the events of others that touch it, in commit order."""
    touching = defaultdict[UUID, list[RecordedEvent]](list)
    with connection.cursor(binary=True) as cursor:
        slice_ = {"low": low, "high": high, "head": head, "skipped": list(skipped)}
        for *row, stream in cursor.execute(_SELECT_TOUCHING, slice_):
            touching[stream].append(decode_row_or_unknown(tuple(row)))
    for stream, own in iter_streams(connection, low, high, head, skipped):
        yield stream, in_commit_order(own, touching.pop(stream)) if stream in touching else own


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
