"""The event log for deciding, and as a recorder of the `eventsourcing` library."""

from collections.abc import Collection, Sequence
from typing import Any, TypeVar, cast
from uuid import UUID

import psycopg
from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg import conninfo
from psycopg_pool import PoolTimeout

from commands.handling.append import Accepted, Append, Changed
from commands.handling.handler import Streams
from commands.handling.loader import Wanted
from commands.handling.stream_cache import Known
from domain.event import Event, Recorded, State
from infra.database.pool import Pool
from infra.log import snapshots
from infra.log.appending import APPEND, INSERT, Group
from infra.log.notify import News
from infra.log.reading import HEAD
from infra.log.rows import COLUMNS, NO_END, STREAM, recorded, seen
from infra.logs import logger

S = TypeVar("S", bound=State)

_STREAMS = f"{COLUMNS} where originator_id = any(%s) order by originator_id, originator_version"
_CHOSEN = f"""{COLUMNS} where originator_id = any(%s) and topic = any(%s)
    order by originator_id, originator_version"""
_LAST = f"""{COLUMNS} where originator_id = %s and originator_version < %s
    order by originator_version desc limit %s"""
_AT = f"{COLUMNS} where notification_id = any(%s) order by notification_id desc"


class EventLog(PostgresApplicationRecorder):
    """The log on a pool, asynchronous; the recorder's own methods are not, and connect for themselves."""

    def __init__(self, url: str, pool: Pool) -> None:
        """`pool` serves all that is asynchronous; the recorder's methods connect to `url` when called."""
        super().__init__(_Datastore(url), events_table_name="events")
        self._pool = pool
        self._news = News(pool)

    async def streams(self, ids: Collection[UUID]) -> Streams:
        """All events of these streams, in order; none where one has not begun. Raises UnknownEvent."""
        found: dict[UUID, list[Recorded]] = {stream: [] for stream in ids}
        for row in await self._rows(_STREAMS, (list(ids),)):
            found[row[1]].append(recorded(row))
        return found

    async def chosen(self, ids: Collection[UUID], kinds: Collection[type[Event]]) -> Streams:
        """The events of these kinds in these streams, in order. Raises UnknownEvent."""
        found: dict[UUID, list[Recorded]] = {stream: [] for stream in ids}
        for row in await self._rows(_CHOSEN, (list(ids), [kind.__name__ for kind in kinds])):
            found[row[1]].append(recorded(row))
        return found

    async def stream(self, stream: UUID, first: int = 1, last: int = NO_END) -> list[Recorded]:
        """The events of one stream from one version to another, both included. Raises UnknownEvent."""
        return [recorded(row) for row in await self._rows(STREAM, (stream, first, last))]

    async def last(self, stream: UUID, count: int, before: int = NO_END) -> list[Recorded]:
        """The last events of a stream before a version, newest first. Raises UnknownEvent."""
        return [recorded(row) for row in await self._rows(_LAST, (stream, before, count))]

    async def at(self, positions: Collection[int]) -> list[Recorded]:
        """The events at these positions, newest first; one that this code does not know is Unknown."""
        return [seen(row) for row in await self._rows(_AT, (list(positions),))]

    async def known(self, wanted: Sequence[Wanted]) -> list[Known]:
        """Each stream as one kind of state, from its snapshot and what came after. Raises UnknownEvent."""
        async with self._pool.connection() as connection:
            found = await snapshots.read(connection, wanted)
        for (stream, _), read in zip(wanted, found, strict=True):
            if read.long_until:
                self.keep(stream, read.known, read.long_until)
        return [read.known for read in found]

    def keep(self, stream: UUID, known: Known, command_id: UUID) -> None:
        """Write a snapshot while others go on; losing one costs a longer read."""
        self._pool.aside(self._keep(stream, known, command_id))

    async def state(self, kind: type[S], stream: UUID) -> S | None:
        """What the events of one stream add up to; None where nothing of that kind began."""
        (known,) = await self.known([(stream, kind)])
        return cast("S | None", known.states[kind])

    async def append(self, appends: Sequence[Append]) -> Sequence[Accepted | Exception]:
        """Judge them in order, each on what those before it leave, and write those that hold: one transaction.

        An answer that gets lost is asked for again. A group that the database refuses is written one by one,
        so that a bad member fails alone.
        """
        try:
            return await self._written(appends)
        except PoolTimeout:
            raise  # nothing was sent
        except psycopg.OperationalError as lost:
            logger.warning("an append is sent again: {}", lost)
            await self._pool.check()  # where one connection was cut, others were: draw none of them
            return await self._written(appends)
        except psycopg.DatabaseError as refused:
            return [refused] if len(appends) == 1 else await self._one_by_one(appends)

    async def head(self) -> int:
        """The last position of the log; 0 where it is empty."""
        ((position,),) = await self._rows(HEAD)
        return int(position)

    def insert_events(self, stored_events: Sequence[StoredEvent], **_: Any) -> Sequence[int]:
        """Write another program's events, versions as they say; raises IntegrityError where one is taken."""
        streams = list({event.originator_id: None for event in stored_events})
        columns = (
            streams,
            [None for _ in streams],
            [1] * len(stored_events),
            [streams.index(event.originator_id) + 1 for event in stored_events],
            [event.originator_version for event in stored_events],
            [event.topic for event in stored_events],
            [event.state for event in stored_events],
        )
        with self.datastore.get_connection() as connection:
            row = connection.execute(INSERT, columns, prepare=True).fetchone()
            connection.execute("notify events")  # after the commit: inside it would serialise all writers
        return row["positions"] if row else []

    def create_table(self) -> None:
        """Do nothing: the migrations make the table."""

    async def _one_by_one(self, appends: Sequence[Append]) -> list[Accepted | Exception]:
        """As the database judges a group: what rides on one that failed fails too."""
        spoilt: set[UUID] = set()
        answers: list[Accepted | Exception] = []
        for append in appends:
            stale = [stream for stream in append.seen if stream in spoilt]
            answer = Changed(stale) if stale else (await self.append([append]))[0]
            if isinstance(answer, Exception):
                spoilt |= {stream for stream, _ in append.events}
            answers.append(answer)
        return answers

    async def _keep(self, stream: UUID, known: Known, command_id: UUID) -> None:
        try:
            async with self._pool.connection() as connection:
                await snapshots.keep(connection, stream, known, command_id)
        except psycopg.Error as error:
            logger.warning("no snapshot of {}: {}", stream, error)

    async def _written(self, appends: Sequence[Append]) -> list[Accepted | Exception]:
        group = Group(appends)
        answers = group.answers(await self._rows(APPEND, group.parameters()))
        if group.writes:
            self._news.give()
        return answers

    async def _rows(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        async with self._pool.connection() as connection, connection.cursor(binary=True) as cursor:
            await cursor.execute(sql, parameters, prepare=True)
            return await cursor.fetchall()


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
