"""Snapshots: the states of long streams, kept beside the log so that only their last events need to be read."""

import ast
import inspect
import sys
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from commands.handling.lane import SNAPSHOT_INTERVAL_EVENTS
from commands.handling.loader import StateKey
from commands.handling.stream_cache import StreamState
from domain import codec, event, upcasts
from domain.event import State, fold
from infra.log.rows import SELECT_EVENTS, decode_row

MAX_EVENTS_PER_READ = 20_000
"""More than a stream with a cap can have; the streams of rules have none, and are read in portions."""
_SELECT_STREAM_STATES = f"""select wanted.place, found.*
    from unnest(%s::uuid[], %s::text[], %s::bytea[], %s::boolean[]) with ordinality
      as wanted (stream, kind, fingerprint, last_says_all, place)
    left join (
      select row.* from read.snapshots as row
      join log.events as e on e.originator_id = row.stream and e.originator_version = row.version
        and e.command_id = row.command_id
    ) as kept using (stream, kind, fingerprint)
    cross join lateral (
      select null::bigint, wanted.stream, kept.version, null::text, kept.state, {", ".join(["null"] * 9)}
        where kept.version is not null
      union all
      ({SELECT_EVENTS} where originator_id = wanted.stream and not wanted.last_says_all
        and originator_version > coalesce(kept.version, 0) order by originator_version limit {MAX_EVENTS_PER_READ})
      union all
      ({SELECT_EVENTS} where originator_id = wanted.stream and wanted.last_says_all
        order by originator_version desc limit 1)
    ) as found order by wanted.place, found.version"""  # noqa: S608 - our own text
_UPSERT = """insert into read.snapshots as old (stream, kind, fingerprint, version, command_id, state)
    values (%s, %s, %s, %s, %s, %s) on conflict (stream, kind) do update
    set fingerprint = excluded.fingerprint, version = excluded.version,
        command_id = excluded.command_id, state = excluded.state
    where old.version < excluded.version or old.fingerprint <> excluded.fingerprint
      or not exists (
        select from log.events as e where e.originator_id = old.stream
          and e.originator_version = old.version and e.command_id = old.command_id
      )"""
_DELETE = "delete from read.snapshots where stream = any(%s)"
Row = tuple[Any, ...]


class LoadedStream(Struct, frozen=True):
    """The state of a stream and, if a snapshot of it is due, the command that wrote its last event.

    If it is not whole, later events are left out, and are read after a snapshot of this state is saved.
    """

    stream_state: StreamState
    snapshot_command_id: UUID | None = None
    is_whole: bool = True


async def load(connection: AsyncConnection[TupleRow], keys: Sequence[StateKey]) -> list[LoadedStream]:
    """The state of each key, in their order; one query. Raises UnknownEvent."""
    parameters = (
        [stream for stream, _ in keys],
        [kind.__name__ for _, kind in keys],
        [state_digest(kind) for _, kind in keys],
        [kind.is_last_event_enough for _, kind in keys],
    )
    rows: list[list[Row]] = [[] for _ in keys]
    async with connection.cursor(binary=True) as cursor:
        await cursor.execute(_SELECT_STREAM_STATES, parameters, prepare=True)
        for index, *row in await cursor.fetchall():
            rows[index - 1].append(tuple(row))
    try:
        return [_fold_rows(kind, found) for (_, kind), found in zip(keys, rows, strict=True)]
    except msgspec.DecodeError:  # a snapshot is only a cache: delete a corrupt one and fold all events
        await connection.execute(_DELETE, (parameters[0],))
        return await load(connection, keys)


def _fold_rows(state_type: type[State], rows: Sequence[Row]) -> LoadedStream:
    """Fold the rows of one stream; the first row is its snapshot if there is one."""
    if not rows:
        return LoadedStream(StreamState(states={state_type: None}))
    snapshot = msgspec.json.decode(rows[0][4], type=state_type) if rows[0][3] is None else None
    history = [decode_row(row) for row in (rows[1:] if snapshot else rows)]
    stream_state = StreamState(rows[-1][2], {state_type: fold(state_type, (one.event for one in history), snapshot)})
    is_snapshot_due = len(history) >= SNAPSHOT_INTERVAL_EVENTS and not state_type.is_personal
    is_whole = len(history) < MAX_EVENTS_PER_READ
    return LoadedStream(stream_state, history[-1].command_id if is_snapshot_due else None, is_whole)


async def save(
    connection: AsyncConnection[TupleRow], stream: UUID, stream_state: StreamState, command_id: UUID
) -> None:
    """Replace the snapshots of a stream, except personal states; `command_id` is the command of its last event."""
    for state_type, state in stream_state.states.items():
        if state is not None and not state_type.is_last_event_enough and not state_type.is_personal:
            row = (
                stream,
                state_type.__name__,
                state_digest(state_type),
                stream_state.version,
                command_id,
                msgspec.json.encode(state),
            )
            await connection.execute(_UPSERT, row)


@cache
def state_digest(state_type: type[State]) -> bytes:
    """A digest of all code that folds a state type; snapshots with another digest are ignored."""
    modules = sorted({codec.__name__, upcasts.__name__, *_domain_modules(state_type.__module__)})
    return sha256("".join(map(_source, modules)).encode()).digest()


def _domain_modules(name: str) -> set[str]:
    """The module of that name, and those of the domain that it imports from, directly or through others."""
    found, pending = {name}, [name]
    while pending:
        new = _imported_modules(pending.pop()) - found
        found |= new
        pending += new
    return found


@cache
def _imported_modules(name: str) -> set[str]:
    """The modules of the domain that a module imports from; also those that it only takes constants of."""
    statements = (node for node in ast.parse(_source(name)).body if isinstance(node, ast.ImportFrom))
    named = {each for node in statements for each in (node.module, *(f"{node.module}.{of.name}" for of in node.names))}
    return {each for each in named if each and each.startswith(f"{event.__package__}.") and each in sys.modules}


def _source(name: str) -> str:
    return inspect.getsource(sys.modules[name])
