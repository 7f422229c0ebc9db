"""Operations: long works that somebody asked for, in a table, so that they outlive whoever asked and who does them."""

from datetime import datetime
from time import monotonic
from typing import Any, Literal
from uuid import UUID

import msgspec
from msgspec import Struct
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from infra.ids import new_id
from infra.rebuilding.outcome import Outcome, Step
from projections.engine import builds
from projections.engine.builds import SyncConnection
from projections.fingerprint import fingerprint
from projections.projection import Projection, all_projections

PAUSE_S = 0.25
"""So often, at most, it is written down how far one is."""
_COLUMNS = """id, kind, projection, state, phase, done, total, outcome, asked_by, asked_at, began_at, ended_at,
    case when phase = 'folding' and done > 0 then
      done / greatest(0.001, extract(epoch from heard_at - began_at))::float8 end as events_per_s"""
_OURS = "(projection, fingerprint) in (select * from unnest(%s::text[], %s::text[]))"
FIND = f"select {_COLUMNS}, options from read.operations where id = %s"  # noqa: S608 - our own text
OPEN = """select id from read.operations where projection = %s and fingerprint = %s and kind = 'rebuild'
    and state in ('waiting', 'running') and not coalesce((options->>'by_hand')::boolean, false)
    order by asked_at limit 1"""
ASK = """insert into read.operations (id, kind, projection, fingerprint, options, state, asked_by, began_at)
    select id, kind, projection, fingerprint, options, state, asked_by, case state when 'running' then now() end
    from (values (%s::uuid, %s, %s, %s, %s::jsonb, %s, %s::uuid))
      as asked (id, kind, projection, fingerprint, options, state, asked_by)"""
ALONE = "select pg_advisory_xact_lock(729140212, hashtext(%s))"
"""Keeps others from asking for the same projection until the transaction ends."""
_CLAIM = f"""update read.operations set state = 'running', began_at = now(), heard_at = now() where id = (
      select id from read.operations where state = 'waiting' and {_OURS}
      order by asked_at limit 1 for update skip locked
    ) returning id"""  # noqa: S608 - our own text
_STEP = """update read.operations set phase = %s, heard_at = now(),
    done = coalesce(nullif(%s, 0), done), total = coalesce(nullif(%s, 0), total) where id = %s"""
_END = "update read.operations set state = %s, phase = '', outcome = %s, ended_at = now() where id = %s"
_FAILED = """select exists (select from read.operations where state = 'failed'
    and projection = %s and fingerprint = %s and ended_at > now() - interval '30 s')"""
_SILENT = f"""select id, projection, options from read.operations
    where state = 'running' and began_at < now() - interval '15 s' and {_OURS}
    for update skip locked"""  # noqa: S608 - our own text
_LATER = "update read.operations set state = 'waiting', phase = '', began_at = null where id = %s"
_PRUNE = "delete from read.operations where ended_at < now() - interval '30 days'"
_AGAIN = """update read.operations set state = 'waiting', phase = '', done = 0, began_at = null,
    options = options || '{"again": true}' where id = %s"""


class Operation(Struct, frozen=True):
    """One of them: `done` of `total`, which are events while it is folding, and indexes while it is indexing."""

    id: UUID
    kind: str
    projection: str
    state: Literal["waiting", "running", "done", "failed"]
    phase: str
    done: int
    total: int
    outcome: dict[str, Any] | None
    asked_by: UUID | None
    asked_at: datetime
    began_at: datetime | None
    ended_at: datetime | None
    events_per_s: float | None
    seconds_left: float | None = None


class Options(Struct, frozen=True):
    """How to do it; `again` where somebody died over it once, `by_hand` where whoever asked does it and nobody else."""

    expect_changes: bool = False
    by_hand: bool = False
    again: bool = False
    verify_only: bool = False


def opening(projection: Projection[Any]) -> tuple[str, str]:
    """What `OPEN` is to be given."""
    return projection.name, fingerprint(projection)


def asking(projection: Projection[Any], options: Options, asked_by: UUID | None = None) -> tuple[Any, ...]:
    """What `ASK` is to be given; the id is the first."""
    state = "running" if options.by_hand else "waiting"
    kind, given = "verify" if options.verify_only else "rebuild", Jsonb(msgspec.to_builtins(options))
    return (new_id(), kind, projection.name, fingerprint(projection), given, state, asked_by)


def ask(connection: SyncConnection, projection: Projection[Any], options: Options) -> UUID:
    """Ask for a rebuild; where one is waiting or running, it is that one."""
    with connection.transaction():
        connection.execute(ALONE, (projection.name,))
        found = connection.execute(OPEN, opening(projection)).fetchone()
        if found and not options.by_hand:
            return UUID(str(found[0]))
        asked = asking(projection, options)
        connection.execute(ASK, asked)
    return UUID(str(asked[0]))


def ask_for_missing(connection: SyncConnection, projection: Projection[Any]) -> None:
    """Ask for the first build, unless somebody does or it is there.

    What is asked for is looked at first: whoever has done it since has switched before that.
    """
    with connection.transaction():
        connection.execute(ALONE, (projection.name,))
        is_asked = connection.execute(OPEN, opening(projection)).fetchone()
        if not is_asked and projection in builds.unbuilt_projections(connection):
            connection.execute(ASK, asking(projection, Options(expect_changes=True)))


def failed_lately(connection: SyncConnection, projection: Projection[Any]) -> bool:
    """Whether the last rebuild failed a moment ago: trying again at once would fail again."""
    row = connection.execute(_FAILED, opening(projection)).fetchone()
    return bool(row and row[0])


def read(row: dict[str, Any]) -> Operation:
    """A row, with how long the folding will take at its rate."""
    found = msgspec.convert(row, Operation)
    left = (found.total - found.done) / found.events_per_s if found.events_per_s else None
    return msgspec.structs.replace(found, seconds_left=left)


def find(connection: SyncConnection, operation: UUID) -> tuple[Operation, Options] | None:
    """An operation, and how it is to be done."""
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(FIND, (operation,)).fetchone()
    return (read(row), msgspec.convert(row.pop("options"), Options)) if row else None


def claim(connection: SyncConnection) -> UUID | None:
    """Take up one that waits for this code, alone."""
    row = connection.execute(_CLAIM, builds.serving_parameters()).fetchone()
    return row[0] if row else None


def sweep(connection: SyncConnection) -> None:
    """Those whose process died wait for another one, once; what was begun by hand, or died twice, has failed."""
    with connection.transaction():
        connection.execute(_PRUNE)
        for operation, name, options in connection.execute(_SILENT, builds.serving_parameters()).fetchall():
            if not builds.is_locked(connection, all_projections()[name]):
                found = msgspec.convert(options, Options)
                if found.by_hand or found.again:
                    end(connection, operation, error="whoever did it was killed")
                else:
                    connection.execute(_AGAIN, (operation,))


def later(connection: SyncConnection, operation: UUID) -> None:
    """Let it wait again: somebody else is building the same."""
    connection.execute(_LATER, (operation,))


def end(connection: SyncConnection, operation: UUID, outcome: Outcome | None = None, error: str = "") -> None:
    """Say what came of it."""
    content = msgspec.to_builtins(outcome) if outcome else {"error": error}
    connection.execute(_END, ("failed" if error else "done", Jsonb(content), operation))


class Telling:
    """Writes down how far an operation is, now and then."""

    def __init__(self, connection: SyncConnection, operation: UUID) -> None:
        self._connection = connection
        self._operation = operation
        self._next = 0.0
        self._phase = ""

    def __call__(self, step: Step) -> None:
        if step.phase != self._phase or monotonic() >= self._next:
            self._phase, self._next = step.phase, monotonic() + PAUSE_S
            self._connection.execute(_STEP, (step.phase, step.done, step.total, self._operation))
