"""The event log: loads streams and states, appends events, and is a recorder of the `eventsourcing` library."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar, cast
from uuid import UUID

import psycopg
from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg import conninfo

from commands.handling.append import Append, AppendResult, OutcomeUnknown, WrongExpectedVersion
from commands.handling.handler import Histories
from commands.handling.loader import StateKey
from commands.handling.stream_cache import StreamState
from domain.errors import InTheFuture
from domain.event import Event, RecordedEvent, State
from infra import time_budget
from infra.database.pool import Pool, run_with_timeout
from infra.database.retry import is_connection_lost, retry_once, retry_pause_s
from infra.log import moments, snapshots
from infra.log.append_call import CALL_INSERT, AppendCall
from infra.log.disk_space import DiskSpace
from infra.log.history_call import write_history
from infra.log.notifier import Notifier
from infra.log.queries import SELECT_EVENTS_OF_TYPES, SELECT_HEAD
from infra.log.rows import EVENT_COLUMNS, MAX_VERSION, SELECT_EVENTS, SELECT_STREAM, decode_row, decode_row_or_unknown
from infra.logs import logger
from projections import page_bytes
from projections.moment import Moment
from projections.page_bytes import bytes_before_sql

S = TypeVar("S", bound=State)

_SELECT_STREAMS = f"{SELECT_EVENTS} where originator_id = any(%s) order by originator_id, originator_version"
_SELECT_AT = f"""select {EVENT_COLUMNS} from (
      select *, {bytes_before_sql("state", "notification_id desc")} as bytes_before
      from ({SELECT_EVENTS} where notification_id = any(%(positions)s)) as found
    ) as measured where bytes_before <= %(max_bytes)s order by notification_id desc"""  # noqa: S608 - our own text


MAX_AHEAD: Final = timedelta(seconds=5)
"""How far ahead of the clock of the database a time may be and still counts as the present."""


class EventLog(PostgresApplicationRecorder):
    """The event log: its own methods are asynchronous and use a pool, those of the recorder block and do not."""

    append_timeout_s = time_budget.APPEND_S

    def __init__(self, url: str, pool: Pool) -> None:
        """The asynchronous methods use `pool`; the recorder's methods connect to `url` when called."""
        super().__init__(_Datastore(url), events_table_name="events")
        self._pool = pool
        self._notifier = Notifier(pool)
        self.disk_space = DiskSpace(pool)

    async def load_streams(self, stream_ids: Collection[UUID]) -> Histories:
        """All events of these streams, in order; an empty list for a stream without events. Raises UnknownEvent."""
        histories: dict[UUID, list[RecordedEvent]] = {stream: [] for stream in stream_ids}
        for row in await self.fetch(_SELECT_STREAMS, (list(stream_ids),)):
            histories[row[1]].append(decode_row(row))
        return histories

    async def load_events_of_types(
        self, stream_ids: Collection[UUID], event_types: Collection[type[Event]]
    ) -> Histories:
        """The events of these types in these streams, in order. Raises UnknownEvent."""
        histories: dict[UUID, list[RecordedEvent]] = {stream: [] for stream in stream_ids}
        for row in await self.fetch(
            SELECT_EVENTS_OF_TYPES, (list(stream_ids), [kind.__name__ for kind in event_types])
        ):
            histories[row[1]].append(decode_row(row))
        return histories

    async def load_stream(
        self, stream_id: UUID, first_version: int = 1, last_version: int = MAX_VERSION
    ) -> list[RecordedEvent]:
        """The events of one stream from one version to another, both included. Raises UnknownEvent."""
        return [decode_row(row) for row in await self.fetch(SELECT_STREAM, (stream_id, first_version, last_version))]

    async def load_at(self, positions: Collection[int]) -> list[RecordedEvent]:
        """The events at these positions, newest first, as many as fit a page; one of no known type is Unknown."""
        page = {"positions": list(positions), "max_bytes": page_bytes.MAX_PAGE_BYTES}
        return [decode_row_or_unknown(row) for row in await self.fetch(_SELECT_AT, page)]

    async def load_states(self, keys: Sequence[StateKey]) -> list[StreamState]:
        """The state of each key, from its snapshot and the events after it. Raises UnknownEvent."""
        loaded = await self._read_snapshots(keys)
        while not all(each.is_whole for each in loaded):
            await self._save_portions(keys, loaded)
            loaded = await self._read_snapshots(keys)
        for (stream, _), loaded_stream in zip(keys, loaded, strict=True):
            if loaded_stream.snapshot_command_id:
                self.save_snapshot(stream, loaded_stream.stream_state, loaded_stream.snapshot_command_id)
        return [read.stream_state for read in loaded]

    async def _read_snapshots(self, keys: Sequence[StateKey]) -> Sequence[snapshots.LoadedStream]:
        return await run_with_timeout(retry_once(lambda: self._load_snapshots(keys)), time_budget.READ_S)

    async def _save_portions(self, keys: Sequence[StateKey], loaded: Sequence[snapshots.LoadedStream]) -> None:
        """Save what was read of the streams that are too long for one read, so that the next one goes on from there."""
        async with self._pool.connection() as connection:
            for (stream, _), each in zip(keys, loaded, strict=True):
                if not each.is_whole and each.snapshot_command_id:
                    await snapshots.save(connection, stream, each.stream_state, each.snapshot_command_id)

    async def _load_snapshots(self, keys: Sequence[StateKey]) -> Sequence[snapshots.LoadedStream]:
        async with self._pool.connection() as connection:
            return await snapshots.load(connection, keys)

    def save_snapshot(self, stream: UUID, state: StreamState, command_id: UUID) -> None:
        """Write a snapshot in the background; losing one only makes the next load read more events."""
        self._pool.run_in_background(self._save_snapshot(stream, state, command_id))

    async def load_state(self, state_type: type[S], stream: UUID) -> S | None:
        """The state of one stream; None if no event of it begins a state of that type. Raises UnknownEvent."""
        (stream_state,) = await self.load_states([(stream, state_type)])
        return cast("S | None", stream_state.states[state_type])

    async def append(self, appends: Sequence[Append]) -> Sequence[AppendResult | Exception]:
        """Append a group of commands in one transaction: one result, or one error, for each, in their order.

        Each command is checked against the versions that the commands before it leave; a stale one is not written. If
        the connection is lost, the group is sent once more: its command ids tell whether it was written. If the
        database refuses the group, its commands are appended one by one, so that a bad one fails alone.

        Raises OutcomeUnknown if the second attempt fails too, and what psycopg raises if nothing is written.
        """
        try:
            return await self._append_group(appends)
        except psycopg.Error as error:
            if is_connection_lost(error):
                logger.warning("retrying an append: {}", error)
                return await self._append_again(appends)
            if isinstance(error, psycopg.errors.DiskFull):
                self.disk_space.set_exhausted()
            if isinstance(error, psycopg.OperationalError) or not isinstance(error, psycopg.DatabaseError):
                raise  # nothing is written
            return [error] if len(appends) == 1 else await self._append_one_by_one(appends)

    async def append_history(self, appends: Sequence[Append]) -> int | None:
        """Append all events of an import, or none: the last position, or None if a stream has changed.

        Raises what `write_history` raises.
        """
        position = await write_history(self._pool, appends)
        self._notifier.notify()
        return position

    async def head(self) -> int:
        """The last position of the log; 0 where it is empty."""
        ((position,),) = await self.fetch(SELECT_HEAD)
        return int(position)

    async def moment_at(self, at: datetime) -> Moment:
        """The moment of the past at a time; a time that the clock of the database has nearly reached is the present.

        Raises InTheFuture.
        """

        async def find() -> tuple[Moment, datetime]:
            async with self._pool.connection() as connection:
                return await moments.moment_at(connection, at)

        moment, clock = await retry_once(find)
        if at > clock + MAX_AHEAD:
            raise InTheFuture(present=clock)
        return moment

    async def moment_at_position(self, position: int) -> Moment:
        """The moment of the past after the event at a position; raises InTheFuture if the log has not reached it."""

        async def find() -> tuple[Moment, int]:
            async with self._pool.connection() as connection:
                return await moments.moment_at_position(connection, position)

        moment, head = await retry_once(find)
        if position > head:
            raise InTheFuture(position=head)
        return moment

    async def fetch(self, sql: str, parameters: Sequence[object] | Mapping[str, object] = ()) -> list[tuple[Any, ...]]:
        """The rows of a read, which is sent once more if the connection is lost."""
        return await retry_once(lambda: self._execute(sql, parameters))

    def insert_events(self, stored_events: Sequence[StoredEvent], **_: Any) -> Sequence[int]:
        """Write another program's events with their own versions; raises IntegrityError if a version is taken."""
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
            row = connection.execute(CALL_INSERT, columns, prepare=True).fetchone()
            connection.execute("notify events")  # after the commit: inside it, all writers would serialise
        return row["positions"] if row else []

    def create_table(self) -> None:
        """Do nothing: the migrations create the table."""

    async def _append_again(self, appends: Sequence[Append]) -> Sequence[AppendResult | Exception]:
        await asyncio.sleep(retry_pause_s())
        try:
            return await self._append_group(appends)
        except psycopg.Error as error:
            raise OutcomeUnknown from error

    async def _append_one_by_one(self, appends: Sequence[Append]) -> list[AppendResult | Exception]:
        """As `log.append` does in a group, refuse a command that expects a version of a stream that failed before."""
        failed_streams: set[UUID] = set()
        answers: list[AppendResult | Exception] = []
        for append in appends:
            stale = [stream for stream in append.expected_versions if stream in failed_streams]
            answer = WrongExpectedVersion(stale) if stale else (await self.append([append]))[0]
            if isinstance(answer, Exception):
                failed_streams |= {stream for stream, _ in append.events}
            answers.append(answer)
        return answers

    async def _save_snapshot(self, stream: UUID, state: StreamState, command_id: UUID) -> None:
        try:
            async with self._pool.connection() as connection:
                await snapshots.save(connection, stream, state, command_id)
        except psycopg.Error as error:
            logger.warning("no snapshot of {} was saved: {}", stream, error)

    async def _append_group(self, appends: Sequence[Append]) -> list[AppendResult | Exception]:
        call = AppendCall(appends)
        answers = call.parse_results(await self._execute(call.sql, call.parameters()))
        if call.has_events:
            self._notifier.notify()
        return answers

    async def _execute(self, sql: str, parameters: Sequence[object] | Mapping[str, object]) -> list[tuple[Any, ...]]:
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
        """Do nothing: `log.append` takes arrays, no composite types, so creating a recorder opens no connection."""
