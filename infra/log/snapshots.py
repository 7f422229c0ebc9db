"""Snapshots: the states of long streams, kept beside the log so that only their last events need to be read."""

import inspect
import sys
from functools import cache
from hashlib import sha256
from uuid import UUID

import msgspec
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from commands.known import Known
from commands.lane import KEPT_EVERY
from domain import codec, event, upcasts
from domain.event import State, fold
from infra.log.rows import COLUMNS, recorded

_LAST = f"{COLUMNS} where originator_id = %s order by originator_version desc limit 1"
_KNOWN = f"""with snapshot as (
      select version, position, state from read.snapshots
      where stream = %(stream)s and kind = %(kind)s and fingerprint = %(fingerprint)s
    )
    select position, %(stream)s, version, null, state, {", ".join(["null"] * 9)} from snapshot
    union all
    ({COLUMNS} where originator_id = %(stream)s
      and originator_version > coalesce((select version from snapshot), 0))
    order by 3"""  # noqa: S608 - our own text
_KEEP = """insert into read.snapshots as old (stream, kind, fingerprint, version, position, state)
    values (%s, %s, %s, %s, %s, %s) on conflict (stream, kind) do update
    set fingerprint = excluded.fingerprint, version = excluded.version,
        position = excluded.position, state = excluded.state
    where old.version < excluded.version or old.fingerprint <> excluded.fingerprint"""


async def known(connection: AsyncConnection[TupleRow], stream: UUID, kind: type[State]) -> Known:
    """A stream as one kind of state. Raises UnknownEvent."""
    async with connection.cursor(binary=True) as cursor:
        if kind.last_says_all:
            await cursor.execute(_LAST, (stream,), prepare=True)
            return Known.of([recorded(row) for row in await cursor.fetchall()], [kind])
        wanted = {"stream": stream, "kind": kind.__name__, "fingerprint": fingerprint(kind)}
        await cursor.execute(_KNOWN, wanted, prepare=True)
        rows = await cursor.fetchall()
    if not rows:
        return Known(states={kind: None})
    before = msgspec.json.decode(rows[0][4], type=kind) if rows[0][3] is None else None
    history = [recorded(row) for row in (rows[1:] if before else rows)]
    state = fold(kind, (one.event for one in history), before)
    found = Known(rows[-1][2], rows[-1][0], {kind: state})
    if len(history) >= KEPT_EVERY:
        await keep(connection, stream, found)
    return found


async def keep(connection: AsyncConnection[TupleRow], stream: UUID, known: Known) -> None:
    """Keep the states of a stream, instead of older ones."""
    for kind, state in known.states.items():
        if state is not None and not kind.last_says_all:
            row = (stream, kind.__name__, fingerprint(kind), known.version, known.position, msgspec.json.encode(state))
            await connection.execute(_KEEP, row)


@cache
def fingerprint(kind: type[State]) -> bytes:
    """A digest of all the code that folds a kind: of another one's snapshots nothing is known."""
    modules = (sys.modules[kind.__module__], event, codec, upcasts)
    return sha256("".join(map(inspect.getsource, modules)).encode()).digest()
