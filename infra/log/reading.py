"""The log from a position on, in the order of commits, for whoever follows it, exports it or folds it.

An event that this code does not know is Unknown here: looking never fails.
"""

from collections.abc import Collection, Iterator
from uuid import UUID

from msgspec import Struct
from psycopg import Connection
from psycopg.rows import TupleRow

from domain.event import Recorded
from infra.log.rows import COLUMNS, NO_END, STREAM, TYPES, seen

_AFTER = f"{COLUMNS} where notification_id > %s order by notification_id limit %s"
_OF = f"""{COLUMNS} where notification_id > %(after)s
    and (%(workspace)s::uuid is null or workspace_id = %(workspace)s)
    and (%(types)s::text[] is null or topic = any(%(types)s)) order by notification_id"""
HEAD = "select coalesce(max(notification_id), 0) from log.events"


class Chosen(Struct, frozen=True):
    """Which part of the log: after a position, of one workspace, of some types; everything where nothing is said."""

    after: int = 0
    workspace: UUID | None = None
    types: Collection[str] | None = None


def after(connection: Connection[TupleRow], position: int, limit: int) -> list[Recorded]:
    """The next events of the log after a position, `limit` at most."""
    with connection.cursor(binary=True) as cursor:
        return [seen(row) for row in cursor.execute(_AFTER, (position, limit), prepare=True).fetchall()]


def stream(connection: Connection[TupleRow], wanted: UUID, first: int = 1, last: int = NO_END) -> list[Recorded]:
    """The events of one stream from one version to another, both included."""
    with connection.cursor(binary=True) as cursor:
        return [seen(row) for row in cursor.execute(STREAM, (wanted, first, last), prepare=True)]


def copied(connection: Connection[TupleRow], chosen: Chosen) -> Iterator[Recorded]:
    """A part of the log as long as it may be, by COPY, in memory that stays small."""
    types = list(chosen.types) if chosen.types is not None else None
    wanted = {"after": chosen.after, "workspace": chosen.workspace, "types": types}
    with connection.cursor() as cursor, cursor.copy(f"copy ({_OF}) to stdout (format binary)", wanted) as rows:
        rows.set_types(TYPES)
        yield from map(seen, rows.rows())


def head(connection: Connection[TupleRow]) -> int:
    """The last position of the log; 0 where it is empty."""
    row = connection.execute(HEAD).fetchone()
    return row[0] if row else 0


def behind(connection: Connection[TupleRow], position: int) -> int:
    """How many events come after a position."""
    row = connection.execute("select count(*) from log.events where notification_id > %s", (position,)).fetchone()
    return row[0] if row else 0


def lately(connection: Connection[TupleRow], most: int) -> int:
    """How many events were written in the last second, counted up to so many."""
    sql = """select count(*) from (select recorded_at from log.events order by notification_id desc limit %s) as last
             where recorded_at between clock_timestamp() - interval '1 s' and clock_timestamp()"""
    row = connection.execute(sql, (most,)).fetchone()
    return row[0] if row else 0


def before(connection: Connection[TupleRow], count: int) -> int:
    """The position after which the last `count` events stand."""
    sql = """select coalesce(min(notification_id) - 1, (select coalesce(max(notification_id), 0) from log.events))
             from (select notification_id from log.events order by notification_id desc limit %s) as last"""
    row = connection.execute(sql, (count,)).fetchone()
    return row[0] if row else 0
