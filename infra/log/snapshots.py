"""Snapshots: the states of long streams, kept beside the log so that only their last events need to be read."""

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

from commands.handling.lane import KEPT_EVERY
from commands.handling.loader import Wanted
from commands.handling.stream_cache import Known
from domain import codec, event, upcasts
from domain.event import State, fold
from infra.log.rows import COLUMNS, recorded

_KNOWN = f"""select wanted.place, found.*
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
      ({COLUMNS} where originator_id = wanted.stream and not wanted.last_says_all
        and originator_version > coalesce(kept.version, 0))
      union all
      ({COLUMNS} where originator_id = wanted.stream and wanted.last_says_all
        order by originator_version desc limit 1)
    ) as found order by wanted.place, found.version"""  # noqa: S608 - our own text
_KEEP = """insert into read.snapshots as old (stream, kind, fingerprint, version, command_id, state)
    values (%s, %s, %s, %s, %s, %s) on conflict (stream, kind) do update
    set fingerprint = excluded.fingerprint, version = excluded.version,
        command_id = excluded.command_id, state = excluded.state
    where old.version < excluded.version or old.fingerprint <> excluded.fingerprint
      or not exists (
        select from log.events as e where e.originator_id = old.stream
          and e.originator_version = old.version and e.command_id = old.command_id
      )"""
_DROP = "delete from read.snapshots where stream = any(%s)"
Row = tuple[Any, ...]


class Read(Struct, frozen=True):
    """What is known of a stream now, and, where it is to be kept, the command that wrote its last event."""

    known: Known
    long_until: UUID | None = None


async def read(connection: AsyncConnection[TupleRow], wanted: Sequence[Wanted]) -> list[Read]:
    """Each stream as one kind of state, all with one question. Raises UnknownEvent."""
    columns = (
        [stream for stream, _ in wanted],
        [kind.__name__ for _, kind in wanted],
        [fingerprint(kind) for _, kind in wanted],
        [kind.last_says_all for _, kind in wanted],
    )
    rows: list[list[Row]] = [[] for _ in wanted]
    async with connection.cursor(binary=True) as cursor:
        await cursor.execute(_KNOWN, columns, prepare=True)
        for place, *row in await cursor.fetchall():
            rows[place - 1].append(tuple(row))
    try:
        return [_read(kind, found) for (_, kind), found in zip(wanted, rows, strict=True)]
    except msgspec.DecodeError:  # a cache may hold anything: do without
        await connection.execute(_DROP, (columns[0],))
        return await read(connection, wanted)


def _read(kind: type[State], rows: Sequence[Row]) -> Read:
    """What the rows of one stream say, a snapshot first where there is one."""
    if not rows:
        return Read(Known(states={kind: None}))
    before = msgspec.json.decode(rows[0][4], type=kind) if rows[0][3] is None else None
    history = [recorded(row) for row in (rows[1:] if before else rows)]
    known = Known(rows[-1][2], {kind: fold(kind, (one.event for one in history), before)})
    is_long = len(history) >= KEPT_EVERY and not kind.is_personal
    return Read(known, history[-1].command_id if is_long else None)


async def keep(connection: AsyncConnection[TupleRow], stream: UUID, known: Known, command_id: UUID) -> None:
    """Keep the states of a stream that are not personal, instead of older ones; `command_id` is of its last event."""
    for kind, state in known.states.items():
        if state is not None and not kind.last_says_all and not kind.is_personal:
            row = (stream, kind.__name__, fingerprint(kind), known.version, command_id, msgspec.json.encode(state))
            await connection.execute(_KEEP, row)


@cache
def fingerprint(kind: type[State]) -> bytes:
    """A digest of all the code that folds a kind: of another one's snapshots nothing is known."""
    modules = (sys.modules[kind.__module__], event, codec, upcasts)
    return sha256("".join(map(inspect.getsource, modules)).encode()).digest()
