"""The call that appends a history: all of its events with their own times, or nothing."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import psycopg

from commands.handling.append import Append, OutcomeUnknown
from domain import codec
from infra.database.pool import Pool
from infra.database.retry import is_connection_lost
from infra.log.arrays import BigintArray, ByteaArray, IntArray, TextArray, UuidArray

_CALL: Final = f"select log.append_history({', '.join(['%b'] * 10)}, %s::timestamptz[], %s::uuid, %b, %b)"
_SET_TIMEOUTS: Final = "set statement_timeout = '60s'; set lock_timeout = '30s'"
"""No request waits for the answer."""


class ExistingStream(Exception):
    """A history cannot go on in a stream that has events already: its times would run backwards there."""


async def write_history(pool: Pool, appends: Sequence[Append]) -> int | None:
    """Write all events in one transaction, for which other appends wait; None, and nothing, if a stream has changed.

    Returns the last position. Raises ExistingStream, OutcomeUnknown if the connection is lost, or what psycopg raises.
    """
    call = HistoryCall(appends)
    connection = await pool.connect_separately("taskledger import")
    try:
        async with connection, connection.cursor() as cursor:
            await cursor.execute(_SET_TIMEOUTS)
            await cursor.execute(call.sql, call.parameters())
            ((position,),) = await cursor.fetchall()
    except psycopg.Error as error:
        if is_connection_lost(error):
            raise OutcomeUnknown from error
        raise
    return None if position is None else int(position)


class HistoryCall:
    """The appends of a history, of one workspace, as arrays. Raises ExistingStream."""

    sql = _CALL

    def __init__(self, appends: Sequence[Append]) -> None:
        self._appends = appends
        self._bases: dict[UUID, int] = {}
        self._places: dict[UUID, int] = {}
        self._versions: dict[UUID, int] = {}
        self._events = (IntArray(), IntArray(), BigintArray(), TextArray(), ByteaArray())
        self._touches = (IntArray(), UuidArray())
        for entry, append in enumerate(appends, 1):
            self._add(entry, append)

    def parameters(self) -> tuple[object, ...]:
        """All parameters, in the order of the function's."""
        appends = self._appends
        return (
            UuidArray(self._bases),
            BigintArray(self._bases.values()),
            *self._events,
            UuidArray(append.command_id for append in appends),
            UuidArray(append.actor.id for append in appends),
            UuidArray(append.actor.on_behalf_of for append in appends),
            [append.at for append in appends],
            appends[0].workspace_id,
            *self._touches,
        )

    def _add(self, entry: int, append: Append) -> None:
        for stream, version in append.expected_versions.items():
            if stream not in self._bases:
                self._bases[stream] = self._versions[stream] = version
                self._places[stream] = len(self._places) + 1
        entries, places, versions, topics, states = self._events
        for stream, event in append.events:
            if self._bases[stream]:
                raise ExistingStream(stream)
            self._versions[stream] += 1
            entries.append(entry)
            places.append(self._places[stream])
            versions.append(self._versions[stream])
            topics.append(codec.stored_name_of(event))
            states.append(codec.encode(event))
            for document in event.touches():
                self._touches[0].append(len(entries))
                self._touches[1].append(document)
