"""A projection's table: documents in and out, and the counters beside it."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from msgspec import Struct
from psycopg import Connection
from psycopg.rows import TupleRow, dict_row
from psycopg.sql import SQL, Composed, Identifier

from projections.projection import Projection

R = TypeVar("R", bound=Struct)

CHECKPOINT = "select position from read.checkpoints where projection = %s and partition = 0"
START = "insert into read.checkpoints (projection, partition, version) values (%s, 0, %s) on conflict do nothing"
OUTDATED = "delete from read.checkpoints where projection = %s and version <> %s"
TAKE = """update read.checkpoints set position = %s where (projection, partition) in (
            select projection, partition from read.checkpoints
            where projection = %s and partition = 0 and position = %s for update skip locked)
          returning exists (select from read.parked where parked.projection = checkpoints.projection)"""
PARKED = "select document from read.parked where projection = %s"
PARK = """insert into read.parked (projection, document, position, reason)
          select %s, document, position, reason from unnest(%s::uuid[], %s::bigint[], %s::text[])
            as new (document, position, reason)
          on conflict do nothing"""
UNPARK = "delete from read.parked where projection = %s"
LOCK = "select from read.checkpoints where projection = %s and partition = 0 for update"
MOVE = "update read.checkpoints set position = %(position)s where projection = %(projection)s and partition = 0"
AGE_ALL = "update read.generations set generation = generation + 1 where projection = %s"
_AGE = """insert into read.generations as old (projection, scope, generation)
          select %s, scope, 1 from unnest(%s::uuid[]) as scope order by scope
          on conflict (projection, scope) do update set generation = old.generation + 1
          returning scope, generation"""


def load(connection: Connection[TupleRow], projection: Projection[R], keys: Collection[UUID]) -> dict[UUID, R]:
    """The documents that there are of these keys."""
    if not keys:
        return {}
    sql = SQL("select * from {} where id = any(%s)").format(_name(projection))
    with connection.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(sql, (list(keys),), prepare=True)
        return {row["id"]: document(projection, row) for row in found}


def document(projection: Projection[R], row: Mapping[str, object]) -> R:
    """A row of the table as its Struct."""
    return msgspec.convert(row, projection.row, str_keys=True)


def save(connection: Connection[TupleRow], projection: Projection[R], rows: Mapping[UUID, R | None]) -> None:
    """Write each document over what was there; remove those that are None."""
    kept = [row for row in rows.values() if row is not None]
    gone = [key for key, row in rows.items() if row is None]
    if kept:
        connection.execute(_upsert(projection), (msgspec.json.encode(kept).decode(),), prepare=True)
    if gone:
        connection.execute(SQL("delete from {} where id = any(%s)").format(_name(projection)), (gone,))


def age(connection: Connection[TupleRow], projection: str, scopes: Iterable[UUID]) -> dict[UUID, int]:
    """Give each scope its next generation, in the transaction that changes its rows."""
    return dict(connection.execute(_AGE, (projection, list(scopes)), prepare=True).fetchall())


def empty(projection: Projection[Any]) -> Composed:
    """The statement that removes all documents."""
    return SQL("delete from {}").format(_name(projection))


def drop(projection: Projection[Any]) -> Composed:
    """The statement that removes the table."""
    return SQL("drop table {}").format(_name(projection))


def _name(projection: Projection[Any]) -> Identifier:
    return Identifier("read", projection.name)


def _upsert(projection: Projection[Any]) -> Composed:
    """All rows in one statement, as JSON: the database takes them apart, and a column's type says how."""
    fields = [Identifier(field) for field in projection.row.__struct_fields__]
    return SQL(
        "insert into {name} ({fields}) select {fields} from json_populate_recordset(null::{name}, %s::json)"
        " on conflict (id) do update set {changes}"
    ).format(
        name=_name(projection),
        fields=SQL(", ").join(fields),
        changes=SQL(", ").join(SQL("{0} = excluded.{0}").format(field) for field in fields),
    )
