"""Builds: the tables that projections were folded into, and which of them answers for this code."""

from contextlib import suppress
from typing import Any, TypeAlias
from uuid import UUID

import msgspec
import psycopg
from msgspec import Struct
from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier

from projections.fingerprint import fingerprint, fingerprints
from projections.projection import Projection, every

Database: TypeAlias = Connection[TupleRow]
WHOLE = UUID(int=0)
"""The scope of everything that a build holds."""

OURS = "(serving.projection, serving.fingerprint) in (select * from unnest(%s::text[], %s::text[]))"
_BUILD = """build.build, build.projection,
    coalesce((select one.partitions from read.checkpoints as one where one.build = build.build limit 1), 1)"""
SERVING = f"select {_BUILD} from read.serving join read.builds as build using (build) where {OURS}"  # noqa: S608 - our own text
_STANDS = f"""select {_BUILD}, checkpoint.position
    from read.serving join read.builds as build using (build) join read.checkpoints as checkpoint using (build)
    where {OURS} and checkpoint.partition = %s"""  # noqa: S608 - our own text
_PREVIOUS = f"""select {_BUILD} from read.serving join read.builds as build on build.build = serving.previous
    where {OURS}"""  # noqa: S608 - our own text
_OTHERS = f"""select {_BUILD} from read.serving join read.builds as build using (build)
    where serving.projection = %s and serving.fingerprint <> %s order by serving.since desc"""  # noqa: S608 - our own text
_BEGIN = "insert into read.builds (projection, fingerprint) values (%s, %s) returning build"
_START = f"""with gone as (
      delete from read.checkpoints where build = %(build)s and partition >= %(partitions)s
    ), aged as (
      insert into read.generations (build, scope, generation)
      values (%(build)s, '{WHOLE}', (extract(epoch from clock_timestamp()) * 1000000)::bigint) on conflict do nothing
    )
    insert into read.checkpoints as old (build, partition, partitions, position)
    select %(build)s, partition, %(partitions)s, %(position)s from generate_series(0, %(partitions)s - 1) as partition
    on conflict (build, partition) do update set position = excluded.position, partitions = excluded.partitions"""  # noqa: S608 - our own text
_SERVE = """insert into read.serving as old (projection, fingerprint, build) values (%s, %s, %s)
    on conflict (projection, fingerprint) do update
    set build = excluded.build, previous = nullif(old.build, excluded.build), since = now()"""
_UNUSED = f"""select {_BUILD}, build.fingerprint from read.builds as build where build.projection = %s
      and not exists (select from read.serving where build.build in (serving.build, serving.previous))"""  # noqa: S608 - our own text
_FORGET = """with old as (
      select projection, fingerprint from read.serving where projection = %s and fingerprint <> %s
      order by since desc offset 1
    )
    delete from read.serving using old
      where (serving.projection, serving.fingerprint) = (old.projection, old.fingerprint)"""
_LET_GO = "select pg_advisory_unlock(729140211, hashtext(%s))"
_HOLD = "select pg_try_advisory_lock(729140211, hashtext(%s))"
_LOCK = """select from pg_locks where locktype = 'advisory' and classid = 729140211
    and database = (select oid from pg_database where datname = current_database()) and objid ="""
HELD_BY = f"{_LOCK} hashtext(operation.projection || ' ' || operation.fingerprint)::oid"
"""Whether whoever is at an operation is alive."""
_HELD = f"select exists ({_LOCK} hashtext(%s)::oid)"


class Build(Struct, frozen=True):
    """One table of a projection; its number is the end of the table's name."""

    number: int
    projection: Projection[Any]
    partitions: int

    @property
    def table(self) -> Identifier:
        """The table's name."""
        return Identifier("read", f"{self.projection.name}_{self.number}")


def serving(connection: Database) -> dict[str, Build]:
    """The builds that answer for this code, by projection; some may not have been built yet."""
    return {build.projection.name: build for build, *_ in map(_read, connection.execute(SERVING, ours(), prepare=True))}


def stands(connection: Database, partition: int) -> list[tuple[Build, int]]:
    """The builds that answer for this code, each with the position that a partition of it has read up to."""
    rows = connection.execute(_STANDS, (*ours(), partition), prepare=True)
    return [(build, position) for build, position in map(_read, rows)]


def position(connection: Database, build: Build, partition: int) -> int:
    """The position that a partition of a build has read up to. Raises ValueError where it has no such partition."""
    sql = "select position from read.checkpoints where build = %s and partition = %s"
    ((found,),) = connection.execute(sql, (build.number, partition), prepare=True).fetchall()
    return int(found)


def is_there(connection: Database, build: Build) -> bool:
    """Whether the table has not been dropped by hand."""
    row = connection.execute("select to_regclass(%s) is not null", (build.table.as_string(),)).fetchone()
    return bool(row and row[0])


def span(connection: Database, *some: Build) -> tuple[int, int]:
    """The lowest and the highest position that any partition of these builds has read up to."""
    sql = "select min(position), max(position) from read.checkpoints where build = any(%s)"
    row = connection.execute(sql, ([build.number for build in some],)).fetchone()
    return (row[0] or 0, row[1] or 0) if row else (0, 0)


def freeze(connection: Database, build: Build) -> Build:
    """Let nobody fold anything into it until this transaction ends; answers it with its partitions as they are now."""
    sql = "select partitions from read.checkpoints where build = %s order by partition for update"
    while (rows := connection.execute(sql, (build.number,)).fetchall()) and len(rows) != rows[0][0]:
        pass  # it was split while we waited: the new ones too
    return msgspec.structs.replace(build, partitions=len(rows))


def missing(connection: Database) -> list[Projection[Any]]:
    """The projections that have no build as this code folds them."""
    found = serving(connection)
    return [projection for name, projection in every().items() if name not in found]


def previous(connection: Database, projection: Projection[Any]) -> Build | None:
    """The build that answered for this code before the present one."""
    names = ([projection.name], [fingerprint(projection)])
    return next((build for build, *_ in map(_read, connection.execute(_PREVIOUS, names))), None)


def of_other_code(connection: Database, projection: Projection[Any]) -> Build | None:
    """The build that last began to answer for other code than this."""
    rows = connection.execute(_OTHERS, (projection.name, fingerprint(projection)))
    return next((build for build, *_ in map(_read, rows)), None)


def begin(connection: Database, projection: Projection[Any], partitions: int) -> Build:
    """A new build of the projection, whose table is not there yet."""
    row = connection.execute(_BEGIN, (projection.name, fingerprint(projection))).fetchone()
    return Build(row[0] if row else 0, projection, partitions)


def start(connection: Database, build: Build, position: int) -> None:
    """Say that the table holds everything up to a position, in each partition."""
    started = {"build": build.number, "position": position, "partitions": build.partitions}
    connection.execute(_START, started)


def serve(connection: Database, build: Build) -> None:
    """Let it answer for this code from the end of this transaction on; the one before is kept."""
    projection = build.projection
    connection.execute(_SERVE, (projection.name, fingerprint(projection), build.number))


def keep_rate(connection: Database, build: Build, events_per_s: float) -> None:
    """Remember how fast the log was folded into it, to tell how long the next one will take."""
    connection.execute("update read.builds set events_per_s = %s where build = %s", (events_per_s, build.number))


def tidy(connection: Database, projection: Projection[Any]) -> None:
    """Drop the builds that nobody can ask any more: half ones, and all but the last two kinds of code.

    Only for whoever holds the projection.
    """
    mine = fingerprint(projection)
    connection.execute(_FORGET, (projection.name, mine))
    for build, found in map(_read, connection.execute(_UNUSED, (projection.name,)).fetchall()):
        if found == mine or not _is_held(connection, f"{projection.name} {found}"):  # somebody else's may be begun
            drop(connection, build)


def drop(connection: Database, build: Build) -> None:
    """Remove a build and all that is known of it; one that somebody reads for long is left for the next time."""
    with suppress(psycopg.errors.LockNotAvailable), connection.transaction():
        connection.execute("set local lock_timeout = '2s'")
        connection.execute(SQL("drop table if exists {}").format(build.table))
        connection.execute("delete from read.builds where build = %s", (build.number,))


def hold(connection: Database, projection: Projection[Any]) -> bool:
    """Keep others from building this projection as this code folds it, until the connection ends."""
    row = connection.execute(_HOLD, (_name(projection),)).fetchone()
    return bool(row and row[0])


def let_go(connection: Database, projection: Projection[Any]) -> None:
    """Let others build it, now and not when the server notices that the connection has ended."""
    connection.execute(_LET_GO, (_name(projection),))


def is_held(connection: Database, projection: Projection[Any]) -> bool:
    """Whether somebody is building it."""
    return _is_held(connection, _name(projection))


def ours() -> tuple[list[str], list[str]]:
    """The projections and fingerprints of this code, as `OURS` takes them."""
    found = fingerprints()
    return list(found), list(found.values())


def _is_held(connection: Database, name: str) -> bool:
    row = connection.execute(_HELD, (name,)).fetchone()
    return bool(row and row[0])


def _name(projection: Projection[Any]) -> str:
    return f"{projection.name} {fingerprint(projection)}"


def _read(row: tuple[Any, ...]) -> tuple[Any, ...]:
    number, name, partitions, *more = row
    return (Build(number, every()[name], partitions), *more)
