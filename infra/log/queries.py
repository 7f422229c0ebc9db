"""Queries of the log in commit order, for projectors, exports and status reports.

An event type that this code does not know is read as Unknown, so reading never fails.
"""

from collections.abc import Collection, Iterator, Sequence
from itertools import accumulate, chain
from operator import attrgetter
from uuid import UUID

from msgspec import Struct
from psycopg import Connection
from psycopg.rows import TupleRow

from domain.event import Event, RecordedEvent
from infra.log.rows import COLUMN_TYPES, MAX_VERSION, SELECT_EVENTS, SELECT_STREAM, decode_row, decode_row_or_unknown
from projections.engine.pipeline import Pipeline

_SELECT_AFTER = f"{SELECT_EVENTS} where notification_id > $1 order by notification_id limit $2".encode()
_SELECT_EVENTS = f"""{SELECT_EVENTS} where notification_id > %(after)s
    and (%(workspace)s::uuid is null or workspace_id = %(workspace)s)
    and (%(types)s::text[] is null or topic = any(%(types)s)) order by notification_id"""
_SELECT_AT = f"{SELECT_EVENTS} where notification_id = any(%s) order by notification_id"
_SELECT_TOUCHING = f"""{SELECT_EVENTS} join log.touches using (notification_id)
    where document = %s order by notification_id"""
SELECT_EVENTS_OF_TYPES = f"""{SELECT_EVENTS} where originator_id = any(%s) and topic = any(%s)
    order by originator_id, originator_version"""
MAX_BATCH_BYTES = 512 * 1024
"""A batch is folded in one transaction, which PostgreSQL ends after seconds; a text of 200 kB may take a quarter."""
SELECT_HEAD = "select coalesce(max(notification_id), 0) from log.events"


class EventSelection(Struct, frozen=True):
    """A filter on the log: after a position, of one workspace, of some types. Without arguments, the whole log."""

    after_position: int = 0
    workspace_id: UUID | None = None
    event_types: Collection[str] | None = None


def load_after(connection: Connection[TupleRow] | Pipeline, position: int, limit: int) -> list[RecordedEvent]:
    """The next events of the log after a position, `limit` at most, and not many more than `MAX_BATCH_BYTES`.

    With a pipeline, they are read together with what waits there.
    """
    pipeline = connection if isinstance(connection, Pipeline) else Pipeline(connection)
    rows = pipeline.send(_SELECT_AFTER, position, limit)
    pipeline.sync()
    return [decode_row_or_unknown(row) for row in rows[: _count_within(rows, MAX_BATCH_BYTES)]]


def _count_within(rows: Sequence[TupleRow], max_bytes: int) -> int:
    """How many of the first rows have so many bytes of state, the one that exceeds them included."""
    sizes = accumulate(len(state) for _, _, _, _, state, *_ in rows)
    return next((count for count, size in enumerate(sizes, 1) if size > max_bytes), len(rows))


def load_stream(
    connection: Connection[TupleRow], stream_id: UUID, first_version: int = 1, last_version: int = MAX_VERSION
) -> list[RecordedEvent]:
    """The events of one stream from one version to another, both included."""
    with connection.cursor(binary=True) as cursor:
        return [
            decode_row_or_unknown(row)
            for row in cursor.execute(SELECT_STREAM, (stream_id, first_version, last_version), prepare=True)
        ]


def load_at(connection: Connection[TupleRow], positions: Collection[int]) -> list[RecordedEvent]:
    """The events at these positions, oldest first."""
    with connection.cursor(binary=True) as cursor:
        return [decode_row_or_unknown(row) for row in cursor.execute(_SELECT_AT, (list(positions),))]


def load_touching(connection: Connection[TupleRow], document: UUID) -> list[RecordedEvent]:
    """The events of other streams that touch the document of this one, in commit order."""
    with connection.cursor(binary=True) as cursor:
        return [decode_row_or_unknown(row) for row in cursor.execute(_SELECT_TOUCHING, (document,), prepare=True)]


def in_commit_order(*histories: Sequence[RecordedEvent]) -> list[RecordedEvent]:
    """The events of several histories, oldest first."""
    return sorted(chain.from_iterable(histories), key=attrgetter("position"))


def load_events_of_types(
    connection: Connection[TupleRow], stream_ids: Collection[UUID], event_types: Collection[type[Event]]
) -> list[RecordedEvent]:
    """The events of these types in these streams, in order within each. Raises UnknownEvent."""
    parameters = (list(stream_ids), [kind.__name__ for kind in event_types])
    with connection.cursor(binary=True) as cursor:
        return [decode_row(row) for row in cursor.execute(SELECT_EVENTS_OF_TYPES, parameters)]


def iter_events(connection: Connection[TupleRow], selection: EventSelection) -> Iterator[RecordedEvent]:
    """The selected events in commit order, streamed by COPY: memory stays constant however many there are."""
    types = list(selection.event_types) if selection.event_types is not None else None
    parameters = {"after": selection.after_position, "workspace": selection.workspace_id, "types": types}
    with (
        connection.cursor() as cursor,
        cursor.copy(f"copy ({_SELECT_EVENTS}) to stdout (format binary)", parameters) as rows,
    ):
        rows.set_types(COLUMN_TYPES)
        yield from map(decode_row_or_unknown, rows.rows())


def has_type(connection: Connection[TupleRow], name: str) -> bool:
    """Whether any event of the log has this type; reads all of it if none has."""
    row = connection.execute("select exists (select from log.events where topic = %s)", (name,)).fetchone()
    return bool(row and row[0])


def head(connection: Connection[TupleRow]) -> int:
    """The last position of the log; 0 if it is empty."""
    row = connection.execute(SELECT_HEAD).fetchone()
    return row[0] if row else 0


def count_after(connection: Connection[TupleRow], position: int) -> int:
    """How many events come after a position."""
    row = connection.execute("select count(*) from log.events where notification_id > %s", (position,)).fetchone()
    return row[0] if row else 0


def count_last_second(connection: Connection[TupleRow], max_count: int) -> int:
    """How many events were recorded in the last second; counts `max_count` at most."""
    sql = """select count(*) from (select recorded_at from log.events order by notification_id desc limit %s) as last
             where recorded_at between clock_timestamp() - interval '1 s' and clock_timestamp()"""
    row = connection.execute(sql, (max_count,)).fetchone()
    return row[0] if row else 0


def position_before_last(connection: Connection[TupleRow], count: int) -> int:
    """The position that the last `count` events come after."""
    sql = """select coalesce(min(notification_id) - 1, (select coalesce(max(notification_id), 0) from log.events))
             from (select notification_id from log.events order by notification_id desc limit %s) as last"""
    row = connection.execute(sql, (count,)).fetchone()
    return row[0] if row else 0
