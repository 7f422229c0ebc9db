"""The event log: the one class that owns the log's SQL."""

from collections.abc import Collection, Iterator, Sequence
from operator import itemgetter
from typing import Any, TypeVar
from uuid import UUID

import psycopg
from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg import Connection, conninfo
from psycopg.rows import TupleRow

from commands.handling import Streams
from commands.lane import Accepted, Append, Changed, Key, Replayed
from domain import codec
from domain.errors import UnknownEvent
from domain.event import Actor, Event, Recorded, State, fold
from infra.logs import logger
from infra.postgres import Pool

S = TypeVar("S", bound=State)

_APPEND = """select entry, head, stale, first_fingerprint, first_outcome, first_workspace
    from log.append(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"""
_INSERT = "select positions from log.append('{}', '{}', '{}', %s, %s, %s, %s, %s)"
_COLUMNS = """select notification_id, originator_id, originator_version, topic, state,
    actor_id, actor_kind, on_behalf_of, command_id, workspace_id, at, recorded_at from log.events"""
_STREAMS = f"""{_COLUMNS} where originator_id = any(%s)
    union all select last.* from unnest(%s::uuid[]) as wanted cross join lateral (
      {_COLUMNS} where originator_id = wanted order by originator_version desc limit 1
    ) as last order by originator_id, originator_version"""  # noqa: S608 - our own text
_AFTER = f"{_COLUMNS} where notification_id > %s order by notification_id limit %s"
_HEAD = "select coalesce(max(notification_id), 0) from log.events"


class EventLog(PostgresApplicationRecorder):
    """The log for deciding (asynchronous, on a pool) and as a recorder of the `eventsourcing` library."""

    def __init__(self, url: str, pool: Pool) -> None:
        """`pool` serves `streams`, `append` and `head`; the recorder's methods connect to `url` when called."""
        super().__init__(_Datastore(url), events_table_name="events")
        self._pool = pool

    async def streams(self, ids: Collection[UUID], last: Collection[UUID] = ()) -> Streams:
        """All events of these streams, in order, and of those in `last` the last one; none where it has not begun."""
        found: dict[UUID, list[Recorded]] = {stream: [] for stream in (*ids, *last)}
        async with self._pool.connection() as connection:
            cursor = await connection.execute(_STREAMS, (list(ids), list(last)), prepare=True)
            for row in await cursor.fetchall():
                found[row[1]].append(_recorded(row))
        return found

    async def state(self, kind: type[S], stream: UUID) -> S | None:
        """What the events of one stream add up to; None where nothing of that kind began."""
        return fold(kind, (recorded.event for recorded in (await self.streams([stream]))[stream]))

    async def append(self, appends: Sequence[Append]) -> Sequence[Accepted | Exception]:
        """Judge them in order, each on what those before it leave, and write those that hold: one transaction.

        An answer that gets lost is asked for again. A group that the database refuses is written one by one,
        so that a bad member fails alone.
        """
        try:
            return await self._written(appends)
        except psycopg.OperationalError as lost:
            logger.warning("an append is sent again: {}", lost)
            return await self._written(appends)
        except psycopg.DatabaseError as refused:
            if len(appends) == 1:
                return [refused]
            return [one for append in appends for one in await self.append([append])]

    async def _written(self, appends: Sequence[Append]) -> list[Accepted | Exception]:
        async with self._pool.connection() as connection:
            cursor = await connection.execute(_APPEND, _parameters(appends), prepare=True)
            rows = sorted(await cursor.fetchall(), key=itemgetter(0))
        return [_answer(append, row) for append, row in zip(appends, rows, strict=True)]

    async def head(self) -> int:
        """The last position of the log; 0 where it is empty."""
        async with self._pool.connection() as connection:
            row = await (await connection.execute(_HEAD, prepare=True)).fetchone()
        return row[0] if row else 0

    def insert_events(self, stored_events: Sequence[StoredEvent], **_: Any) -> Sequence[int]:
        """Write another program's events, versions as they say; raises IntegrityError where one is taken."""
        columns = (
            [1] * len(stored_events),
            [event.originator_id for event in stored_events],
            [event.originator_version for event in stored_events],
            [event.topic for event in stored_events],
            [event.state for event in stored_events],
        )
        with self.datastore.get_connection() as connection:
            row = connection.execute(_INSERT, columns, prepare=True).fetchone()
            connection.execute("notify events")  # after the commit: inside it would serialise all writers
        return row["positions"] if row else []

    def create_table(self) -> None:
        """Do nothing: the migrations make the table."""


def after(connection: Connection[TupleRow], position: int, limit: int) -> list[Recorded]:
    """The next events of the log after a position, `limit` at most, in the order of commits."""
    return [_recorded(row) for row in connection.execute(_AFTER, (position, limit), prepare=True)]


def head(connection: Connection[TupleRow]) -> int:
    """The last position of the log; 0 where it is empty."""
    row = connection.execute(_HEAD).fetchone()
    return row[0] if row else 0


def behind(connection: Connection[TupleRow], position: int) -> int:
    """How many events come after a position."""
    row = connection.execute("select count(*) from log.events where notification_id > %s", (position,)).fetchone()
    return row[0] if row else 0


def before(connection: Connection[TupleRow], count: int) -> int:
    """The position after which the last `count` events stand."""
    sql = """select coalesce(min(notification_id) - 1, (select coalesce(max(notification_id), 0) from log.events))
             from (select notification_id from log.events order by notification_id desc limit %s) as last"""
    row = connection.execute(sql, (count,)).fetchone()
    return row[0] if row else 0


class _Datastore(PostgresDatastore):
    def __init__(self, url: str) -> None:
        parts = conninfo.conninfo_to_dict(url)
        super().__init__(
            dbname=str(parts.get("dbname", "")),
            host=str(parts.get("host", "")),
            port=str(parts.get("port", "5432")),
            user=str(parts.get("user", "")),
            password=str(parts.get("password", "")),
            schema="log",
            pool_size=0,
            max_overflow=4,
            pre_ping=True,
        )

    def register_type_adapters(self) -> None:
        """Do nothing: ours takes arrays, no composite types, so making a recorder connects nowhere."""


def _parameters(appends: Sequence[Append]) -> tuple[object, ...]:
    seen = [(entry, *look) for entry, append in enumerate(appends, 1) for look in append.seen.items()]
    events = [(entry, *event) for entry, append in enumerate(appends, 1) for event in _numbered(append)]
    entries, streams, versions = _columns(seen, 3)
    event_entries, originators, numbers, written = _columns(events, 4)
    return (
        entries,
        streams,
        versions,
        event_entries,
        originators,
        numbers,
        [codec.tag(event) for event in written],
        [codec.encode(event) for event in written],
        [append.command_id for append in appends],
        [append.actor.id for append in appends],
        [append.actor.kind for append in appends],
        [append.actor.on_behalf_of for append in appends],
        [append.workspace_id for append in appends],
        [append.key and append.key.text for append in appends],
        [append.key and append.key.fingerprint for append in appends],
        [append.outcome for append in appends],
    )


def _answer(append: Append, row: tuple[Any, ...]) -> Accepted | Exception:
    _, head, stale, fingerprint, outcome, workspace_id = row
    if stale is not None:
        return Changed(stale)
    if append.key and fingerprint is not None:
        return Replayed(Key(append.key.text, fingerprint), outcome, head, workspace_id)
    return Accepted(head)


def _numbered(append: Append) -> Iterator[tuple[UUID, int, Event]]:
    versions = dict(append.seen)
    for stream, event in append.events:
        versions[stream] += 1
        yield stream, versions[stream], event


def _columns(rows: Sequence[tuple[Any, ...]], width: int) -> Sequence[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[]] * width


def _recorded(row: tuple[Any, ...]) -> Recorded:
    (
        position,
        stream,
        version,
        topic,
        state,
        actor_id,
        kind,
        on_behalf_of,
        command_id,
        workspace_id,
        at,
        recorded_at,
    ) = row
    try:
        event = codec.decode(topic, state)
    except UnknownEvent as error:
        raise UnknownEvent(topic, stream) from error
    actor = Actor(actor_id, kind, on_behalf_of)
    return Recorded(position, stream, version, event, actor, command_id, workspace_id, at, recorded_at)
