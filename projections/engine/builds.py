"""Builds: the tables that projections are folded into, and which of them serves this code."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

import msgspec
import psycopg
from msgspec import Struct
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier

from projections.engine import build_lock
from projections.engine.connection import SyncConnection
from projections.engine.pipeline import Pipeline, array_literal
from projections.fingerprint import fingerprint, fingerprints
from projections.projection import Projection, all_projections

WHOLE_BUILD_SCOPE = UUID(int=0)
"""The scope of all rows of a build."""

IS_THIS_CODE_SQL = "(serving.projection, serving.fingerprint) in (select * from unnest(%s::text[], %s::text[]))"
_BUILD_COLUMNS = """build.build, build.projection,
    coalesce((select one.partitions from read.checkpoints as one where one.build = build.build limit 1), 1)"""
SERVING_BUILDS_SQL = (
    f"select {_BUILD_COLUMNS} from read.serving join read.builds as build using (build) where {IS_THIS_CODE_SQL}"  # noqa: S608 - our own text
)
_BUILD_POSITIONS = b"""select build, serving.projection, checkpoint.partitions, checkpoint.position
    from read.serving join read.checkpoints as checkpoint using (build)
    where (serving.projection, serving.fingerprint) in (select * from unnest($1::text[], $2::text[]))
      and checkpoint.partition = $3"""
_PREVIOUS_BUILD = f"""select {_BUILD_COLUMNS}
    from read.serving join read.builds as build on build.build = serving.previous
    where {IS_THIS_CODE_SQL}"""  # noqa: S608 - our own text
_BUILDS_OF_OTHER_CODE = f"""select {_BUILD_COLUMNS} from read.serving join read.builds as build using (build)
    where serving.projection = %s and serving.fingerprint <> %s order by serving.since desc"""  # noqa: S608 - our own text
_INSERT_BUILD = "insert into read.builds (projection, fingerprint) values (%s, %s) returning build"
_SET_CHECKPOINTS = f"""with gone as (
      delete from read.checkpoints where build = %(build)s and partition >= %(partitions)s
    ), aged as (
      insert into read.generations (build, scope, generation)
      values (%(build)s, '{WHOLE_BUILD_SCOPE}', (extract(epoch from clock_timestamp()) * 1000000)::bigint)
      on conflict do nothing
    )
    insert into read.checkpoints as old (build, partition, partitions, position)
    select %(build)s, partition, %(partitions)s, %(position)s from generate_series(0, %(partitions)s - 1) as partition
    on conflict (build, partition) do update set position = excluded.position, partitions = excluded.partitions"""  # noqa: S608 - our own text
_SERVE = """insert into read.serving as old (projection, fingerprint, build) values (%s, %s, %s)
    on conflict (projection, fingerprint) do update
    set build = excluded.build, previous = nullif(old.build, excluded.build), since = now()"""
_UNUSED_BUILDS = f"""select {_BUILD_COLUMNS}, build.fingerprint from read.builds as build where build.projection = %s
      and not exists (select from read.serving where build.build in (serving.build, serving.previous))"""  # noqa: S608 - our own text
_DELETE_OLD_SERVING = """with old as (
      select projection, fingerprint from read.serving where projection = %s and fingerprint <> %s
      order by since desc offset 1
    )
    delete from read.serving using old
      where (serving.projection, serving.fingerprint) = (old.projection, old.fingerprint)"""


class Build(Struct, frozen=True):
    """One table of a projection; the table's name ends with the number."""

    number: int
    projection: Projection[Any]
    partitions: int

    @property
    def table_name(self) -> Identifier:
        """The table's name."""
        return Identifier("read", f"{self.projection.name}_{self.number}")

    @property
    def past_table_name(self) -> Identifier:
        """The name of the table of past documents, if the projection keeps the past."""
        return Identifier("read", f"{self.projection.name}_{self.number}_past")

    @property
    def table_names(self) -> Sequence[Identifier]:
        """The names of all its tables."""
        return [self.table_name, *([self.past_table_name] if self.projection.past else ())]


def serving_builds(connection: SyncConnection) -> dict[str, Build]:
    """The builds that serve this code, by projection; some may be missing."""
    return {
        build.projection.name: build
        for build, *_ in map(_parse_row, connection.execute(SERVING_BUILDS_SQL, serving_parameters()))
    }


def serving_build(connection: SyncConnection, projection: Projection[Any]) -> Build | None:
    """The build of one projection that serves this code; imports and fingerprints no other projection."""
    return _find_build(connection, projection, SERVING_BUILDS_SQL, ([projection.name], [fingerprint(projection)]))


def select_positions(pipeline: Pipeline, partition: int) -> list[TupleRow]:
    """Query the checkpoints of a partition, of the builds that serve this code, for `builds_with_positions`."""
    return pipeline.send(_BUILD_POSITIONS, *map(array_literal, serving_parameters()), partition)


def builds_with_positions(rows: Iterable[TupleRow]) -> list[tuple[Build, int]]:
    """The builds of these rows, each with its checkpoint."""
    return [(build, position) for build, position in map(_parse_row, rows)]


def checkpoint_position(connection: SyncConnection, build: Build, partition: int) -> int:
    """The checkpoint of a partition of a build. Raises ValueError if there is no such partition."""
    sql = "select position from read.checkpoints where build = %s and partition = %s"
    ((found,),) = connection.execute(sql, (build.number, partition)).fetchall()
    return int(found)


def table_exists(connection: SyncConnection, build: Build) -> bool:
    """Whether the table exists; it may have been dropped by hand."""
    row = connection.execute("select to_regclass(%s) is not null", (build.table_name.as_string(),)).fetchone()
    return bool(row and row[0])


def position_range(connection: SyncConnection, *builds: Build) -> tuple[int, int]:
    """The lowest and the highest checkpoint of all partitions of these builds."""
    sql = "select min(position), max(position) from read.checkpoints where build = any(%s)"
    row = connection.execute(sql, ([build.number for build in builds],)).fetchone()
    return (row[0] or 0, row[1] or 0) if row else (0, 0)


def lock_checkpoints(connection: SyncConnection, build: Build) -> Build:
    """Keep others from folding into the build until this transaction ends; returns it with its present partitions."""
    sql = "select partitions from read.checkpoints where build = %s order by partition for update"
    while (rows := connection.execute(sql, (build.number,)).fetchall()) and len(rows) != rows[0][0]:
        pass  # it was split while we waited: lock the new ones too
    return msgspec.structs.replace(build, partitions=len(rows))


def unbuilt_projections(connection: SyncConnection) -> list[Projection[Any]]:
    """The projections that have no build for this code."""
    found = serving_builds(connection)
    return [projection for name, projection in all_projections().items() if name not in found]


def previous_build(connection: SyncConnection, projection: Projection[Any]) -> Build | None:
    """The build that served this code before the present one."""
    return _find_build(connection, projection, _PREVIOUS_BUILD, ([projection.name], [fingerprint(projection)]))


def build_of_other_code(connection: SyncConnection, projection: Projection[Any]) -> Build | None:
    """The latest build that serves other code."""
    return _find_build(connection, projection, _BUILDS_OF_OTHER_CODE, (projection.name, fingerprint(projection)))


def create_build(connection: SyncConnection, projection: Projection[Any], partitions: int) -> Build:
    """Register a new build of the projection; its table does not exist yet."""
    row = connection.execute(_INSERT_BUILD, (projection.name, fingerprint(projection))).fetchone()
    return Build(row[0] if row else 0, projection, partitions)


def set_checkpoints(connection: SyncConnection, build: Build, position: int) -> None:
    """Set the checkpoint of each partition to a position."""
    started = {"build": build.number, "position": position, "partitions": build.partitions}
    connection.execute(_SET_CHECKPOINTS, started)


def serve_build(connection: SyncConnection, build: Build) -> None:
    """Serve this build to this code once the transaction commits; the previous one is kept."""
    projection = build.projection
    connection.execute(_SERVE, (projection.name, fingerprint(projection), build.number))


def record_rate(connection: SyncConnection, build: Build, events_per_s: float) -> None:
    """Record the rate of the rebuild, to estimate the duration of the next one."""
    connection.execute("update read.builds set events_per_s = %s where build = %s", (events_per_s, build.number))


def drop_unused_builds(connection: SyncConnection, projection: Projection[Any]) -> None:
    """Drop the builds that serve no code: unfinished ones, and those of all but the last two versions of the code.

    The caller holds the build lock of the projection.
    """
    mine = fingerprint(projection)
    connection.execute(_DELETE_OLD_SERVING, (projection.name, mine))
    for number, _, partitions, found in connection.execute(_UNUSED_BUILDS, (projection.name,)).fetchall():
        build = Build(number, projection, partitions)
        if found == mine or not build_lock.is_locked(connection, projection, found):  # other code may be filling it
            drop_build(connection, build)


def drop_build(connection: SyncConnection, build: Build) -> None:
    """Drop a build with its table; a table that is in use for over 2 s is left to the next rebuild."""
    with suppress(psycopg.errors.LockNotAvailable), connection.transaction():
        connection.execute("set local lock_timeout = '2s'")
        connection.execute(SQL("drop table if exists {}, {}").format(build.table_name, build.past_table_name))
        connection.execute("delete from read.builds where build = %s", (build.number,))


def serving_parameters() -> tuple[list[str], list[str]]:
    """The projections and fingerprints of this code, as `IS_THIS_CODE_SQL` takes them."""
    found = fingerprints()
    return list(found), list(found.values())


def _find_build(
    connection: SyncConnection, projection: Projection[Any], sql: str, parameters: tuple[object, ...]
) -> Build | None:
    """The first build that a query finds, of a projection that is known."""
    row = connection.execute(sql.encode(), parameters).fetchone()
    return Build(row[0], projection, row[2]) if row else None


def _parse_row(row: tuple[Any, ...]) -> tuple[Any, ...]:
    number, name, partitions, *more = row
    return (Build(number, all_projections()[name], partitions), *more)
